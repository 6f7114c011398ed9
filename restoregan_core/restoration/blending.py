# SPDX-License-Identifier: Apache-2.0
"""The restored image goes into the selected tiles of its source, with a soft edge."""

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import grid_shape, pixels_of

FEATHER_PX = 16
"""Width of the soft edge, inside the selected tiles, over which source fades into restored."""


def blend_tiles(
    source_HWC: RgbImage,
    restored_HWC: RgbImage,
    tiles: npt.NDArray[np.bool_],
    tile_size_px: int,
) -> tuple[RgbImage, npt.NDArray[np.bool_]]:
    """Put the restored image into the selected tiles of the source.

    The seam lies inside the selected tiles: over ``FEATHER_PX`` pixels from any unselected tile the source
    fades into the restored image. Unselected tiles keep the source's pixels bit for bit; where every tile
    is selected, the restored image comes out bit for bit. The border of the frame is not a seam.

    Args:
        source_HWC: uint8 (height, width, 3).
        restored_HWC: uint8 of the same shape.
        tiles: bool (rows, columns); the last row and column may stick out over the frame.
        tile_size_px: side of a tile.

    Returns:
        The image, uint8 (height, width, 3), and bool (height, width), true where restored pixels went in.

    Raises:
        ValueError: shapes differ or the grid does not cover the frame.
    """
    height, width = source_HWC.shape[:2]
    if restored_HWC.shape != source_HWC.shape:
        raise ValueError(f"restored image is {restored_HWC.shape}, its source {source_HWC.shape}")
    if tiles.shape != grid_shape(height, width, tile_size_px):
        raise ValueError(
            f"a grid of {tiles.shape} tiles of {tile_size_px} px does not fit a {height}x{width} frame"
        )
    if tiles.all():
        return restored_HWC, np.ones((height, width), bool)
    if not tiles.any():
        return source_HWC, np.zeros((height, width), bool)

    selected = pixels_of(tiles, height, width, tile_size_px)
    distance_px = cv2.distanceTransform(selected.astype(np.uint8), cv2.DIST_C, 3)  # 0 outside, 1 at the seam
    weight = np.minimum(distance_px / np.float32(FEATHER_PX + 1), np.float32(1.0))
    # blendLinear rounds, so that weights of exactly 0 and 1 give back the pixels of either image.
    image = cv2.blendLinear(source_HWC, restored_HWC, 1.0 - weight, weight)
    return image, selected  # type: ignore[return-value]
