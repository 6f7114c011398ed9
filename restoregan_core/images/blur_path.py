# SPDX-License-Identifier: Apache-2.0
"""The current frame looked up along its own motion: what a network needs to undo blur whatever its direction.

While the shutter is open a point slides along its motion, so blur mixes a pixel with those before and behind it on that
path. Told what these are, a network needs no filter for each direction and length. The motion since the frame before
says direction and length but for a factor, which the exposure's share of the time between two frames decides: the
offsets cover shares from an eighth to all of it.
"""

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.alignment import Flow, GreyImage, half_image, look_along
from restoregan_core.images.planes import from_planes
from restoregan_core.images.rgb import RgbImage

OFFSETS = (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2)
"""Of the way since the frame before: how far from a pixel it is looked up, to both sides."""
SAMPLES = 2 * len(OFFSETS)
BLOCK_PX = 2
"""Two by two pixels of three colours hold the samples and the motion of one pixel of the half-size image."""
STILL = 128
"""Level that stands for no motion, to the right and down; each level more is half a pixel of the half-size image."""


def path_image(rgb_HWC: RgbImage, flow: Flow | None, half_HW: GreyImage | None = None) -> RgbImage:
    """Brightness along the motion, and the motion itself, packed as if they were an image of the frame's size.

    Args:
        rgb_HWC: uint8 RGB (height, width, 3).
        flow: from the frame to the one before, of ``alignment.find_flow``; None: it does not move.
        half_HW: the frame's ``half_image``, for a caller that has it.

    Returns:
        uint8 (height, width, 3). ``pixel_unshuffle`` by two gives planes of half the size: the frame's brightness at
        each of ``OFFSETS``, towards where the pixel was and away from it in turn, then its way to the right and down.
        An odd side's last row or column repeats the one before.
    """
    half_HW = half_image(rgb_HWC) if half_HW is None else half_HW
    height, width = rgb_HWC.shape[:2]
    if flow is None or min(height, width) < BLOCK_PX:
        planes = [half_HW] * SAMPLES + [np.full_like(half_HW, STILL)] * 2
    else:
        planes = look_along(half_HW, flow, [sign * offset for offset in OFFSETS for sign in (1, -1)])
        planes += [_as_levels(np.asarray(way_HW, np.float32)) for way_HW in cv2.split(flow)]
    packed_HWC = from_planes(np.stack(planes)[np.newaxis], BLOCK_PX)[0]
    bottom, right = height - packed_HWC.shape[0], width - packed_HWC.shape[1]
    if bottom > 0 or right > 0:
        edge = 0, max(bottom, 0), 0, max(right, 0), cv2.BORDER_REPLICATE
        packed_HWC = np.asarray(cv2.copyMakeBorder(packed_HWC, *edge), np.uint8)
    return packed_HWC[:height, :width]


def _as_levels(way_HW: npt.NDArray[np.float32]) -> GreyImage:
    """``STILL`` and twice the way, rounded and within 8 bits."""
    return np.asarray(cv2.addWeighted(way_HW, 2, way_HW, 0, STILL, dtype=cv2.CV_8U), np.uint8)
