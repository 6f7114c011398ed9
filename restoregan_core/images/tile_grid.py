# SPDX-License-Identifier: Apache-2.0
"""The grid of square tiles that a frame is judged and restored by."""

import numpy as np
import numpy.typing as npt

TILE_SIZE_PX = 64

Grid = npt.NDArray[np.float32]
"""A number for each tile: (rows, columns), or (rows, columns, K) for K numbers."""


def grid_shape(height: int, width: int, tile_size_px: int = TILE_SIZE_PX) -> tuple[int, int]:
    """Rows and columns of the tiles that cover a frame; the last ones may be cut off by its border."""
    return -(-height // tile_size_px), -(-width // tile_size_px)


def pixels_of(
    tiles: npt.NDArray[np.bool_], height: int, width: int, tile_size_px: int = TILE_SIZE_PX
) -> npt.NDArray[np.bool_]:
    """Which pixels of a frame lie in the tiles that are true: bool (height, width).

    Args:
        tiles: bool (rows, columns) of ``grid_shape``.
    """
    return tiles.repeat(tile_size_px, axis=0).repeat(tile_size_px, axis=1)[:height, :width]
