# SPDX-License-Identifier: Apache-2.0
"""Motion blur: what a sensor integrates while the camera, and things before it, move.

Equations 1 to 3 of the paper: B = g(mean over the exposure of g^-1(S)), with the camera response
g(x) = x^(1/2.2). The camera moves as ``camera_motion.py`` draws it; every sub-frame is one warp of the sharp
image. At mid-exposure all displacements are zero: the sharp image is the frame taken there, as in GOPRO and
REDS.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restoregan_core.data.camera_motion import (
    MOTIONS,
    Window,
    draw_curve,
    draw_path,
    grid_positions,
    motion_basis,
    resample,
    track,
    track_extent,
)
from restoregan_core.data.ranges import Range, check_range, check_share, draw
from restoregan_core.data.sensor import GAMMA

TILE_SIZE_PX = 64

_MIN_FRAMES = 5
"""Fewest frames that a continuous exposure is made of, however short its path."""

_POSITIONS_AT_ONCE = 2**20
"""Pixels of sub-frames that are warped together: 24 sub-frames of a 128 px crop, one of a 1080p frame."""


@dataclass(frozen=True, kw_only=True)
class BlurConfig:
    """How blur is drawn.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    extent_px: Range = (0.5, 25.0)
    """Length of the smear: mean over the frame of what each pixel's path spans."""
    extent_emphasis: float = 1.5
    """1 spreads extents evenly over ``extent_px``; more favours short ones, less long ones."""
    vehicle_share: float = 0.4
    """Paths of a driving car (forward, radial from a vanishing point; bumps; turns); the rest is a hand's."""
    spatial_variation: float = 1.0
    """Strength of everything but plain sliding: 0 gives one blur for the whole frame."""
    object_share: float = 0.3
    """Samples in which something moves before the camera on its own path."""
    linear_light_share: float = 0.75
    """Averaged in linear light; the rest on pixel values, as GOPRO's ``blur`` (against ``blur_gamma``) is."""
    highlight_share: float = 0.5
    """Samples whose clipped highlights regain their brightness before averaging (linear light only)."""
    highlight_gain: Range = (1.5, 6.0)
    """How much brighter than white a clipped highlight was."""
    few_frames_share: float = 0.25
    """Averages of ``few_frames`` single frames, as GOPRO's are, instead of a continuous exposure."""
    few_frames: tuple[int, int] = (7, 13)
    step_px: float = 1.5
    """A continuous exposure takes sub-frames so close that nothing moves farther than this between two."""
    max_frames: int = 24

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent_px", check_range("extent_px", self.extent_px, 0, 200))
        object.__setattr__(self, "highlight_gain", check_range("highlight_gain", self.highlight_gain, 1, 100))
        low, high = check_range("few_frames", self.few_frames, 2, 1000)
        object.__setattr__(self, "few_frames", (int(low), int(high)))
        for name in (
            "vehicle_share",
            "object_share",
            "linear_light_share",
            "highlight_share",
            "few_frames_share",
        ):
            check_share(name, getattr(self, name))
        check_share("spatial_variation", self.spatial_variation)
        if self.extent_emphasis <= 0:
            raise ValueError(f"extent_emphasis={self.extent_emphasis} must be over 0")
        if self.step_px <= 0:
            raise ValueError(f"step_px={self.step_px} must be over 0")
        if self.max_frames < 2:
            raise ValueError(f"max_frames={self.max_frames} must be at least 2")


@dataclass(frozen=True, kw_only=True)
class Blur:
    """One drawn blur, complete: the same values give the same blur, on any device."""

    camera: str
    """``vehicle`` or ``hand``."""
    path: tuple[tuple[float, ...], ...]
    """Amount of each of the six motions at each sub-frame, (frames, 6); px at the radius of the frame."""
    vanishing_point: tuple[float, float]
    """(x, y) in units of the frame's half diagonal from its centre; also the centre of roll."""
    nearness: tuple[tuple[float, float, float], ...]
    """How near the scene is: waves over the frame, each (radians per half diagonal in x, in y, phase)."""
    linear_light: bool
    highlight_gain: float
    object_path: tuple[tuple[float, float], ...] | None
    """(x, y) px of a moving object at each sub-frame."""
    object_shape: tuple[float, ...] | None
    """Centre x, y and half axes in units of the window's side, angle in radians, softness."""

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        return asdict(self)


def draw_blur(
    config: BlurConfig, rng: np.random.Generator, window: Window, severity: float | None = None
) -> Blur:
    """Draw a blur for a frame.

    Args:
        severity: 0 to 1 fixes the extent within ``config.extent_px``; None draws it.
    """
    position = rng.uniform() ** config.extent_emphasis
    if severity is not None:
        position = severity
    extent_px = config.extent_px[0] + position * (config.extent_px[1] - config.extent_px[0])

    camera = "vehicle" if rng.uniform() < config.vehicle_share else "hand"
    few = int(rng.integers(config.few_frames[0], config.few_frames[1] + 1))
    is_few = rng.uniform() < config.few_frames_share
    vanishing_point = (float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.5, 0.2)))
    nearness = tuple(
        (float(rng.normal(0, 3)), float(rng.normal(0, 3)), float(rng.uniform(0, 2 * math.pi)))
        for _ in range(2)
    )

    fine_path = draw_path(camera, rng, config.spatial_variation)  # (65, 6), any scale
    tracks = track(fine_path[::4], vanishing_point, nearness, window, grid_positions(window, 7, whole=True))
    scale = extent_px / max(float(track_extent(tracks).mean()), 1e-9)
    fine_path = fine_path * scale
    tracks = track(fine_path[::4], vanishing_point, nearness, window, grid_positions(window, 4))
    longest = float(tracks.diff(dim=0).norm(dim=1).sum(0).max())

    steps = math.ceil(longest / config.step_px)
    frames = few if is_few else int(np.clip(steps + 1, _MIN_FRAMES, max(config.max_frames, _MIN_FRAMES)))
    path = resample(fine_path, frames)
    object_path = object_shape = None
    if rng.uniform() < config.object_share:
        own = draw_curve(rng, 2)
        length = draw(rng, (0.3, 1.0)) * config.extent_px[1]
        own *= length / max(float(np.hypot(*np.ptp(own, axis=0))), 1e-9)
        object_path = tuple((float(x), float(y)) for x, y in resample(own, frames))
        object_shape = (
            *map(float, rng.uniform(0.1, 0.9, 2)),
            *map(float, rng.uniform(0.1, 0.45, 2)),
            float(rng.uniform(0, math.pi)),
            float(rng.uniform(0.02, 0.1)),
        )
    return Blur(
        camera=camera,
        path=tuple(tuple(float(v) for v in row) for row in path),
        vanishing_point=vanishing_point,
        nearness=nearness,
        linear_light=bool(rng.uniform() < config.linear_light_share),
        highlight_gain=draw(rng, config.highlight_gain) if rng.uniform() < config.highlight_share else 1.0,
        object_path=object_path,
        object_shape=object_shape,
    )


def margin_px(blur: Blur, window: Window) -> int:
    """How far outside the window the blur looks."""
    tracks = track(blur.path, blur.vanishing_point, blur.nearness, window, grid_positions(window, 7))
    return math.ceil(float(tracks.abs().max())) + 2


def extent_map(blur: Blur | None, window: Window) -> np.ndarray:
    """True extent of the camera's blur in px at the centre of each 64 px tile, float32 (rows, columns).

    The extent is the diagonal of the box that a pixel's path fills from the start of the exposure to its end,
    which lie half a sub-frame outside the first and the last. A moving object's own is left out.
    """
    rows, columns = (max(1, round(n / TILE_SIZE_PX)) for n in (window.height, window.width))
    y = (torch.arange(rows) + 0.5) * (window.height / rows)
    x = (torch.arange(columns) + 0.5) * (window.width / columns)
    if blur is None:
        return np.zeros((rows, columns), dtype=np.float32)
    positions = torch.stack(torch.meshgrid(y, x, indexing="ij")).flip(0).reshape(2, -1)
    tracks = track(blur.path, blur.vanishing_point, blur.nearness, window, positions)
    frames = len(blur.path)
    return (track_extent(tracks) * (frames / max(frames - 1, 1))).reshape(rows, columns).numpy()


def apply_blur(
    sharp_CHW: Tensor, blur: Blur, window: Window, margin: int = 0, object_CHW: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Blur a window of a frame.

    Args:
        sharp_CHW: float32 (3, window.height + 2 margin, window.width + 2 margin) in [0, 1].
        margin: px of surroundings on each side; what moves in from farther out repeats the edge.
        object_CHW: what the moving object looks like, same shape; without it nothing moves on its own.

    Returns:
        The blurred and the sharp window, (3, window.height, window.width) each. The sharp one holds the
        moving object where it was at mid-exposure.
    """
    device = sharp_CHW.device
    height, width = window.height, window.width
    y, x = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
    )
    positions = torch.stack([x, y]).reshape(2, -1).float()
    # grid_sample counts in units of half the padded image.
    unit = torch.tensor([2.0 / (width + 2 * margin), 2.0 / (height + 2 * margin)], device=device)
    rest = ((positions.T + margin + 0.5) * unit - 1).reshape(1, -1)
    path = torch.tensor(blur.path, dtype=torch.float32, device=device)
    basis = motion_basis(blur.vanishing_point, blur.nearness, window, positions)
    basis = (basis.permute(0, 2, 1) * unit).reshape(len(MOTIONS), -1)

    def to_light(image: Tensor) -> Tensor:
        if not blur.linear_light:
            return image
        light = image.clamp_min(0).pow(GAMMA)
        if blur.highlight_gain > 1:
            clipped = ((image.amin(0) - 0.9) / 0.1).clamp(0, 1)
            light = light * (1 + (blur.highlight_gain - 1) * clipped**2)
        return light

    def from_light(light: Tensor) -> Tensor:
        light = light.clamp(0, 1)
        return light.pow(1 / GAMMA) if blur.linear_light else light

    def warp(layer: Tensor, grid: Tensor) -> Tensor:
        """(C, h, w), (frames, positions in grid units) -> (C, frames, height, width)."""
        grid = grid.view(1, -1, width, 2)
        out = F.grid_sample(layer[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
        return out.view(len(layer), -1, height, width)

    inner = sharp_CHW[:, margin : margin + height, margin : margin + width]
    scene = to_light(sharp_CHW)
    thing = mask = own = None
    if object_CHW is not None and blur.object_path is not None and blur.object_shape is not None:
        mask = _object_mask(blur.object_shape, height, width, margin, device)
        thing = torch.cat([to_light(object_CHW) * mask, mask])
        own = torch.tensor(blur.object_path, dtype=torch.float32, device=device) * unit
    total = torch.zeros_like(inner)
    for some in torch.arange(len(path), device=device).split(max(1, _POSITIONS_AT_ONCE // (height * width))):
        # The scene moves by path @ basis, so a pixel looks back by it: one product for many sub-frames.
        frames = warp(scene, torch.addmm(rest, path[some], basis, alpha=-1))
        if thing is not None and own is not None:
            moved = warp(thing, rest - own[some].repeat(1, height * width))
            frames = frames * (1 - moved[3:]) + moved[:3]
        total += frames.sum(1)
    blurred = from_light(total / len(path))
    if mask is None or object_CHW is None:
        return blurred, inner
    still = mask[:, margin : margin + height, margin : margin + width]
    object_inner = object_CHW[:, margin : margin + height, margin : margin + width]
    target = _plain_light(inner, blur) * (1 - still) + _plain_light(object_inner, blur) * still
    return blurred, from_light(target)


def _plain_light(image: Tensor, blur: Blur) -> Tensor:
    return image.clamp_min(0).pow(GAMMA) if blur.linear_light else image


def _object_mask(
    shape: tuple[float, ...], height: int, width: int, margin: int, device: torch.device
) -> Tensor:
    """Soft-edged rounded box, (1, height + 2 margin, width + 2 margin)."""
    centre_x, centre_y, half_x, half_y, angle, softness = shape
    side = min(height, width)
    y = (torch.arange(height + 2 * margin, device=device) - margin - centre_y * height).view(-1, 1) / side
    x = (torch.arange(width + 2 * margin, device=device) - margin - centre_x * width).view(1, -1) / side
    along = (x * math.cos(angle) + y * math.sin(angle)) / half_x
    across = (y * math.cos(angle) - x * math.sin(angle)) / half_y
    radius = (along.abs() ** 3 + across.abs() ** 3) ** (1 / 3)
    return ((1 - radius) / softness + 0.5).clamp(0, 1)[None]
