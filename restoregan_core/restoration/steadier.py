# SPDX-License-Identifier: Apache-2.0
"""Where nothing moves, the restored image is a mean over time: noise that the network sharpens flickers less.

A network that sees one frame at a time makes something new of each frame's noise. Where source and scene stand
still, that is all that changes, and the mean with what came out before calms it. What is still is told from
the source, in every colour by itself: a traffic light that turns from red to green is not a still place.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage

SHRINK = 4
"""Sources are compared as means over squares of so many pixels, which averages their noise away."""
STILL_LEVELS = 1.0
"""Grey levels, of 255, by which a still place may differ then. Noise of a grey level stays below."""
MOVED_LEVELS = 3.0
"""From here on a place counts as moved, and is left alone; in between the share falls."""


@dataclass(frozen=True)
class LastFrame:
    """What is kept of a camera's last restored frame; neither array is ever written to."""

    small_source_HWC: RgbImage  # noqa: N815
    restored_HWC: RgbImage  # noqa: N815
    restored_hw: npt.NDArray[np.bool_]
    """Where it was restored, on the small source's scale; one place less on each side of a seam."""


class Steadier:
    """Averages restored frames over time where their source stands still; remembers one frame a camera.

    Args:
        share: of the frame before in a still place, in [0, 1); 0: every frame by itself. With 0.5
            noise differs between neighbouring frames by 0.41 of what it did.

    Raises:
        ValueError: ``share`` outside [0, 1).
    """

    def __init__(self, share: float = 0.5) -> None:
        self.share = share
        self._last: dict[str, LastFrame] = {}

    @property
    def share(self) -> float:
        """May be replaced between frames."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        check_share(share)
        self._share = share

    def steady(
        self,
        camera: str,
        source_HWC: RgbImage,
        restored_HWC: RgbImage,
        selected_HW: npt.NDArray[np.bool_] | None = None,
    ) -> RgbImage:
        """The next restored frame of a camera, calmed where its source stands still.

        Args:
            source_HWC, restored_HWC: uint8 RGB of one shape; neither is written to.
            selected_HW: where it was restored, bool (height, width); None is everywhere. What was not restored is not
                averaged with what is.

        Returns:
            uint8 of that shape; ``restored_HWC`` itself where there is nothing to average with.
        """
        if self._share == 0.0:
            self._last.pop(camera, None)
            return restored_HWC
        small_HWC = shrunk(source_HWC)
        before = self._last.get(camera)
        steadied_HWC = restored_HWC
        if before is not None and before.restored_HWC.shape == restored_HWC.shape:
            still_hw = stillness(before.small_source_HWC, small_HWC) * before.restored_hw
            if still_hw.any():
                height, width = restored_HWC.shape[:2]
                kept_HW = cv2.resize(self._share * still_hw, (width, height))
                steadied_HWC = np.asarray(
                    cv2.blendLinear(restored_HWC, before.restored_HWC, 1 - kept_HW, kept_HW), np.uint8
                )
        self._last[camera] = LastFrame(small_HWC, steadied_HWC, _inside(selected_HW, small_HWC.shape[:2]))
        return steadied_HWC

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What is remembered, as arrays by name, for ``load_state``; later frames do not change them."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for camera, last in self._last.items():
            arrays |= {
                f"small {camera}": last.small_source_HWC,
                f"restored {camera}": last.restored_HWC,
                f"where {camera}": last.restored_hw,
            }
        return arrays

    def load_state(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on where another steadier's ``state`` was taken; what was remembered here is forgotten.

        Raises:
            KeyError: not arrays that ``state`` gives.
        """
        cameras = [name.removeprefix("small ") for name in arrays if name.startswith("small ")]
        self._last = {
            camera: LastFrame(
                small := arrays[f"small {camera}"],
                arrays[f"restored {camera}"],
                arrays.get(f"where {camera}", np.ones(small.shape[:2], bool)),  # older states restored all
            )
            for camera in cameras
        }

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's frame, or all of them."""
        if camera is None:
            self._last.clear()
        else:
            self._last.pop(camera, None)


def check_share(share: float) -> None:
    """Raise ValueError unless ``share`` lies in [0, 1)."""
    if not 0.0 <= share < 1.0:  # NaN fails too
        raise ValueError(f"share is {share}; it must be at least 0 and less than 1")


def shrunk(source_HWC: RgbImage) -> RgbImage:
    """Means over squares of ``SHRINK`` pixels, at least one of them."""
    height, width = (max(1, side // SHRINK) for side in source_HWC.shape[:2])
    return np.asarray(cv2.resize(source_HWC, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def stillness(before_HWC: RgbImage, now_HWC: RgbImage) -> npt.NDArray[np.float32]:
    """How still each place is between two shrunken sources: float32 (height, width), 1 still, 0 moved.

    A place is as still as that neighbour of it, of eight, which moves most, in the colour that changes most.
    """
    change_HWC = cv2.absdiff(before_HWC, now_HWC)
    nearby_HW = cv2.dilate(change_HWC.max(axis=2), np.ones((3, 3), np.uint8))
    levels = np.arange(256, dtype=np.float32)
    table = np.clip((MOVED_LEVELS - levels) / (MOVED_LEVELS - STILL_LEVELS), 0, 1)
    return np.asarray(table[nearby_HW], np.float32)


def _inside(selected_HW: npt.NDArray[np.bool_] | None, small: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Bool of a shrunken source's shape: restored there and at each of the eight neighbours within the frame."""
    height, width = small
    if selected_HW is None:
        return np.ones(small, bool)
    places_hw = np.ascontiguousarray(selected_HW[::SHRINK, ::SHRINK][:height, :width])
    return np.asarray(cv2.erode(places_hw.view(np.uint8), np.ones((3, 3), np.uint8)), bool)
