# SPDX-License-Identifier: Apache-2.0
"""What is true of a degraded image: how likely each 64 px tile, and the frame, is blurred, rainy, under drops.

The labels are physical. Blur: the camera's motion during the exposure spans 3 px or more. Rain: the share of
pixels that streaks change by more than 10 grey levels, through the lens and in the light there is. Drops: the
share of pixels under drops. They rise from 0 to 1 over a range around the event, so that what learns from them
can tell a little from none.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from restoregan_core.data.blur_extent import measured_extent_px
from restoregan_core.data.camera import Camera
from restoregan_core.data.degrade import Degradation
from restoregan_core.data.drops import Drops
from restoregan_core.data.rain import Rain, apply_rain
from restoregan_core.data.ranges import Range, check_range
from restoregan_core.images.tile_grid import TILE_SIZE_PX

STREAK_CHANGE = 10 / 255
"""A pixel that streaks change by so much counts as covered."""

Grid = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """From physical amounts to probabilities: 0 below the range, 1 above it, rising in between; the event is 0.5.

    Raises:
        ValueError: a range that does not rise, or reaches beyond what there can be.
    """

    blur_tile_px: Range = (1.5, 4.5)
    """Extent of the motion within a tile. The frame's is the mean over its tiles, weighted by their detail."""
    rain_tile: Range = (0.002, 0.02)
    """Share of a tile's pixels that streaks cover."""
    rain_frame: Range = (0.001, 0.007)
    drops_tile: Range = (0.01, 0.10)
    """Share of a tile's pixels under drops."""
    drops_frame: Range = (0.002, 0.01)

    def __post_init__(self) -> None:
        for name in ("blur_tile_px", "rain_tile", "rain_frame", "drops_tile", "drops_frame"):
            highest = 100 if name == "blur_tile_px" else 1
            bounds = check_range(name, getattr(self, name), 0, highest)
            if bounds[0] == bounds[1]:
                raise ValueError(f"{name}={list(bounds)} must rise: a probability of 0 below, of 1 above")
            object.__setattr__(self, name, bounds)


def labels_of(done: Degradation, clean_CHW: Tensor, config: LabelConfig, camera: Camera) -> tuple[Grid, Grid]:
    """Truth of an image that was degraded as ``done`` says and seen through a camera.

    Args:
        clean_CHW: float32 RGB in [0, 1], sides multiples of 64.

    Returns:
        Probabilities of blur, of rain (streaks or drops), of drops: (3, rows, columns) and (3,).
    """
    height, width = clean_CHW.shape[1:]
    rows, columns = height // TILE_SIZE_PX, width // TILE_SIZE_PX
    detail = tile_detail(clean_CHW)
    blur_tile: Grid = np.zeros((rows, columns), np.float32)
    if done.blur:
        blur_tile = _rise(done.blur_extent_tiles_px[:rows, :columns], config.blur_tile_px) * (detail > 0.05)
    blur_frame = _frame_blur(blur_tile, detail)
    change: Grid = np.zeros((height, width), np.float32)
    if done.rain:
        change = camera.lens(streak_change(clean_CHW, done.rain)) * np.float32(camera.contrast)
    tiles, frame = labels_of_cover(change, under_drops(done.drops, height, width), config)
    return np.concatenate([blur_tile[None], tiles]), np.array([blur_frame, *frame], np.float32)


def labels_of_cover(change_HW: Grid, under_HW: Grid, config: LabelConfig) -> tuple[Grid, Grid]:
    """Truth about rain and drops.

    Args:
        change_HW: by how much streaks change each pixel, of 1.
        under_HW: 1 where a pixel is under a drop, otherwise 0.

    Returns:
        Probabilities of rain (streaks or drops) and of drops: (2, rows, columns) and (2,).
    """
    cover, drops = _tile_means((change_HW > STREAK_CHANGE).astype(np.float32)), _tile_means(under_HW)
    drops_tile, drops_frame = _rise(drops, config.drops_tile), _rise(drops.mean(), config.drops_frame)
    rain_tile = np.maximum(_rise(cover, config.rain_tile), drops_tile)
    rain_frame = np.maximum(_rise(cover.mean(), config.rain_frame), drops_frame)
    return np.stack([rain_tile, drops_tile]), np.array([rain_frame, drops_frame], np.float32)


def under_drops(drops: Drops | None, height: int, width: int) -> Grid:
    """1 where a pixel is under a drop, otherwise 0: float32 (height, width)."""
    under = np.zeros((height, width), np.float32)
    y, x = np.mgrid[:height, :width]
    for drop in drops.drops if drops else ():
        under[np.hypot(x - drop.x, (y - drop.y) / drop.aspect) < drop.radius] = 1
    return under


def labels_of_pair(
    degraded_CHW: Tensor, clean_CHW: Tensor, is_input: bool, config: LabelConfig
) -> tuple[Grid, Grid]:
    """Truth of one side of a real pair, as ``labels_of`` has it; the motion is measured between the two.

    NaN where nobody knows: in tiles that have detail, but too little to measure by. They do not count for the
    frame.
    """
    rows, columns = (side // TILE_SIZE_PX for side in clean_CHW.shape[1:])
    tiles, frame = np.zeros((3, rows, columns), np.float32), np.zeros(3, np.float32)
    if is_input:
        detail = tile_detail(clean_CHW)
        extent_px = _tile_extents(_grey(clean_CHW), _grey(degraded_CHW))
        tiles[0] = np.where(detail > 0.05, _rise(extent_px, config.blur_tile_px), 0)
        known = ~np.isnan(tiles[0])
        frame[0] = _frame_blur(tiles[0][known], detail[known]) if known.any() else np.nan
    return tiles, frame


def _tile_extents(sharp_HW: Grid, blurred_HW: Grid) -> Grid:
    """Extent of the motion around each tile, in px, NaN without detail; seen through a window of two tiles' size."""
    rows, columns = (side // TILE_SIZE_PX for side in sharp_HW.shape)
    extents = np.empty((rows, columns), np.float32)
    for row, column in np.ndindex(rows, columns):
        cut = tuple(
            slice(max(0, int((at - 0.5) * TILE_SIZE_PX)), int((at + 1.5) * TILE_SIZE_PX))
            for at in (row, column)
        )
        extents[row, column] = measured_extent_px(sharp_HW[cut], blurred_HW[cut])
    return extents


def _frame_blur(tiles: Grid, detail: Grid) -> float:
    """The mean over tiles, weighted by their detail; 0 where there is hardly any."""
    return float((tiles * detail).sum() / (detail.sum() + 1e-3) * (detail.mean() > 0.03))


def streak_change(clean_CHW: Tensor, rain: Rain) -> Grid:
    """By how much the streaks alone, without the haze, change each pixel's most changed channel: (H, W)."""
    streaked = apply_rain(clean_CHW, replace(rain, haze=0.0))
    return (streaked - clean_CHW).abs().amax(0).numpy()


def tile_detail(clean_CHW: Tensor) -> Grid:
    """How much there is to smear in each tile, 0 to 1: float32 (rows, columns).

    0 where pixels 8 apart differ by less than some 5 grey levels (root mean square): sky, road.
    """
    grey = _grey(clean_CHW)
    squares = np.zeros(grey.shape, np.float32)
    squares[:, 8:] += (grey[:, 8:] - grey[:, :-8]) ** 2
    squares[8:] += (grey[8:] - grey[:-8]) ** 2
    logarithm = np.log(_tile_means(squares) / 2 + 2)
    return np.clip((logarithm - np.log(30)) / 2, 0, 1).astype(np.float32)


def _grey(image_CHW: Tensor) -> Grid:
    rgb_HWC = (image_CHW.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), np.float32)


def _tile_means(map_HW: npt.NDArray[np.float32]) -> Grid:
    rows, columns = (side // TILE_SIZE_PX for side in map_HW.shape)
    cut = map_HW[: rows * TILE_SIZE_PX, : columns * TILE_SIZE_PX]
    return cut.reshape(rows, TILE_SIZE_PX, columns, TILE_SIZE_PX).mean(axis=(1, 3))


def _rise(amount: Any, bounds: Range) -> Grid:
    return np.asarray(np.clip((amount - bounds[0]) / (bounds[1] - bounds[0]), 0, 1), np.float32)
