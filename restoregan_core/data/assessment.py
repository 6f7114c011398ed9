# SPDX-License-Identifier: Apache-2.0
"""What the assessor learns from: images degraded in known ways (``data/labels.py`` says what is true of them),
seen through cameras that differ in what is not an event (``data/camera.py``).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from torch import Tensor

from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.camera import CameraConfig, draw_camera, fenced, shadowed
from restoregan_core.data.config import DataConfig, Folder, PairFolder
from restoregan_core.data.degrade import Degradation, DegradeConfig, Shares
from restoregan_core.data.drops import DropsConfig
from restoregan_core.data.labels import Grid, LabelConfig, labels_of, labels_of_pair
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.ranges import Range, check_share, draw
from restoregan_core.data.sensor import SensorConfig
from restoregan_core.data.sources import TrainingSource

SIDE_PX = 256


@dataclass(frozen=True, kw_only=True)
class AssessmentDataConfig:
    """What assessor training sees.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    sharp: list[Folder] = field(default_factory=list)
    pairs: list[PairFolder] = field(default_factory=list)
    """Real pairs of a blurred and a sharp image."""
    shares: Shares = field(
        default_factory=lambda: Shares(
            blur=0.30, rain=0.26, blur_rain=0.04, drops=0.06, clean=0.14, pair=0.20
        )
    )
    blur: BlurConfig = field(
        default_factory=lambda: BlurConfig(
            extent_px=(0.3, 24.0), extent_emphasis=2.0, object_share=0.0, linear_light_share=0.5,
            few_frames_share=0.35,
        )
    )  # fmt: skip
    rain: RainConfig = field(
        default_factory=lambda: RainConfig(
            sparse_weight=0.3, dense_weight=0.15, video_weight=0.3, driving_weight=0.25
        )
    )
    drops: DropsConfig = field(default_factory=DropsConfig)
    native_share: float = 0.5
    """Images that keep their own pixels, as sharp as their camera left them."""
    downscale: Range = (1.0, 1.8)
    """Factor by which the others are made smaller."""
    camera: CameraConfig = field(default_factory=CameraConfig)
    labels: LabelConfig = field(default_factory=LabelConfig)

    def __post_init__(self) -> None:
        check_share("native_share", self.native_share)

    @property
    def degrade(self) -> DegradeConfig:
        """Blur, rain and drops alone: noise and compression belong to the camera, after its lens."""
        silent = SensorConfig(noise_share=0, jpeg_share=0)
        return DegradeConfig(blur=self.blur, rain=self.rain, drops=self.drops, sensor=silent)


@dataclass(frozen=True)
class AssessmentSample:
    """One image and what is true of it; NaN where nobody knows."""

    image_CHW: npt.NDArray[np.uint8]  # noqa: N815
    tiles: Grid
    """float32 (3, rows, columns): probability of blur, of rain (streaks or drops), of drops."""
    frame: Grid
    """float32 (3,)."""


class AssessmentSource:
    """Makes samples by number: sample ``i`` is a pure function of (config, seed, i).

    Raises:
        ValueError: as ``TrainingSource`` has it.
    """

    def __init__(self, config: AssessmentDataConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        data = DataConfig(
            sharp=config.sharp, pairs=config.pairs, shares=config.shares, degrade=config.degrade,
            downscale=config.downscale, crop_candidates=1,
        )  # fmt: skip
        self._downscaled = TrainingSource(data, seed)
        self._native = TrainingSource(replace(data, downscale=(1.0, 1.0)), seed)

    def sample(self, index: int, side_px: int = SIDE_PX) -> AssessmentSample:
        """Sample ``index``, ``side_px`` square, a multiple of 64."""
        rng = np.random.default_rng([self.seed, index, 7])
        source = self._native if rng.random() < self.config.native_share else self._downscaled
        batch = source.samples([index], side_px)
        degraded, clean, origin = batch.input_BCHW[0], batch.target_BCHW[0], batch.origins[0]
        if isinstance(origin.degradation, Degradation):
            return make_sample(degraded, clean, origin.degradation, self.config, rng)
        is_input = rng.random() < 0.5
        camera = draw_camera(self.config.camera, rng, has_lens=False)
        seen_CHW = camera.record(_to_hwc(degraded if is_input else clean))
        return AssessmentSample(
            _to_uint8(seen_CHW), *labels_of_pair(degraded, clean, is_input, self.config.labels)
        )


def make_sample(
    degraded_CHW: Tensor, clean_CHW: Tensor, done: Degradation, config: AssessmentDataConfig,
    rng: np.random.Generator,
) -> AssessmentSample:  # fmt: skip
    """An image that was degraded as ``done`` says, through a drawn camera, with its truth.

    Args:
        degraded_CHW, clean_CHW: float32 RGB in [0, 1], sides multiples of 64.
    """
    camera = draw_camera(config.camera, rng)
    rgb_HWC = _to_hwc(degraded_CHW)
    if rng.random() < config.camera.fence_share:
        rgb_HWC = fenced(rgb_HWC, rng)
    if rng.random() < config.camera.shadow_share:
        rgb_HWC = shadowed(rgb_HWC, draw(rng, config.camera.shadow_edge_px), rng)
    seen_CHW = camera.record(rgb_HWC)
    return AssessmentSample(_to_uint8(seen_CHW), *labels_of(done, clean_CHW, config.labels, camera))


def _to_hwc(image_CHW: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(image_CHW.permute(1, 2, 0).numpy(), np.float32)


def _to_uint8(image_CHW: Tensor) -> npt.NDArray[np.uint8]:
    return image_CHW.mul(255).round().byte().numpy()
