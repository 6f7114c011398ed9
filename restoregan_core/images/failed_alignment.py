# SPDX-License-Identifier: Apache-2.0
"""Where alignment fails, older frames show nothing.

Flow loses twigs that pass by, a car that overtakes, what comes out from behind something. A network may take what is
left of these in the aligned frames for streaks that fell, and clear the twigs away. Such places can be told from rain:
a drop makes one frame brighter than both others, and seldom one darker than two others at the same place. They can be
told from blur, too: what it moves apart is broad and smooth, where a network loses more by not seeing the older frames
than by seeing them, and what flow loses is fine. There the current frame stands in for the older ones, as it does for
a camera's first frame.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property, reduce

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.alignment import Flow, GreyImage, Part, Warp, flows_back, half_image, warp
from restoregan_core.images.rgb import RgbImage

Weights = npt.NDArray[np.float32]
Seen = tuple[RgbImage, GreyImage]
"""A frame and its ``half_image``."""

_NOISE_LEVELS = 3
"""Differences up to this many grey levels are noise."""
_FINE_PX = 5
"""Side of the neighbourhoods whose mean is what is broad, in the half-size image."""
_BOX_PX = 21
"""Side of the neighbourhoods that are judged, in the half-size image."""
_BAND_PX = 32
"""Rows of a frame in which failures are looked for together."""
_FINE_LEVELS = 2.2, 4.0
"""How much darker than both older frames a neighbourhood is in the mean, noise and what is broad left out: up to the
first they are shown as they are, from the second on not at all. Of neighbourhoods in rain, and in GOPRO's blur, 98 of
100 stay under 2.5; trees that pass by a fast car reach 5."""
_ALL_LEVELS = 40.0, 60.0
"""The same with all that is darker: what covers the scene, a van that overtakes. Blur hardly ever reaches 35."""


def where_alignment_holds(current: GreyImage, aligned: Sequence[GreyImage]) -> Weights | None:
    """How much of the older frames is to be shown at each pixel of the half-size images.

    Args:
        current: the current frame's ``half_image``, (height, width).
        aligned: those of two or more older frames, aligned to it. Of one alone nothing can be said: where the current
            frame is darker than it, a streak may have fallen in the older one.

    Returns:
        float32 (height, width) in [0, 1], None for 1 everywhere.
    """
    if len(aligned) < 2:
        return None
    darker = [cv2.subtract(_exposed_alike(older, current), current, dtype=cv2.CV_16S) for older in aligned]
    fine = reduce(cv2.min, (cv2.subtract(levels, _broad(levels)) for levels in darker))
    beyond_noise = cv2.subtract(fine, _NOISE_LEVELS)  # type: ignore[call-overload]
    holds = [
        held
        for levels, bounds in ((beyond_noise, _FINE_LEVELS), (reduce(cv2.min, darker), _ALL_LEVELS))
        if (held := _held(levels, *bounds)) is not None
    ]
    return reduce(np.minimum, holds) if holds else None


def _broad(levels: cv2.typing.MatLike) -> cv2.typing.MatLike:
    return cv2.max(cv2.blur(levels, (_FINE_PX, _FINE_PX)), 0)  # type: ignore[call-overload]


def _held(levels: cv2.typing.MatLike, holds: float, fails: float) -> Weights | None:
    """1 where the mean of what is over 0 is at most ``holds``, 0 from ``fails`` on; None for 1 everywhere."""
    positive = cv2.max(levels, 0)  # type: ignore[call-overload]
    means = cv2.boxFilter(positive, cv2.CV_32F, (_BOX_PX, _BOX_PX))
    if means.max() <= holds:
        return None
    return np.asarray(np.clip((fails - means) / (fails - holds), 0, 1), np.float32)


def _exposed_alike(older: GreyImage, current: GreyImage) -> GreyImage:
    """An older image at the current one's mean brightness: exposure that jumps is not a failure."""
    ratio = max(cv2.mean(current)[0], 1.0) / max(cv2.mean(older)[0], 1.0)
    return np.asarray(cv2.convertScaleAbs(older, alpha=ratio), np.uint8)


def _around_each(where_HW: npt.NDArray[np.bool_]) -> Iterator[Part]:
    """Rectangles that hold all that is set: one in each band of rows, since failures are small and far apart."""
    height = where_HW.shape[0]
    for top in range(0, height, _BAND_PX):
        columns = np.flatnonzero(where_HW[top : top + _BAND_PX].any(0))
        if columns.size:
            yield slice(top, min(top + _BAND_PX, height)), slice(int(columns[0]), int(columns[-1]) + 1)


def _shared(one: slice, other: slice) -> slice:
    start = max(one.start, other.start)
    return slice(start, max(start, min(one.stop, other.stop)))


class Alignment:
    """How a camera's older frames lie over the current one, and where they do not.

    Args:
        current: the current frame, uint8 RGB (height, width, 3), and its ``half_image``.
        ways: the half-size flow from it to each older frame, newest first.
        holds: ``where_alignment_holds``.
        parts: if there are any, what is needed of the images; nothing else has to be right then.
    """

    def __init__(
        self, current: Seen, ways: Sequence[Flow], holds: Weights | None, parts: Sequence[Part] = ()
    ) -> None:
        self.current, self.ways = current, ways
        self._holds, self._parts = holds, parts
        self._warps: dict[int, Warp] = {}

    def show(self, images: Sequence[RgbImage]) -> list[RgbImage]:
        """The older frames, or others that lie as they do, newest first, each at the current one's place, as a network
        is shown them: where alignment fails, the current one in their stead."""
        aligned = [self._warp(number)(image) for number, image in enumerate(images)]
        if self._holds is None:
            return aligned
        shown = [image.copy() for image in aligned]
        for part, current, weights in self._hidden:
            for image, older in zip(shown, aligned, strict=True):
                image[part] = cv2.blendLinear(
                    np.ascontiguousarray(older[part]), current, weights, 1 - weights
                )
        return shown

    def _warp(self, number: int) -> Warp:
        if number not in self._warps:
            self._warps[number] = Warp(self.ways[number], self.current[0].shape[:2], self._parts)
        return self._warps[number]

    @cached_property
    def _hidden(self) -> list[tuple[Part, RgbImage, Weights]]:
        """Where older frames are not shown as they are, what stands there, and their share."""
        assert self._holds is not None
        current_HWC = self.current[0]
        height, width = current_HWC.shape[:2]
        holds = np.asarray(
            cv2.resize(self._holds, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
        )
        found = [
            (_shared(rows, around[0]), _shared(columns, around[1]))
            for around in _around_each(holds < 1)
            for rows, columns in self._parts or [(slice(0, height), slice(0, width))]
        ]
        return [
            (part, np.ascontiguousarray(current_HWC[part]), np.ascontiguousarray(holds[part]))
            for part in found
            if holds[part].size
        ]


def judged(
    current: Seen, older: Sequence[Seen], ways: Sequence[Flow], parts: Sequence[Part] = ()
) -> Alignment:
    """An alignment along these ways, with what is to be hidden of it."""
    found = [np.asarray(warp(half, way), np.uint8) for (_, half), way in zip(older, ways, strict=True)]
    return Alignment(current, ways, where_alignment_holds(current[1], found), parts)


def find_alignment(current_HWC: RgbImage, older: Sequence[RgbImage]) -> Alignment:
    """How older frames of the current one's size, newest first, lie over it; there must be one at least."""
    current, *before = [(image, half_image(image)) for image in (current_HWC, *older)]
    return judged(current, before, flows_back([half for _, half in (current, *before)]))
