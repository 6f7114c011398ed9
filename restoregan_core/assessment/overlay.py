# SPDX-License-Identifier: Apache-2.0
"""What the assessor saw and the gate did, drawn over a frame for people to look at."""

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.images.rgb import RgbImage

_BLUR_RGB = (255, 160, 0)
_RAIN_RGB = (0, 160, 255)
_RESTORED_RGB = (0, 220, 0)
_SHOWN_FROM = 0.3


def draw_overlay(
    rgb_HWC: RgbImage,
    assessment: Assessment,
    restored_grid: npt.NDArray[np.float32] | None = None,
) -> RgbImage:
    """Draw tiles and probabilities.

    Blurred tiles are tinted orange and rainy ones blue, by their probability from 0.3 on; tiles that were
    restored, by the share ``restored_grid`` (rows, columns), have a green frame. A line at the top gives the
    frame's probabilities.

    Args:
        rgb_HWC: uint8 RGB (height, width, 3); not written to.

    Returns:
        uint8 RGB of the same shape, a new array.
    """
    height, width = rgb_HWC.shape[:2]
    drawn = rgb_HWC.copy()
    size = assessment.tile_size_px
    for grid, colour in ((assessment.blur_grid, _BLUR_RGB), (assessment.rain_grid, _RAIN_RGB)):
        if grid.size:
            opacity = np.where(np.nan_to_num(grid) >= _SHOWN_FROM, 0.35 * np.nan_to_num(grid), 0.0)
            weight = np.kron(opacity, np.ones((size, size)))[:height, :width].astype(np.float32)
            tint = np.full_like(drawn, colour)
            drawn = np.asarray(cv2.blendLinear(drawn, tint, 1 - weight, weight), np.uint8)
    if restored_grid is not None:
        for row, column in np.argwhere(restored_grid > 0):
            corner = int(column) * size, int(row) * size
            opposite = min(corner[0] + size, width) - 1, min(corner[1] + size, height) - 1
            cv2.rectangle(drawn, corner, opposite, _RESTORED_RGB, 1)
    text = f"blur {_percent(assessment.blur_probability)}  rain {_percent(assessment.rain_probability)}"
    scale = max(0.4, height / 900)
    origin = (round(8 * scale), round(26 * scale))
    for colour, thickness in (
        ((0, 0, 0), round(4 * scale) + 1),
        ((255, 255, 255), max(1, round(1.5 * scale))),
    ):
        cv2.putText(drawn, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)
    return drawn


def _percent(probability: float) -> str:
    return "-" if np.isnan(probability) else f"{probability:.0%}"
