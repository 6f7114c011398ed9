"""How blurred and how rainy a frame is, tile by tile and as a whole."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

TILE_SIZE_PX = 64


def _empty_grid() -> npt.NDArray[np.float32]:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Assessment:
    """Probabilities in [0, 1] for one frame; NaN = not assessed."""

    blur_probability: float
    """That motion smears detail by 3 px or more."""
    rain_probability: float
    """That there are streaks or lens drops that a viewer would notice."""
    lens_drop_probability: float = float("nan")
    """That there are drops on the lens."""
    blur_grid: npt.NDArray[np.float32] = field(default_factory=_empty_grid)
    """float32 (rows, columns): the same for each tile of ``tile_size_px`` from the top left corner."""
    rain_grid: npt.NDArray[np.float32] = field(default_factory=_empty_grid)
    """float32 of the same shape."""
    tile_size_px: int = TILE_SIZE_PX

    @classmethod
    def not_assessed(cls) -> "Assessment":
        """All NaN, with empty grids."""
        return cls(float("nan"), float("nan"))


class Assessor(Protocol):
    """What the pipeline needs of an assessor."""

    @property
    def name(self) -> str:
        """What it goes by in logs and reports."""
        ...

    def assess(self, rgb_HWC: npt.NDArray[np.uint8]) -> Assessment:
        """Judge a frame: uint8 RGB (height, width, 3) of any size, not written to."""
        ...


class ClassicalAssessor:
    """Measures of edge width and of streaks, mapped to probabilities. No network, OpenCV only."""

    name = "classical"

    def assess(self, rgb_HWC: npt.NDArray[np.uint8]) -> Assessment:
        """See ``Assessor.assess``."""
        grey = np.asarray(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), np.float32)
        fine = np.asarray(np.abs(cv2.Laplacian(grey, cv2.CV_32F)))
        coarse = np.asarray(np.abs(cv2.Laplacian(cv2.blur(grey, (3, 3)), cv2.CV_32F)))
        ratio = _tile_means(fine) / (_tile_means(coarse) + np.float32(0.1))
        blur = (1.0 / (1.0 + np.exp(4.0 * (ratio - 2.0)))).astype(np.float32)
        rain = np.zeros_like(blur)
        return Assessment(float(blur.mean()), 0.0, blur_grid=blur, rain_grid=rain)


def _tile_means(values_HW: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    height, width = values_HW.shape
    tops, lefts = np.arange(0, height, TILE_SIZE_PX), np.arange(0, width, TILE_SIZE_PX)
    sums = np.add.reduceat(np.add.reduceat(values_HW, tops, axis=0), lefts, axis=1)
    areas = np.outer(np.diff(np.append(tops, height)), np.diff(np.append(lefts, width)))
    return (sums / areas).astype(np.float32)
