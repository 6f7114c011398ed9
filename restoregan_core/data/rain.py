# SPDX-License-Identifier: Apache-2.0
"""Rain before the camera: layers of streaks, Y = X + W (equation 8 of the paper), and its haze.

A layer is a sparse field of random impulses convolved with short oriented lines. Its streaks share a
direction; their lengths, widths and brightness vary. Convolution is a product in the frequency domain, which
wraps around the edges: a streak that leaves at the bottom comes in at the top, and no margin is needed.
In a video the field of a layer moves on along its direction by what a drop falls between two frames.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restoregan_core.data.rain_config import RainConfig, StreakRanges
from restoregan_core.data.rain_overlays import OverlayRanges, StreakImage, draw_overlays, overlay
from restoregan_core.data.ranges import draw, draw_choice, draw_log
from restoregan_core.data.sensor import GAMMA

SUBLAYERS = 3
"""Streak sizes in one layer."""


@dataclass(frozen=True, kw_only=True)
class StreakLayer:
    """Streaks of one direction."""

    angle_deg: float
    """From the vertical; positive leans the foot to the right."""
    lengths_px: tuple[float, ...]
    widths_px: tuple[float, ...]
    coverages: tuple[float, ...]
    brightness: float
    hard: bool
    texture: float
    """Unevenness along the streaks, 0 to 1."""
    fall_px: float
    """What the drops fall between two frames of a video."""
    fan: tuple[float, float] = (0.0, 0.0)
    """How streaks grow from the image's middle to its right and its lower edge, and fan out with it."""


@dataclass(frozen=True, kw_only=True)
class Rain:
    """One drawn rain, complete: with its seed the same values give the same streaks, on any device."""

    kind: str
    layers: tuple[StreakLayer, ...]
    transparent: bool
    in_light: bool
    """Whether streaks and haze replace a share of the light instead of changing pixel values."""
    colour: tuple[float, float, float]
    haze: float
    airlight: float
    seed: int
    images: tuple[StreakImage, ...] = ()
    """What rain of the kind ``overlay`` consists of, in place of layers."""

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        return asdict(self)


def draw_rain(config: RainConfig, rng: np.random.Generator, severity: float | None = None) -> Rain:
    """Draw one rain.

    Args:
        severity: 0 to 1 fixes coverage and brightness within their ranges; None draws them.

    Raises:
        ValueError: ``config.overlays`` is not a folder, or does not hold any images.
    """
    kind = draw_choice(rng, config.weights)
    ranges: StreakRanges | OverlayRanges = getattr(config, kind)
    layers: tuple[StreakLayer, ...] = ()
    images: tuple[StreakImage, ...] = ()
    if isinstance(ranges, OverlayRanges):
        images = draw_overlays(config.overlays, ranges, rng, severity)
    else:
        layers = _draw_layers(ranges, rng, severity)
    in_light = bool(rng.uniform() < ranges.light_share)
    transparent = bool(not in_light and rng.uniform() < ranges.transparent_share)
    tint = rng.normal(0, config.tint, 3) if transparent else np.zeros(3)
    return Rain(
        kind=kind,
        layers=layers,
        transparent=transparent,
        in_light=in_light,
        colour=tuple(float(v) for v in np.clip(1 + tint - tint.mean(), 0, None)),  # type: ignore[arg-type]
        haze=draw(rng, ranges.haze) if rng.uniform() < ranges.haze_share else 0.0,
        airlight=float(rng.uniform(0.6, 0.95)),
        seed=int(rng.integers(2**62)),
        images=images,
    )


def _draw_layers(
    ranges: StreakRanges, rng: np.random.Generator, severity: float | None
) -> tuple[StreakLayer, ...]:
    count = int(rng.integers(ranges.layers[0], ranges.layers[1] + 1))
    lean = rng.uniform(-ranges.lean_deg, ranges.lean_deg)
    if severity is None:
        coverage, brightness = draw_log(rng, ranges.coverage), draw(rng, ranges.brightness)
    else:
        coverage, brightness = (
            bounds[0] + severity * (bounds[1] - bounds[0]) for bounds in (ranges.coverage, ranges.brightness)
        )
    portions = rng.dirichlet(np.full(count, 2.0)) * coverage
    layers = []
    for portion in portions:
        length, width = draw_log(rng, ranges.length_px), draw_log(rng, ranges.width_px)
        shutter = rng.uniform(0.2, 0.9)
        layers.append(
            StreakLayer(
                angle_deg=float(lean + rng.normal(0, 1) * ranges.spread_deg),
                lengths_px=tuple(float(length * f) for f in rng.uniform(0.5, 1.5, SUBLAYERS)),
                widths_px=tuple(float(max(width * f, 0.7)) for f in rng.uniform(0.6, 1.3, SUBLAYERS)),
                coverages=tuple(float(v) for v in rng.dirichlet(np.full(SUBLAYERS, 2.0)) * portion),
                brightness=float(np.clip(brightness * rng.uniform(0.7, 1.3), 0, 1)),
                hard=bool(rng.uniform() < ranges.hard_share),
                texture=float(rng.uniform(0, 1) * (rng.uniform() < 0.3)),
                fall_px=float(length / shutter),
                fan=_draw_fan(rng, ranges.fan),
            )
        )
    return tuple(layers)


def streak_layer(
    rain: Rain, height: int, width: int, device: torch.device | str = "cpu", frame: int = 0
) -> Tensor:
    """W of equation 8, float32 (height, width), not negative; may exceed 1 where bright streaks cross.

    Args:
        frame: number of the frame in a video: each layer has fallen ``frame`` times its ``fall_px``.
    """
    device = torch.device(device)
    rng = np.random.default_rng(rain.seed)
    total = torch.zeros(height, width, device=device)
    frequencies = (
        torch.fft.fftfreq(height, device=device).view(-1, 1),
        torch.fft.rfftfreq(width, device=device).view(1, -1),
    )
    for layer in rain.layers:
        sizes = list(zip(layer.lengths_px, layer.widths_px, layer.coverages, strict=True))
        fields = [_impulses(rng, height, width, part / (long * wide), layer) for long, wide, part in sizes]
        impulses_KHW = torch.from_numpy(np.stack(fields)).to(device)
        lines = _line_spectra(frequencies, layer)
        spectrum = (torch.fft.rfft2(impulses_KHW) * lines).sum(0)
        if frame:
            spectrum = spectrum * _fall_spectrum(frequencies, layer, frame)
        streaks = torch.fft.irfft2(spectrum, s=(height, width))
        # A hard streak is flat: what overlaps does not add up. Ringing of the transform is cut in both.
        streaks = ((streaks - 0.25) * 3).clamp(0, 1) if layer.hard else streaks.clamp_min(0)
        total += _fanned(streaks, layer.fan) * layer.brightness
    for image in rain.images:
        total += torch.from_numpy(overlay(image, rng, height, width, frame)).to(device)
    return total


def apply_rain(clean_CHW: Tensor, rain: Rain, frame: int = 0) -> Tensor:
    """Rain over an image, float32 (3, H, W) in [0, 1] as the input; clipped where the sensor would clip."""
    streaks = streak_layer(rain, clean_CHW.shape[1], clean_CHW.shape[2], clean_CHW.device, frame)
    return _seen_through(clean_CHW, rain, streaks)


def apply_veil(clean_CHW: Tensor, rain: Rain) -> Tensor:
    """What is left of ``apply_rain`` where no streak falls: the haze of the rain further away."""
    return _seen_through(clean_CHW, rain, torch.zeros(clean_CHW.shape[1:], device=clean_CHW.device))


def _seen_through(clean_CHW: Tensor, rain: Rain, streaks: Tensor) -> Tensor:
    if rain.in_light:
        share = (streaks.clamp(0, 1) * (1 - rain.haze) + rain.haze).clamp(0, 1)
        sky = rain.airlight**GAMMA
        return (clean_CHW**GAMMA * (1 - share) + sky * share).clamp(0, 1) ** (1 / GAMMA)
    hazy = clean_CHW * (1 - rain.haze) + rain.airlight * rain.haze
    colour = torch.tensor(rain.colour, device=clean_CHW.device).view(3, 1, 1)
    added = streaks * colour
    if rain.transparent:
        added = added.clamp(0, 1) * (1 - hazy)
    return (hazy + added).clamp(0, 1)


def _draw_fan(rng: np.random.Generator, most: float) -> tuple[float, float]:
    """A random direction of growth, up to ``most`` across the image."""
    turn, size = rng.uniform(0, 2 * math.pi), rng.uniform(0, most)
    right, down = math.cos(turn), math.sin(turn)
    scale = size / (abs(right) + abs(down))
    return float(right * scale), float(down * scale)


def _fanned(streaks_HW: Tensor, fan: tuple[float, float]) -> Tensor:
    """Seen in perspective: what was parallel meets at a vanishing point. Nothing is looked up outside."""
    if fan == (0.0, 0.0):
        return streaks_HW
    affine = torch.eye(2, 3, device=streaks_HW.device)[None]
    grid = torch.nn.functional.affine_grid(affine, [1, 1, *streaks_HW.shape], align_corners=False)
    growth = 1 + grid @ torch.tensor(fan, device=streaks_HW.device)
    grid = grid * ((1 - abs(fan[0]) - abs(fan[1])) / growth)[..., None]
    seen = torch.nn.functional.grid_sample(
        streaks_HW[None, None], grid, padding_mode="border", align_corners=False
    )
    return seen[0, 0]


def _impulses(
    rng: np.random.Generator, height: int, width: int, density: float, layer: StreakLayer
) -> np.ndarray:
    """Where streaks have their middle, and how bright each is around 1: float32 (height, width)."""
    count = rng.poisson(density * height * width)
    places = rng.integers(height * width, size=count)
    brightness = rng.uniform(0.5, 1.5, count) if layer.hard else rng.gamma(2, 0.5, count)
    field_HW = np.bincount(places, brightness, height * width).astype(np.float32).reshape(height, width)
    if layer.texture:
        # Noise drawn out along the direction: the fine grain of brushed streaks.
        grain = rng.standard_normal((height, width), dtype=np.float32)
        field_HW += grain * (layer.texture * math.sqrt(density) * 0.5)
    return field_HW


def _line_spectra(frequencies: tuple[Tensor, Tensor], layer: StreakLayer) -> Tensor:
    """Fourier transforms of the layer's streaks, peak 1, float32 (SUBLAYERS, H, W // 2 + 1).

    Across, a streak is a Gaussian; along, a bar whose ends fade over 0.3 of its length: a product of two
    sincs. Both transforms are known in closed form, and real, since a streak is symmetric.
    """
    angle = math.radians(layer.angle_deg)
    down, right = frequencies
    along = right * math.sin(angle) + down * math.cos(angle)
    across = right * math.cos(angle) - down * math.sin(angle)
    device = along.device
    lengths = torch.tensor(layer.lengths_px, device=device).view(-1, 1, 1)
    sigmas = torch.tensor(layer.widths_px, device=device).view(-1, 1, 1) / 2.355  # full width at half height
    body = torch.exp(-2 * (math.pi * sigmas * across) ** 2) * (sigmas * math.sqrt(2 * math.pi))
    return body * torch.sinc(0.7 * lengths * along) * torch.sinc(0.3 * lengths * along) * (0.7 * lengths)


def _fall_spectrum(frequencies: tuple[Tensor, Tensor], layer: StreakLayer, frame: int) -> Tensor:
    """What moves a layer by ``frame`` falls, complex64 (H, W // 2 + 1). In whole pixels: nothing rings."""
    fall, angle = layer.fall_px * frame, math.radians(layer.angle_deg)
    down, right = round(fall * math.cos(angle)), round(fall * math.sin(angle))
    phase = frequencies[0] * down + frequencies[1] * right
    return torch.polar(torch.ones_like(phase), -2 * math.pi * phase)
