# SPDX-License-Identifier: Apache-2.0
"""The assessor without learning: hand-made measures of tiles, mapped to probabilities."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment import classical_constants
from restoregan_core.assessment.assessor import Assessment
from restoregan_core.assessment.classical_measures import measure_blur, measure_rain, texture_weights
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import Grid


@dataclass(frozen=True, kw_only=True)
class EvidenceModel:
    """Measures of tiles -> probabilities of tiles and of the frame. See ``ClassicalAssessor``."""

    measure_weights: tuple[float, ...]
    measure_bias: float
    tile_own: float
    tile_frame: float
    tile_bias: float
    frame_scale: float
    frame_bias: float

    def evidence(self, measures: Grid, weights: Grid) -> tuple[Grid, float]:
        """Log-odds of tiles and frame, from measures (rows, columns, K) and weights (rows, columns).

        Each is a mean by weight (over 3x3 tiles; over all), drawn to 0 where nothing has weight.
        """
        own = measures @ np.asarray(self.measure_weights, np.float32) + np.float32(self.measure_bias)
        weighted = np.clip(own, -6.0, 6.0).astype(np.float32) * weights
        tiles = _sum_of_neighbours(weighted) / (_sum_of_neighbours(weights) + np.float32(0.5))
        return tiles, float(weighted.sum() / (weights.sum() + 0.5))

    def probabilities(self, measures: Grid, weights: Grid) -> tuple[Grid, float]:
        """The same measures and weights -> probabilities of each tile, (rows, columns), and of the frame."""
        tiles, frame = self.evidence(measures, weights)
        grid = _logistic(self.tile_own * tiles + self.tile_frame * frame + self.tile_bias) * weights
        seen = float(weights.sum() / (weights.sum() + 0.5))
        return grid, float(_logistic(np.float32(self.frame_scale * frame + self.frame_bias))) * seen


def _sum_of_neighbours(grid: Grid) -> Grid:
    summed = cv2.boxFilter(grid, cv2.CV_32F, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(summed, np.float32)


def _logistic(log_odds: npt.NDArray[np.float32] | np.float32) -> Grid:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), np.float32)


class ClassicalAssessor:
    """Hand-made measures mapped to probabilities by fitted logistic curves; OpenCV and numpy only.

    For blur and for rain alike, in two steps:

    1. Each tile's measures (see ``classical_measures``) give its evidence, a log-odds, within +-6.
       The frame's evidence is its mean over the tiles. For blur each tile counts by how much there is to see
       in it: motion smears nothing in a clear sky.
    2. A tile's probability is the logistic of its own and its frame's evidence, times, for blur, the weight
       just said: a tile without texture is not blurred. The frame's probability is the logistic of its own.

    The constants are fitted by ``tools/fit_classical_assessor.py`` on sharp images, degraded and not.
    Known limits: blur below about 5 px is often missed; defocus and soft lenses are not told from motion
    with certainty; fine rain without streaks, snow and spray are not seen; a fence may pass for streaks.
    Drops on the lens are not assessed.
    """

    name = "classical"

    def __init__(self) -> None:
        self._blur = EvidenceModel(**classical_constants.BLUR)
        self._rain = EvidenceModel(**classical_constants.RAIN)

    def assess(self, rgb_HWC: RgbImage) -> Assessment:
        """See ``Assessor.assess``."""
        grey_HW = np.asarray(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), np.uint8)
        blur_measures, rain_measures = measure_blur(grey_HW), measure_rain(grey_HW)
        blur_grid, blur = self._blur.probabilities(blur_measures, texture_weights(blur_measures))
        rain_grid, rain = self._rain.probabilities(
            rain_measures, np.ones(rain_measures.shape[:2], np.float32)
        )
        return Assessment(blur, rain, blur_grid=blur_grid, rain_grid=rain_grid)
