# SPDX-License-Identifier: Apache-2.0
"""What only consecutive frames show: streaks that are left, flicker, and things that move on their own.

Everything is measured on a *triple*: a frame between the one before it and the one after it, uint8 RGB
(height, width, 3) of one size each. A clip's figure is the mean over its triples. Motion is found on the ground truth,
or on the source where there is none, never on what is judged: a restored clip must not choose its own yardstick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.alignment import GreyImage
from restoregan_core.images.rgb import RgbImage

Plane = npt.NDArray[np.float32]
Triple = Sequence[RgbImage]
"""Before, current, after."""

STREAK_LEVELS = 3.0
"""What a pixel must be brighter by than in both neighbours, of 255, to count."""
LEAST_EXCESS = 0.1
"""Share of a source's streak energy that must be excess before what is left of it means anything."""
MOVING_PX = 1.5
"""From frame to frame, against the background: what moves further moves on its own."""
_SAMPLE_PX = 8
"""Between two places at which the background's motion is fitted."""
_SMALLEST_SIDE_PX = 24
"""A smaller frame is taken not to move: too little to find flow on."""
_NO_MAP: Plane = np.empty((0, 0), np.float32)
"""For OpenCV's ``remap``: the first map holds x and y."""


@dataclass(frozen=True)
class Neighbours:
    """Where each pixel of a frame lies in the frame before and in the one after."""

    before: Plane
    """float32 (height, width, 2): x and y to look up in the frame before, px."""
    after: Plane
    """The same in the frame after."""


def neighbours(triple: Triple) -> Neighbours:
    """Both ways from the middle of a triple, by dense optical flow (DIS) at full size.

    Raises:
        ValueError: not three frames of one size.
    """
    # Thin streaks go before flow is sought, or rain would be matched with other rain.
    before, current, after = (np.asarray(cv2.medianBlur(grey, 5), np.uint8) for grey in _greys(triple))
    here = _grid(*current.shape)
    return Neighbours(here + _flow(current, before), here + _flow(current, after))


@dataclass(frozen=True)
class Streaks:
    """What a frame shows that the frame before and the frame after do not, means over pixels in grey levels of 255."""

    energy: float
    """What is brighter than in both neighbours: rain, and whatever else flares up in one frame alone."""
    excess: float
    """``energy`` less what is darker than in both: noise, leaves in the wind and errors of the flow go both ways and
    cancel, rain only adds light. About 0 in dry weather."""

    def energy_left(self, restored: "Streaks") -> float | None:
        """The share of this source's energy that the restored frame still has; None if the source has none."""
        return restored.energy / self.energy if self.energy else None

    def excess_left(self, restored: "Streaks") -> float | None:
        """The share of this source's excess that the restored frame still has; below 0 where more was taken out.

        Returns:
            None where about as much grows darker as brighter: rain cannot be told from noise then.
        """
        return restored.excess / self.excess if self.excess > LEAST_EXCESS * self.energy else None


def streaks(triple: Triple, places: Neighbours) -> Streaks:
    """How much of a frame is brighter, or darker, than both the frame before and the frame after.

    Of each pixel, what its grey value exceeds the brighter one of both neighbours by, where that is more than
    ``STREAK_LEVELS``, else 0; and the same for what is darker than the darker one.

    Args:
        triple: of the clip that is judged.
        places: ``neighbours`` of its ground truth or source. What is left of a source's streaks is the quotient of
            restored clip and source, both with these places.

    Raises:
        ValueError: not three frames of one size.
    """
    before, current, after = _greys(triple)
    older, newer, now = (
        _look_up(before, places.before),
        _look_up(after, places.after),
        current.astype(np.float32),
    )
    brighter, darker = now - np.maximum(older, newer), np.minimum(older, newer) - now
    energy, dips = (float(np.where(by > STREAK_LEVELS, by, 0).mean()) for by in (brighter, darker))
    return Streaks(energy, energy - dips)


def frame_change(triple: Triple, places: Neighbours) -> float:
    """Mean absolute change of grey from the frame before, along the motion, in levels of 255: less is steadier.

    Raises:
        ValueError: not three frames of one size.
    """
    before, current, _ = _greys(triple)
    return float(np.abs(current.astype(np.float32) - _look_up(before, places.before)).mean())


def moving_mask(places: Neighbours) -> npt.NDArray[np.bool_]:
    """Where something moves against the background: bool (height, width).

    The background's motion is the homography that most of the flow agrees with (RANSAC). What lies further than
    ``MOVING_PX`` from it, both from the frame before and to the frame after, moves on its own; so does, for this
    measure, what is much nearer to a moving camera than the rest.

    Args:
        places: ``neighbours`` of the ground truth.
    """
    return _moves(places.before) & _moves(places.after)


def _moves(there: Plane) -> npt.NDArray[np.bool_]:
    here = _grid(*there.shape[:2])
    start = _SAMPLE_PX // 2
    sampled = [plane[start::_SAMPLE_PX, start::_SAMPLE_PX].reshape(-1, 2) for plane in (here, there)]
    if len(sampled[0]) < 4:
        return np.zeros(there.shape[:2], bool)
    homography, _ = cv2.findHomography(sampled[0], sampled[1], cv2.RANSAC, 1.0)
    if homography is None:
        return np.zeros(there.shape[:2], bool)
    background = cv2.perspectiveTransform(here.reshape(1, -1, 2), homography).reshape(there.shape)
    away = there - background
    return np.asarray(np.hypot(away[..., 0], away[..., 1]) > MOVING_PX)


def _greys(triple: Triple) -> list[GreyImage]:
    shapes = [frame.shape for frame in triple]
    if len(shapes) != 3 or len(set(shapes)) != 1:
        raise ValueError(f"expected three frames of one size, got {', '.join(map(str, shapes)) or 'none'}")
    return [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in triple]


def _flow(current: GreyImage, other: GreyImage) -> Plane:
    if min(current.shape) < _SMALLEST_SIDE_PX:
        return np.zeros((*current.shape, 2), np.float32)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(current, other, None), np.float32)  # type: ignore[call-overload]


def _look_up(grey: GreyImage, places: Plane) -> Plane:
    looked_up = cv2.remap(
        grey.astype(np.float32), places, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(looked_up, np.float32)


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> Plane:
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack((x, y))
