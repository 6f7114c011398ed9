# SPDX-License-Identifier: Apache-2.0
"""Frames of one camera brought over each other: dense optical flow, and images warped along it.

Flow is found on grey images of half the size. It runs from the newer frame to the older one, so that the older one
can be looked up where the newer one's pixels were. Longer ways are composed of single steps: one search a frame,
however many frames are aligned.

Everything here is deterministic, whatever the number of OpenCV's threads.
"""

import threading
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage

GreyImage = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]
"""(height, width, 2): how far right and down, in px of the image that the flow was found on."""
Part = tuple[slice, slice]
"""Rows and columns of an image."""

_NO_MAP: npt.NDArray[np.float32] = np.empty((0, 0), np.float32)
"""For OpenCV's ``remap``: the first map holds x and y."""
_own = threading.local()
"""Each thread's searches: they keep buffers, so two threads must not use one at a time."""
_SHRINK = 2
_FINE_FLOW_PX = 120_000
"""Half-size images of more pixels are searched at half their size: a quarter of the time. At 640x360 and ten frames a
second that would cost a third of what history gains on rain."""
_SMALLEST_SIDE_PX = 24
"""Smallest side of the shrunk grey image; what is smaller is taken not to move."""


def half_image(rgb_HWC: RgbImage) -> GreyImage:
    """What flow is found on: grey, uint8 (height // 2, width // 2)."""
    return _halved(np.asarray(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), np.uint8))


def quarter_image(half_HW: GreyImage) -> GreyImage:
    """A ``half_image`` at half its size and without thin streaks, for ``find_coarse_flow``."""
    return _without_streaks(_halved(_without_streaks(half_HW)))


def _without_streaks(grey_HW: GreyImage) -> GreyImage:
    return np.asarray(cv2.medianBlur(grey_HW, 3), np.uint8)


def squat_image(half_HW: GreyImage) -> GreyImage:
    """A ``half_image`` at half its height: thin upright things keep their contrast, at an eighth of the pixels."""
    rows = half_HW.shape[0] // 2
    if rows == 0:
        return half_HW
    # The mean of two rows each: ``resize`` would take six times as long.
    return np.asarray(
        cv2.addWeighted(half_HW[0 : 2 * rows : 2], 0.5, half_HW[1 : 2 * rows : 2], 0.5, 0), np.uint8
    )


def _halved(grey_HW: GreyImage) -> GreyImage:
    height, width = grey_HW.shape
    size = (max(width // _SHRINK, 1), max(height // _SHRINK, 1))
    return np.asarray(cv2.resize(grey_HW, size, interpolation=cv2.INTER_AREA), np.uint8)


def find_flow(newer: GreyImage, older: GreyImage) -> Flow:
    """Where each pixel of the newer ``half_image`` was in the older one, both of one shape (height, width)."""
    height, width = newer.shape
    if min(height, width) < _SMALLEST_SIDE_PX:
        return np.zeros((height, width, 2), np.float32)
    if newer.size <= _FINE_FLOW_PX or min(height, width) < _SHRINK * _SMALLEST_SIDE_PX:
        return _refined_flow(newer, older)
    small = _refined_flow(_halved(newer), _halved(older))
    scales = width / small.shape[1], height / small.shape[0]
    scaled = cv2.multiply(small, (*scales, 0, 0))  # type: ignore[call-overload]
    return np.asarray(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _refined_flow(newer: GreyImage, older: GreyImage) -> Flow:
    search, refinement = _search()
    flow = search.calc(newer, older, None)  # type: ignore[call-overload]
    return np.asarray(refinement.calc(newer, older, cv2.blur(flow, (3, 3))), np.float32)


def compose(newer: Flow, older: Flow) -> Flow:
    """The flow over two steps: along ``newer``, then along ``older`` from where that led."""
    places = _grid(*newer.shape[:2]) + newer
    further = cv2.remap(older, places, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(newer + further, np.float32)


def find_coarse_flow(newer: GreyImage, older: GreyImage) -> Flow:
    """As ``find_flow``, on each one's ``quarter_image``, in a small part of the time: good to a pixel or two of the
    frame."""
    if min(newer.shape) < _SMALLEST_SIDE_PX:
        return np.zeros((*newer.shape, 2), np.float32)
    return np.asarray(_coarse_search().calc(newer, older, None), np.float32)  # type: ignore[call-overload]


def warp(older_HWC: RgbImage, flow: Flow, parts: Sequence[Part] = ()) -> RgbImage:
    """The older image as seen from the newer one.

    Args:
        older_HWC: uint8 (height, width) or (height, width, channels).
        flow: found on smaller images of the two.
        parts: if there are any, what is needed; elsewhere the older image comes back as it is.
    """
    return Warp(flow, older_HWC.shape[:2], parts)(older_HWC)


class Warp:
    """``warp`` along one flow, for several images of one size: the places are found once.

    Args:
        flow, parts: as for ``warp``.
        size: height and width of the images, in px.
    """

    def __init__(self, flow: Flow, size: tuple[int, ...], parts: Sequence[Part] = ()) -> None:
        height, width = size
        if (height, width) != flow.shape[:2]:
            # Scaled while it is small, and by OpenCV, which takes a fifth of the time: this runs for every frame.
            scales = width / flow.shape[1], height / flow.shape[0]
            flow = np.asarray(cv2.multiply(flow, (*scales, 0, 0)), np.float32)  # type: ignore[call-overload]
        self._whole = None if parts else _places(flow, height, width, (slice(0, height), slice(0, width)))
        self._parts = [(part, _places(flow, height, width, part)) for part in parts]

    def __call__(self, older_HWC: RgbImage) -> RgbImage:
        """The older image as seen from the newer one."""
        if self._whole is not None:
            return _looked_up(older_HWC, self._whole)
        warped = older_HWC.copy()
        for part, places in self._parts:
            warped[part] = _looked_up(older_HWC, places)
        return warped


def look_along(image_HW: GreyImage, way: Flow, shares: Sequence[float]) -> list[GreyImage]:
    """What lies each of these shares of a way from each pixel, in px of the image; beyond its border it is mirrored."""
    grid = _grid(*image_HW.shape[:2])
    places = np.empty_like(grid)  # once: memory that was never touched takes longer than the sum
    return [_looked_up(image_HW, _along(way, share, grid, places)) for share in shares]


def _along(way: Flow, share: float, grid: Flow, places: Flow) -> Flow:
    return np.asarray(cv2.scaleAdd(way, share, grid, dst=places), np.float32)


def _places(flow: Flow, height: int, width: int, part: Part) -> Flow:
    """Where part of an image is to be looked up, the flow in px of the image: (rows, columns, 2)."""
    rows, columns = part
    grid = _grid(height, width)[part]
    top = left = 0
    if (height, width) == (_SHRINK * flow.shape[0], _SHRINK * flow.shape[1]):
        # With a neighbour on each side, which interpolation looks at, this part becomes what it is in the whole.
        top, left = (max(side.start // _SHRINK - 1, 0) for side in part)
        flow = flow[top : rows.stop // _SHRINK + 2, left : columns.stop // _SHRINK + 2]
        height, width = _SHRINK * flow.shape[0], _SHRINK * flow.shape[1]
    places = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    top, left = _SHRINK * top, _SHRINK * left
    places = places[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return np.asarray(cv2.add(places, grid, dst=places), np.float32)


def _looked_up(image_HWC: RgbImage, places: Flow) -> RgbImage:
    return np.asarray(
        cv2.remap(image_HWC, places, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def align(current_HWC: RgbImage, older: Sequence[RgbImage]) -> tuple[list[RgbImage], list[Flow]]:
    """Older frames of the current one's size, newest first, each aligned to it, and the half-size flows to them."""
    ways = flows_back([half_image(image) for image in (current_HWC, *older)])
    return [warp(image, way) for image, way in zip(older, ways, strict=True)], ways


def flows_back(halves: Sequence[GreyImage]) -> list[Flow]:
    """The flows from the first ``half_image`` to each of the others, newest first, composed of single steps."""
    ways: list[Flow] = []
    for newer, older in pairwise(halves):
        step = find_flow(newer, older)
        ways.append(compose(ways[-1], step) if ways else step)
    return ways


def filled_up(images: Sequence[RgbImage], count: int) -> list[RgbImage]:
    """So many images: the last one stands for those that are missing."""
    found = list(images)
    return found + found[-1:] * (count - len(found))


def _search() -> tuple[cv2.DISOpticalFlow, cv2.VariationalRefinement]:
    searches: tuple[cv2.DISOpticalFlow, cv2.VariationalRefinement] | None = getattr(_own, "search", None)
    if searches is None:
        # Patches further apart lose what moves fast and is small.
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        search.setFinestScale(0)
        search.setGradientDescentIterations(12)
        search.setPatchStride(4)
        # The variational step sharpens the flow at edges; far smoother than OpenCV has it (alpha is 20 there, delta 5),
        # since fine patches follow noise and streaks. On the finest scale alone, in one iteration that is solved well
        # by over-relaxation, it takes half the time of the search's own and errs less.
        search.setVariationalRefinementIterations(0)
        refinement = cv2.VariationalRefinement.create()
        refinement.setFixedPointIterations(1)
        refinement.setSorIterations(10)
        refinement.setOmega(1.8)
        refinement.setAlpha(300)
        refinement.setDelta(20)
        searches = _own.search = search, refinement
    return searches


def _coarse_search() -> cv2.DISOpticalFlow:
    search: cv2.DISOpticalFlow | None = getattr(_own, "coarse_search", None)
    if search is None:
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        search.setFinestScale(1)
        search.setPatchStride(6)
        _own.coarse_search = search
    return search


@lru_cache(maxsize=16)
def _grid(height: int, width: int) -> npt.NDArray[np.float32]:
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack((x, y))
