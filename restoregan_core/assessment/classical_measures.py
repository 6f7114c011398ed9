# SPDX-License-Identifier: Apache-2.0
"""No-reference measures of motion blur and rain streaks, per tile, at the frame's own resolution.

They are numbers without a unit; ``classical.ClassicalAssessor`` maps them to probabilities.
OpenCV's uint8 arithmetic throughout: a frame of 640x360 takes a few milliseconds.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.alignment import GreyImage
from restoregan_core.images.tile_grid import TILE_SIZE_PX, Grid, grid_shape

# A cut-off tile is judged with its neighbours' pixels, a smaller frame with its mirror image.
_SMALLEST_PX = 32
_DISTANCES_PX = (1, 2, 4, 8)
_FARTHEST_PX = _DISTANCES_PX[-1]
_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))  # (down, right)
_STREAK_WIDTH_PX = 7
_STREAK_LENGTH_PX = 11
_STREAK_ANGLES_DEG = (-40, -20, 0, 20, 40)  # from the vertical

BLUR_MEASURES = (
    "slope_1_2_min", "slope_1_2_max", "slope_1_2_mean",
    "slope_2_4_min", "slope_2_4_max", "slope_2_4_mean",
    "slope_4_8_min", "slope_4_8_max", "slope_4_8_mean",
    "contrast", "anisotropy_1", "anisotropy_8", "peakedness",
)  # fmt: skip
RAIN_MEASURES = (
    "bright_max", "dark_max", "bright_over_dark_max", "bright_frame_angle", "dark_frame_angle", "bright_min",
    "bright_level", "dark_level",
    "bright_thin_across", "dark_thin_across", "bright_thin_along", "dark_thin_along",
)  # fmt: skip


def measure_blur(grey_HW: GreyImage) -> Grid:
    """How fast detail grows with distance, in which direction.

    D(d) is the mean squared difference of pixels d apart, along four directions. Where an edge is sharp,
    D(1) is nearly D(2); where motion has smeared it over more than d pixels along a direction, D grows with
    the square of the distance there, and not across. So the measures are, in natural logarithms:

    - ``slope_a_b``: D(a) / D(b), its minimum, maximum and mean over the directions;
    - ``contrast``: the mean of D(8), which says how much there is to see at all;
    - ``anisotropy_d``: the least D(d) of the directions over the greatest;
    - ``peakedness``: mean square over squared mean of differences 1 apart: few strong edges, or many weak.

    Above half a megapixel every second row starts a difference, above one and a half every fourth: the
    distances stay what they are, and the time bounded.

    Args:
        grey_HW: uint8 (height, width).

    Returns:
        float32 (rows, columns, 13), in the order of ``BLUR_MEASURES``.
    """
    rows, columns = grid_shape(*grey_HW.shape)
    grey_HW = _at_least(grey_HW, _SMALLEST_PX + 2 * _FARTHEST_PX)
    height, width = grey_HW.shape
    step = 1 if height * width < 500_000 else 2 if height * width < 1_500_000 else 4
    inner_height, inner_width = height - _FARTHEST_PX, width - 2 * _FARTHEST_PX
    centre = grey_HW[:inner_height:step, _FARTHEST_PX : _FARTHEST_PX + inner_width]
    floor = np.float32(2.0)  # in squared grey levels: noise of one grey level
    D: dict[int, Grid] = {}
    absolute = np.zeros((rows, columns), np.float32)
    for distance in _DISTANCES_PX:
        grids = []
        for down, right in _DIRECTIONS:
            y, x = down * distance, _FARTHEST_PX + right * distance
            difference = cv2.absdiff(centre, grey_HW[y : y + inner_height : step, x : x + inner_width])
            grids.append(
                _tile_means(cv2.multiply(difference, difference, dtype=cv2.CV_32F), rows, columns, step)
            )
            if distance == 1:
                absolute += _tile_means(difference, rows, columns, step)
        D[distance] = np.log(np.stack(grids, axis=-1) + floor)
    absolute /= len(_DIRECTIONS)

    measures: list[Grid] = []
    for near, far in pairwise(_DISTANCES_PX):
        slope = D[near] - D[far]
        measures += [slope.min(-1), slope.max(-1), slope.mean(-1)]
    measures.append(np.log(np.exp(D[_FARTHEST_PX]).mean(-1)))
    measures += [D[d].min(-1) - D[d].max(-1) for d in (1, _FARTHEST_PX)]
    measures.append(np.log(np.exp(D[1]).mean(-1)) - np.log(absolute**2 + floor))
    return np.stack(measures, axis=-1)


def texture_weights(blur_measures: Grid) -> Grid:
    """How much there is to see in each tile, float32 (rows, columns) in [0, 1]: 0 in a clear sky.

    Rises from 0 to 1 while the mean squared difference of pixels 8 apart goes from 30 to 220.
    """
    contrast = blur_measures[..., BLUR_MEASURES.index("contrast")]
    return np.clip((contrast - np.log(30.0)) / 2.0, 0.0, 1.0).astype(np.float32)


def measure_rain(grey_HW: GreyImage) -> Grid:
    """How much there is of thin, long, bright, steep lines, and of dark ones, which rain does not add.

    A top-hat across keeps what is brighter (or darker) than its surroundings and narrower than 7 px; of that,
    an erosion along one of five steep angles keeps what is at least 11 px long. Scenes have bright and dark
    lines alike, streaks are bright, and all of a frame's streaks have about the same angle. The measures are
    logarithms of mean grey levels:

    - ``bright_max``, ``dark_max``, ``bright_min``: over the angles; ``bright_over_dark_max``: their ratio;
    - ``*_frame_angle``: at the angle where the frame as a whole has most more bright than dark lines;
    - ``*_level``: thin level lines, which are not rain; ``*_thin_across``, ``*_thin_along``: thin things
      of any length, measured across (as streaks are thin) and along the vertical.

    Args:
        grey_HW: uint8 (height, width).

    Returns:
        float32 (rows, columns, 12), in the order of ``RAIN_MEASURES``.
    """
    rows, columns = grid_shape(*grey_HW.shape)
    grey_HW = _at_least(grey_HW, _SMALLEST_PX)
    across = np.ones((1, _STREAK_WIDTH_PX), np.uint8)
    bright_across, dark_across = _thin(grey_HW, across)
    bright_along, dark_along = _thin(grey_HW, across.T)

    def lines(thin_HW: GreyImage, angles_deg: Iterable[float] = _STREAK_ANGLES_DEG) -> Grid:
        return np.stack(
            [_tile_means(cv2.erode(thin_HW, _line(angle)), rows, columns) for angle in angles_deg], -1
        )

    bright, dark = lines(bright_across), lines(dark_across)
    angle = (bright - dark).mean(axis=(0, 1)).argmax()
    log_bright, log_dark = np.log(bright + 0.05), np.log(dark + 0.05)
    measures = [
        log_bright.max(-1),
        log_dark.max(-1),
        (log_bright - log_dark).max(-1),
        log_bright[..., angle],
        log_dark[..., angle],
        log_bright.min(-1),
    ]
    level = np.ones((1, _STREAK_LENGTH_PX), np.uint8)
    for thin_HW in (bright_along, dark_along):
        measures.append(np.log(_tile_means(cv2.erode(thin_HW, level), rows, columns) + 0.05))
    for thin_HW in (bright_across, dark_across, bright_along, dark_along):
        measures.append(np.log(_tile_means(thin_HW, rows, columns) + 0.3))
    return np.stack(measures, axis=-1)


def _thin(grey_HW: GreyImage, window: GreyImage) -> tuple[GreyImage, GreyImage]:
    """What is brighter, and what is darker, than its surroundings and fits inside the window."""
    bright = cv2.morphologyEx(grey_HW, cv2.MORPH_TOPHAT, window)
    dark = cv2.morphologyEx(grey_HW, cv2.MORPH_BLACKHAT, window)
    return np.asarray(bright, np.uint8), np.asarray(dark, np.uint8)


@lru_cache
def _line(angle_deg: float) -> GreyImage:
    """A line one pixel wide as a structuring element."""
    from_middle = np.arange(_STREAK_LENGTH_PX) - _STREAK_LENGTH_PX // 2
    columns = np.rint(from_middle * np.tan(np.radians(angle_deg))).astype(int)
    line = np.zeros((_STREAK_LENGTH_PX, 2 * int(abs(columns).max()) + 1), np.uint8)
    line[np.arange(_STREAK_LENGTH_PX), columns - columns.min()] = 1
    return line


def _tile_means(values_HW: Any, rows: int, columns: int, row_step: int = 1) -> Grid:
    """Mean over each tile, where ``values_HW`` holds every ``row_step``-th row of the frame.

    Not as matrix products, which OpenBLAS would spread over threads that spin long after: they took as much
    time as all of the network.
    """
    height, width = values_HW.shape
    tops, bottoms = _tile_ranges(height, rows, row_step)
    lefts, rights = _tile_ranges(width, columns, 1)
    # One more column, as the end of the last range must be an index too.
    bands = np.zeros((rows, width + 1), np.float32)
    for row, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
        cv2.reduce(values_HW[top:bottom], 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F, dst=bands[row : row + 1, :-1])
    ranges = np.stack((lefts, rights), axis=1).reshape(-1)
    sums = np.add.reduceat(bands, ranges, axis=1)[:, ::2]
    return np.asarray(sums / np.outer(bottoms - tops, rights - lefts), np.float32)


@lru_cache(maxsize=64)
def _tile_ranges(length: int, tiles: int, step: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First and past-the-last place of each tile along a side; each ``step``-th pixel of it is there."""
    tile_size, smallest = TILE_SIZE_PX // step, _SMALLEST_PX // step
    places = np.arange(tiles, dtype=np.intp) * tile_size
    return np.minimum(places, length - smallest), np.minimum(places + tile_size, length)


def _at_least(grey_HW: GreyImage, side_px: int) -> GreyImage:
    """Mirror a frame that is smaller than ``side_px`` at its bottom and right until it is not."""
    height, width = grey_HW.shape
    missing = max(0, side_px - height), max(0, side_px - width)
    return np.pad(grey_HW, ((0, missing[0]), (0, missing[1])), mode="symmetric") if any(missing) else grey_HW
