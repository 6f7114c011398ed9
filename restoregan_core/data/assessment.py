"""What the assessor learns from: pictures spoilt in known ways, with what is true of each tile and the frame.

The labels are physical. Blur: the camera's motion during the exposure spans 3 px or more. Rain: the share of
pixels that streaks change by more than 10 grey levels, through the lens and in the light there is. Drops: the
share of pixels under drops. They say nothing of softness, noise, compression and darkness, which spoilt and
unspoilt pictures get alike: that is what the assessor must learn to look through.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.config import DataConfig, Folder, PairFolder
from restoregan_core.data.degrade import Degradation, DegradeConfig, Shares
from restoregan_core.data.drops import DropsConfig
from restoregan_core.data.rain import Rain, apply_rain
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.ranges import Range, check_range, check_share, draw
from restoregan_core.data.sensor import Sensor, SensorConfig, apply_sensor, draw_sensor
from restoregan_core.data.sources import TrainingSource
from restoregan_core.tiles import TILE_SIZE_PX

BLUR_EVENT_PX = 3.0
STREAK_CHANGE = 10 / 255
"""A pixel that streaks change by so much counts as covered."""
SIDE_PX = 256

Grid = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """From physical amounts to probabilities: 0 below the range, 1 above it, rising in between.

    Raises:
        ValueError: a range that does not rise within [0, 1].
    """

    rain_tile: Range = (0.002, 0.02)
    """Share of a tile's pixels that streaks cover."""
    rain_frame: Range = (0.001, 0.007)
    drops_tile: Range = (0.01, 0.10)
    """Share of a tile's pixels under drops."""
    drops_frame: Range = (0.002, 0.01)

    def __post_init__(self) -> None:
        for name in ("rain_tile", "rain_frame", "drops_tile", "drops_frame"):
            object.__setattr__(self, name, check_range(name, getattr(self, name), 0, 1))


def _streaks() -> RainConfig:
    return RainConfig(sparse_weight=0.3, dense_weight=0.15, video_weight=0.3, driving_weight=0.25)


@dataclass(frozen=True, kw_only=True)
class AssessmentDataConfig:
    """What assessor training sees.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    sharp: list[Folder] = field(default_factory=list)
    pairs: list[PairFolder] = field(default_factory=list)
    """Real pairs of a blurred and a sharp picture."""
    shares: Shares = field(
        default_factory=lambda: Shares(
            blur=0.32, rain=0.28, blur_rain=0.04, drops=0.06, clean=0.16, pair=0.18
        )
    )
    blur: BlurConfig = field(
        default_factory=lambda: BlurConfig(
            extent_px=(0.3, 24.0), extent_emphasis=2.0, object_share=0.0, linear_light_share=0.5,
            few_frames_share=0.35,
        )
    )  # fmt: skip
    rain: RainConfig = field(default_factory=_streaks)
    drops: DropsConfig = field(default_factory=DropsConfig)
    sensor: SensorConfig = field(
        default_factory=lambda: SensorConfig(
            noise_share=0.5, shot=(0, 0.02), read=(0, 0.012), jpeg_share=0.5, jpeg_quality=(60, 97)
        )
    )
    native_share: float = 0.4
    """Pictures that keep their own pixels, as sharp as their camera left them."""
    downscale: Range = (1.0, 1.8)
    """Of the others."""
    soft_share: float = 0.6
    """Pictures through a soft lens: a Gaussian of ``soft_px``."""
    soft_px: Range = (0.3, 1.2)
    defocus_share: float = 0.12
    """Pictures out of focus: a disc of ``defocus_px`` radius, which is no motion."""
    defocus_px: Range = (1.0, 4.0)
    tone_share: float = 0.4
    """Pictures of another contrast and brightness."""
    dark_share: float = 0.15
    """Pictures at night: a fifth to three fifths of the light's pixel values."""
    grey_share: float = 0.1
    """Pictures without colour."""
    fence_share: float = 0.06
    """Pictures with thin parallel bars before them, upright or leaning: no rain."""
    labels: LabelConfig = field(default_factory=LabelConfig)

    def __post_init__(self) -> None:
        for name in ("native", "soft", "defocus", "tone", "dark", "grey", "fence"):
            check_share(f"{name}_share", getattr(self, f"{name}_share"))
        object.__setattr__(self, "soft_px", check_range("soft_px", self.soft_px, 0.1, 20))
        object.__setattr__(self, "defocus_px", check_range("defocus_px", self.defocus_px, 0.5, 50))


@dataclass(frozen=True)
class AssessmentSample:
    """One picture and what is true of it; NaN where nobody knows."""

    picture_CHW: npt.NDArray[np.uint8]  # noqa: N815
    tiles: Grid
    """float32 (3, rows, columns): probability of blur, of rain (streaks or drops), of drops."""
    frame: Grid
    """float32 (3,)."""
    kind: str
    extent_px: float
    """Mean extent of the blur; NaN for real pairs."""
    coverage: float
    """Share of the picture that streaks cover."""


class AssessmentSource:
    """Makes samples by number: sample ``i`` is a pure function of (config, seed, i).

    Raises:
        ValueError: as ``TrainingSource`` has it.
    """

    def __init__(self, config: AssessmentDataConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        nothing = SensorConfig(
            noise_share=0, jpeg_share=0
        )  # softness comes before the sensor: see ``sample``
        degrade = DegradeConfig(blur=config.blur, rain=config.rain, drops=config.drops, sensor=nothing)
        data = DataConfig(
            sharp=config.sharp, pairs=config.pairs, shares=config.shares, degrade=degrade,
            downscale=config.downscale, crop_candidates=1,
        )  # fmt: skip
        self._downscaled = TrainingSource(data, seed)
        self._native = TrainingSource(replace(data, downscale=(1.0, 1.0)), seed)

    def sample(self, index: int, side_px: int = SIDE_PX) -> AssessmentSample:
        """Sample ``index``, ``side_px`` square, a multiple of 64."""
        rng = np.random.default_rng([self.seed, index, 7])
        source = self._native if rng.random() < self.config.native_share else self._downscaled
        batch = source.samples([index], side_px)
        spoilt, clean, origin = batch.input_BCHW[0], batch.target_BCHW[0], batch.origins[0]
        if origin.degradation is not None:
            return make_sample(spoilt, clean, origin.degradation, self.config, rng)
        is_input = rng.random() < 0.5
        camera = _draw_camera(self.config, rng, has_lens=False)
        truth = _truth_of_pair(spoilt, clean, is_input)
        return _sample("pair", camera.record(_to_hwc(spoilt if is_input else clean)), truth)


def make_sample(
    spoilt_CHW: Tensor, clean_CHW: Tensor, done: Degradation, config: AssessmentDataConfig,
    rng: np.random.Generator,
) -> AssessmentSample:  # fmt: skip
    """A picture that was spoilt as ``done`` says, through a drawn camera, with its truth.

    Args:
        spoilt_CHW, clean_CHW: float32 RGB in [0, 1], sides multiples of 64.
    """
    camera = _draw_camera(config, rng)
    rgb_HWC = _to_hwc(spoilt_CHW)
    if rng.random() < config.fence_share:
        rgb_HWC = _fenced(rgb_HWC, rng)
    return _sample(done.kind, camera.record(rgb_HWC), _truth(done, clean_CHW, config.labels, camera))


def _sample(kind: str, seen_CHW: Tensor, truth: "_Truth") -> AssessmentSample:
    picture_CHW = seen_CHW.mul(255).round().byte().numpy()
    return AssessmentSample(picture_CHW, truth.tiles, truth.frame, kind, truth.extent_px, truth.coverage)


def _to_hwc(picture_CHW: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(picture_CHW.permute(1, 2, 0).numpy(), np.float32)


def _truth(done: Degradation, clean_CHW: Tensor, labels: LabelConfig, camera: "_Camera") -> "_Truth":
    height, width = clean_CHW.shape[1:]
    rows, columns = height // TILE_SIZE_PX, width // TILE_SIZE_PX
    detail = tile_detail(clean_CHW)
    extent = np.zeros((rows, columns), np.float32)
    if done.blur:
        extent = done.blur_extent_tiles_px[:rows, :columns]
    streaks = np.zeros((height, width), np.float32)
    if done.rain:
        change = camera.lens(streak_change(clean_CHW, done.rain)) * camera.contrast
        streaks = (change > STREAK_CHANGE).astype(np.float32)
    under = np.zeros((height, width), np.float32)
    if done.drops:
        y, x = np.mgrid[:height, :width]
        for drop in done.drops.drops:
            under[np.hypot(x - drop.x, (y - drop.y) / drop.aspect) < drop.radius] = 1
    cover, drops = _tile_means(streaks), _tile_means(under)
    is_blurred = ((extent >= BLUR_EVENT_PX) & (detail > 0.05)).astype(np.float32)
    drops_tile = _rise(drops, labels.drops_tile)
    rain_tile = np.maximum(_rise(cover, labels.rain_tile), drops_tile)
    visible = float(detail.sum()) + 1e-3
    blur_share = float((is_blurred * detail).sum()) / visible
    blur_frame = float(blur_share > 0.5) * float(detail.mean() > 0.03)
    drops_frame = float(_rise(drops.mean(), labels.drops_frame))
    rain_frame = max(float(_rise(cover.mean(), labels.rain_frame)), drops_frame)
    return _Truth(
        np.stack([is_blurred, rain_tile, drops_tile]).astype(np.float32),
        np.array([blur_frame, rain_frame, drops_frame], np.float32),
        float((extent * detail).sum()) / visible,
        float(cover.mean()),
    )


@dataclass(frozen=True, kw_only=True)
class _Camera:
    """What spoilt and unspoilt pictures get alike: lens, light, sensor. 0: none of it."""

    defocus_px: float
    soft_px: float
    contrast: float
    offset: float
    is_grey: bool
    sensor: Sensor

    def lens(self, map_HWC: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self.defocus_px:
            return _defocused(map_HWC, self.defocus_px)
        if self.soft_px:
            return np.asarray(cv2.GaussianBlur(map_HWC, (0, 0), self.soft_px), np.float32)
        return map_HWC

    def record(self, rgb_HWC: npt.NDArray[np.float32]) -> Tensor:
        """The picture in the file, float32 RGB (3, H, W) in [0, 1]."""
        rgb = np.clip(self.lens(rgb_HWC) * self.contrast + self.offset, 0, 1)
        if self.is_grey:
            rgb = np.repeat(rgb.mean(2, keepdims=True), 3, 2)
        seen_CHW = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32))
        return apply_sensor(seen_CHW, self.sensor).clamp(0, 1)


def _draw_camera(config: AssessmentDataConfig, rng: np.random.Generator, has_lens: bool = True) -> _Camera:
    """Args: has_lens: False for a picture that went through a real lens."""
    is_defocused = has_lens and rng.random() < config.defocus_share
    is_soft = has_lens and not is_defocused and rng.random() < config.soft_share
    contrast, offset = 1.0, 0.0
    if rng.random() < config.tone_share:
        contrast = rng.uniform(0.5, 1.1)
        offset = 0.5 - 0.5 * contrast + rng.uniform(-0.2, 0.2)
    if rng.random() < config.dark_share:
        light = rng.uniform(0.2, 0.6)
        contrast, offset = contrast * light, offset * light
    return _Camera(
        defocus_px=draw(rng, config.defocus_px) if is_defocused else 0.0,
        soft_px=draw(rng, config.soft_px) if is_soft else 0.0,
        contrast=float(contrast),
        offset=float(offset),
        is_grey=bool(rng.random() < config.grey_share),
        sensor=draw_sensor(config.sensor, rng),
    )


@dataclass(frozen=True)
class _Truth:
    tiles: Grid
    frame: Grid
    extent_px: float
    coverage: float


def _truth_of_pair(spoilt_CHW: Tensor, clean_CHW: Tensor, is_input: bool) -> _Truth:
    """Of a real pair nobody knows the motion: its input is blurred as a whole; tiles where it differs much."""
    rows = clean_CHW.shape[1] // TILE_SIZE_PX
    tiles = np.zeros((3, rows, rows), np.float32)
    frame = np.zeros(3, np.float32)
    if is_input:
        error = _tile_means(((spoilt_CHW - clean_CHW) ** 2).mean(0).numpy())
        detail = tile_detail(clean_CHW)
        tiles[0] = np.where(error > 10**-3.2, 1.0, np.where(detail > 0.05, np.nan, 0.0))
        frame[0] = 1.0
    return _Truth(tiles, frame, float("nan") if is_input else 0.0, 0.0)


def streak_change(clean_CHW: Tensor, rain: Rain) -> Grid:
    """By how much the streaks alone, without the haze, change each pixel's most changed channel: (H, W)."""
    streaked = apply_rain(clean_CHW, replace(rain, haze=0.0))
    return (streaked - clean_CHW).abs().amax(0).numpy()


def tile_detail(clean_CHW: Tensor) -> Grid:
    """How much there is to smear in each tile, 0 to 1: float32 (rows, columns).

    0 where pixels 8 apart differ by less than some 5 grey levels (root mean square): sky, road.
    """
    rgb_HWC = (clean_CHW.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    grey = np.asarray(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY), np.float32)
    squares = np.zeros(grey.shape, np.float32)
    squares[:, 8:] += (grey[:, 8:] - grey[:, :-8]) ** 2
    squares[8:] += (grey[8:] - grey[:-8]) ** 2
    logarithm = np.log(_tile_means(squares) / 2 + 2)
    return np.clip((logarithm - np.log(30)) / 2, 0, 1).astype(np.float32)


def _tile_means(map_HW: npt.NDArray[np.float32]) -> Grid:
    rows, columns = (side // TILE_SIZE_PX for side in map_HW.shape)
    cut = map_HW[: rows * TILE_SIZE_PX, : columns * TILE_SIZE_PX]
    return cut.reshape(rows, TILE_SIZE_PX, columns, TILE_SIZE_PX).mean(axis=(1, 3))


def _rise(amount: Any, bounds: Range) -> Grid:
    return np.asarray(np.clip((amount - bounds[0]) / (bounds[1] - bounds[0]), 0, 1), np.float32)


def _fenced(rgb: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Bars at equal distances, all through the picture."""
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
    angle = np.deg2rad(rng.normal(0, 12))
    period, width = rng.uniform(6, 40), rng.uniform(1, 4)
    phase = (x * np.cos(angle) - y * np.sin(angle)) % period
    bars = np.clip((width - np.abs(phase - period / 2) * 2) / 2 + 0.5, 0, 1)[..., None]
    rows = (y > rng.uniform(-0.5, 0.6) * rgb.shape[0])[..., None]
    shade = np.float32(rng.uniform(0, 1))
    return (rgb + bars * rows * (shade - rgb)).astype(np.float32)


def _defocused(rgb: npt.NDArray[np.float32], radius_px: float) -> npt.NDArray[np.float32]:
    reach = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1)
    seen = cv2.filter2D(rgb, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.float32)
