# SPDX-License-Identifier: Apache-2.0
"""The held-out severity grid: every scene degraded in 18 fixed ways, a third of them borderline.

An assessor's probabilities are calibrated on it over some scenes, and over others it says how far they can be believed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from restoregan_core.data.assessment import AssessmentDataConfig, AssessmentSample, make_sample
from restoregan_core.data.degrade import DegradeConfig, Degrader, Shares
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.images.folders import cut
from restoregan_core.images.rgb import RgbImage
from restoregan_core.models.assessor_config import EVENTS

CLEAN_PER_SCENE = 4
BLUR_EXTENTS_PX = (1.0, 2.0, 2.6, 3.4, 4.0, 6.0, 10.0, 16.0)
"""Borderline: 2 to 4 px around the event's 3 px."""
RAIN_COVERAGES = (0.002, 0.004, 0.02, 0.05, 0.2, 0.8)
"""Streak area drawn; thin streaks change fewer pixels visibly. Borderline: the first two."""
RAIN_KINDS = ("sparse", "video", "driving")


@dataclass(frozen=True)
class GridSample:
    """One cell of the grid."""

    scene: int
    cell: str
    sample: AssessmentSample

    @property
    def rgb_HWC(self) -> RgbImage:  # noqa: N802
        """The image, uint8 RGB (H, W, 3)."""
        return np.ascontiguousarray(self.sample.image_CHW.transpose(1, 2, 0))

    def has(self, event: str) -> bool:
        """Whether the frame has the event, one of ``EVENTS``."""
        return bool(self.sample.frame[EVENTS.index(event)] > 0.5)


def severity_grid(
    scenes: Sequence[RgbImage], config: AssessmentDataConfig, seed: int = 0
) -> Iterator[GridSample]:
    """All cells of all scenes.

    Args:
        scenes: sharp uint8 RGB images (H, W, 3); cut to multiples of 64.
        config: of the camera that all cells go through, and of what a label means.
    """
    for number, scene_HWC in enumerate(scenes):
        height, width = (side // 64 * 64 for side in scene_HWC.shape[:2])
        cut_HWC = np.ascontiguousarray(scene_HWC[:height, :width])
        sharp_BCHW = torch.from_numpy(cut_HWC).permute(2, 0, 1)[None].float() / 255
        for order, (cell, kind, degrade) in enumerate(_cells(config, number)):
            rng = np.random.default_rng([seed, number, order])
            shares = dict.fromkeys(("blur", "rain", "blur_rain", "drops", "clean"), 0.0) | {kind: 1.0}
            degraded, clean, drawn = Degrader(degrade, Shares(**shares, pair=0.0))(sharp_BCHW, rng)
            yield GridSample(number, cell, make_sample(degraded[0], clean[0], drawn[0], config, rng))


def centre_of(rgb_HWC: RgbImage, height: int, width: int) -> RgbImage:
    """The middle of an image at its own resolution, mirrored where it is smaller: uint8 (height, width, 3)."""
    top, left = (rgb_HWC.shape[0] - height) // 2, (rgb_HWC.shape[1] - width) // 2
    return cut(rgb_HWC, top, left, height, width)


def _cells(config: AssessmentDataConfig, scene: int) -> Iterator[tuple[str, str, DegradeConfig]]:
    plain = config.degrade
    for _ in range(CLEAN_PER_SCENE):
        yield "clean", "clean", plain
    for extent_px in BLUR_EXTENTS_PX:
        blur = replace(config.blur, extent_px=(extent_px, extent_px), spatial_variation=0.3)
        yield f"blur {extent_px:g} px", "blur", replace(plain, blur=blur)
    for order, coverage in enumerate(RAIN_COVERAGES):
        kind = RAIN_KINDS[(scene + order) % len(RAIN_KINDS)]
        look = replace(getattr(config.rain, kind), coverage=(coverage, coverage))
        only: dict[str, Any] = {f"{k}_weight": float(k == kind) for k in config.rain.weights}
        rain = RainConfig(**only, **{kind: look})
        yield f"rain {coverage:g}", "rain", replace(plain, rain=rain)
