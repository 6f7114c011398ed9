# SPDX-License-Identifier: Apache-2.0
"""What the frames before say about each tile: numbers without a unit, which ``temporal.py`` maps to log-odds.

A streak is there in one frame and gone in the next: it is brighter than both aligned neighbours, and nothing is
darker than both in its stead. Where alignment fails, both sides are full of error alike. Motion blur goes with
motion; a soft lens is soft without it.
"""

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.images.alignment import GreyImage
from restoregan_core.images.tile_grid import TILE_SIZE_PX, Grid

TEMPORAL_MEASURES = (
    "brighter", "darker", "much_brighter", "much_darker",
    "upright_brighter", "upright_darker", "level_brighter", "level_darker",
    "was_brighter", "was_darker", "changed", "changed_before",
    "detail_across", "detail_down", "wide_detail_across", "was_detail_across", "was_detail_down",
    "brightness", "speed_right", "speed_down",
)  # fmt: skip
"""Natural logarithms of tiles' means; grey levels, and px a frame for the speeds.

- ``brighter``, ``darker`` than both neighbours; ``much_``: by more than 4 levels; ``upright_``, ``level_``: what of it
  is at least 12 px high, or 6 px wide; ``was_``: the same of the frame before, between its two neighbours;
- ``changed``: absolute difference to the frame before, and between the two before;
- ``detail_``: absolute difference of neighbouring pixels, and of pixels two apart.
"""

_TILE_ROWS, _TILE_COLUMNS = TILE_SIZE_PX // 4, TILE_SIZE_PX // 2
_UPRIGHT, _LEVEL = np.ones((3, 1), np.uint8), np.ones((1, 3), np.uint8)
_FLOOR_LEVELS = 0.05
_FLOOR_PX = 0.2


def measure_change(before: FramesBefore, rows: int, columns: int) -> Grid:
    """The ``TEMPORAL_MEASURES`` of each tile: float32 (rows, columns, 20)."""
    now, then, earlier = (_filled(image, rows, columns) for image in (before.current, *before.aligned))
    highest, lowest = cv2.max(then, earlier), cv2.min(then, earlier)
    brighter, darker = cv2.subtract(now, highest), cv2.subtract(lowest, now)
    levels = [
        brighter, darker, cv2.subtract(brighter, 4.0), cv2.subtract(darker, 4.0),  # type: ignore[call-overload]
        cv2.erode(brighter, _UPRIGHT), cv2.erode(darker, _UPRIGHT),
        cv2.erode(brighter, _LEVEL), cv2.erode(darker, _LEVEL),
        cv2.subtract(then, cv2.max(now, earlier)), cv2.subtract(cv2.min(now, earlier), then),
        cv2.absdiff(now, then), cv2.absdiff(then, earlier),
        _steps(now, 0, 1), _steps(now, 1, 0), _steps(now, 0, 2), _steps(then, 0, 1), _steps(then, 1, 0),
        now,
    ]  # fmt: skip
    speeds = cv2.resize(np.abs(before.flow), (columns, rows), interpolation=cv2.INTER_AREA)
    means = np.log(_tile_means(levels, rows, columns) + np.float32(_FLOOR_LEVELS))
    return np.concatenate([means, np.log(speeds.reshape(rows, columns, 2) + np.float32(_FLOOR_PX))], axis=2)


def _filled(image: GreyImage, rows: int, columns: int) -> GreyImage:
    """Up to whole tiles, with its own last row and column."""
    bottom, right = rows * _TILE_ROWS - image.shape[0], columns * _TILE_COLUMNS - image.shape[1]
    if not bottom and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _steps(image: GreyImage, down: int, right: int) -> GreyImage:
    steps = np.zeros_like(image)
    height, width = image.shape
    cv2.absdiff(
        image[down:, right:],
        image[: height - down, : width - right],
        dst=steps[: height - down, : width - right],
    )
    return steps


def _tile_means(images: list[GreyImage], rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Means over whole tiles: (rows, columns, images)."""
    # Sums of rows first: they still fit into 16 bits, and take a third of the time of resizing in float.
    stacked = np.concatenate(images).reshape(-1, _TILE_ROWS, columns * _TILE_COLUMNS)
    sums = (
        stacked.sum(1, dtype=np.uint16)
        .reshape(len(images), rows, columns, _TILE_COLUMNS)
        .sum(3, dtype=np.uint32)
    )
    return np.asarray(sums.transpose(1, 2, 0) / np.float32(_TILE_ROWS * _TILE_COLUMNS), np.float32)
