# SPDX-License-Identifier: Apache-2.0
"""How blurred and how rainy a frame is, tile by tile and as a whole."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import TILE_SIZE_PX, Grid


def _empty_grid() -> Grid:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Assessment:
    """Probabilities in [0, 1] for one frame; NaN = not assessed."""

    blur_probability: float
    """That motion smears detail by 3 px or more."""
    rain_probability: float
    """That there are streaks or lens drops that a viewer would notice."""
    lens_drop_probability: float = float("nan")
    """That there are drops on the lens; NaN from the assessors that come with the package."""
    blur_grid: Grid = field(default_factory=_empty_grid)
    """float32 (rows, columns): the same for each tile of ``tile_size_px`` from the top left corner."""
    rain_grid: Grid = field(default_factory=_empty_grid)
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
        """Name in logs and reports."""
        ...

    def assess(self, rgb_HWC: RgbImage) -> Assessment:
        """Judge a frame: uint8 RGB (height, width, 3) of any size, not written to."""
        ...


@runtime_checkable
class VideoAssessor(Protocol):
    """An assessor that also looks at the frames before."""

    def assess_video(self, rgb_HWC: RgbImage, before: FramesBefore) -> Assessment:
        """Judge a frame with what the frames before it show, as ``FrameHistory.before`` gives it."""
        ...
