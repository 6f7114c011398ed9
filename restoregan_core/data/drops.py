# SPDX-License-Identifier: Apache-2.0
"""Drops on the lens: each shows the scene shrunk and upside down, out of focus, with a soft edge."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restoregan_core.data.ranges import Range, check_range, draw, draw_log


@dataclass(frozen=True, kw_only=True)
class DropsConfig:
    """How drops are drawn.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    cover: Range = (0.01, 0.12)
    """Share of the image under drops."""
    radius_px: Range = (4.0, 40.0)
    blur_px: Range = (0.5, 4.0)
    """Defocus of what is seen through a drop, standard deviation."""
    gain: Range = (0.85, 1.25)
    """Brightness of what is seen through a drop."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cover", check_range("cover", self.cover, 0, 1))
        object.__setattr__(self, "radius_px", check_range("radius_px", self.radius_px, 1, 1000))
        object.__setattr__(self, "blur_px", check_range("blur_px", self.blur_px, 0.1, 50))
        object.__setattr__(self, "gain", check_range("gain", self.gain, 0.1, 10))


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Centre and radius in px, height over width, softness of the edge (share of the radius), power, gain."""

    x: float
    y: float
    radius: float
    aspect: float
    softness: float
    power: float
    gain: float


@dataclass(frozen=True, kw_only=True)
class Drops:
    """All the drops on one lens."""

    drops: tuple[Drop, ...]
    blur_px: float

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        return asdict(self)


def draw_drops(
    config: DropsConfig, rng: np.random.Generator, height: int, width: int, severity: float | None = None
) -> Drops:
    """Draw drops for an image; at least one. ``severity`` 0 to 1 fixes the cover."""
    cover = draw(rng, config.cover)
    if severity is not None:
        cover = config.cover[0] + severity * (config.cover[1] - config.cover[0])
    area = cover * height * width
    drops: list[Drop] = []
    while area > 0 or not drops:
        radius = draw_log(rng, config.radius_px)
        area -= np.pi * radius**2
        drops.append(
            Drop(
                x=float(rng.uniform(0, width)),
                y=float(rng.uniform(0, height)),
                radius=radius,
                aspect=float(rng.uniform(0.9, 1.5)),
                softness=float(rng.uniform(0.1, 0.5)),
                power=float(rng.uniform(1.5, 5)),
                gain=draw(rng, config.gain),
            )
        )
    return Drops(drops=tuple(drops), blur_px=draw(rng, config.blur_px))


def apply_drops(clean_CHW: Tensor, drops: Drops) -> Tensor:
    """The image seen through a lens with drops, float32 (3, H, W) in [0, 1] as the input."""
    device = clean_CHW.device
    height, width = clean_CHW.shape[1:]
    y = torch.arange(height, device=device, dtype=torch.float32).view(-1, 1).expand(height, width)
    x = torch.arange(width, device=device, dtype=torch.float32).view(1, -1).expand(height, width)
    from_x, from_y = x.clone(), y.clone()
    alpha, gain = torch.zeros(height, width, device=device), torch.ones(height, width, device=device)
    for drop in drops.drops:
        away_x, away_y = x - drop.x, (y - drop.y) / drop.aspect
        radius = (away_x**2 + away_y**2).sqrt() / drop.radius
        cover = ((1 - radius) / drop.softness).clamp(0, 1)
        inside = cover > 0
        # A thick lens: turned about its centre, and the wider the image the nearer its rim.
        stretch = -drop.power * (1 + radius**2)
        from_x = torch.where(inside, drop.x + away_x * stretch, from_x)
        from_y = torch.where(inside, drop.y + away_y * stretch, from_y)
        shade = drop.gain * (1 - 0.35 * radius**4)
        gain = torch.where(inside, shade, gain)
        alpha = torch.maximum(alpha, cover)
    # Mirrored at the border, so that a drop near the edge still shows a scene.
    from_x = width - 1 - ((from_x % (2 * width - 2)) - (width - 1)).abs()
    from_y = height - 1 - ((from_y % (2 * height - 2)) - (height - 1)).abs()
    grid = torch.stack([(from_x + 0.5) * 2 / width - 1, (from_y + 0.5) * 2 / height - 1], -1)
    seen = F.grid_sample(
        _gauss_blur(clean_CHW, drops.blur_px)[None], grid[None], padding_mode="border", align_corners=False
    )[0]
    return (clean_CHW * (1 - alpha) + (seen * gain).clamp(0, 1) * alpha).clamp(0, 1)


def _gauss_blur(image_CHW: Tensor, sigma_px: float) -> Tensor:
    reach = min(int(3 * sigma_px + 0.5), min(image_CHW.shape[1:]) - 1)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image_CHW.device) / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image_CHW[:, None], (reach, reach, reach, reach), mode="reflect")
    rows = F.conv2d(padded, kernel.view(1, 1, -1, 1))
    return F.conv2d(rows, kernel.view(1, 1, 1, -1))[:, 0]
