# SPDX-License-Identifier: Apache-2.0
"""What an assessor sees of the frames before: small images of them, aligned to the current one."""

from dataclasses import dataclass, replace

from restoregan_core.images.alignment import Flow, GreyImage, half_image, squat_image
from restoregan_core.images.rgb import RgbImage


@dataclass(frozen=True)
class FramesBefore:
    """The current frame and the two before it as ``alignment.squat_image`` gives them."""

    current: GreyImage
    """uint8 (height // 4, width // 2)."""
    aligned: tuple[GreyImage, GreyImage]
    """The frame before and the one before that, seen from the current one; twice the same where there is only one."""
    flow: Flow
    """(rows, columns, 2): how far right and down the current frame's content was in the frame before, px of the
    frame, on a coarse grid."""

    def of(self, rgb_HWC: RgbImage) -> "FramesBefore":
        """The same frames before another version of the current frame, such as a restored one."""
        return replace(self, current=squat_image(half_image(rgb_HWC)))
