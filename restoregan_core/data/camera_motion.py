# SPDX-License-Identifier: Apache-2.0
"""How a camera moves during an exposure: a smooth random path of six kinds of motion.

Each kind is a displacement field over the frame (``motion_basis``), and the path gives each kind's amount over
the exposure (``draw_path``). At mid-exposure all displacements are zero.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restoregan_core.data.ranges import draw_choice

MOTIONS = ("slide_x", "slide_y", "roll", "forward", "parallax_x", "parallax_y")


@dataclass(frozen=True, kw_only=True)
class Window:
    """Where a crop lies in its frame, px. Motion depends on the place in the frame."""

    top: int
    left: int
    height: int
    width: int
    frame_height: int
    frame_width: int


def whole_frame(height: int, width: int) -> Window:
    """The window that is the frame."""
    return Window(top=0, left=0, height=height, width=width, frame_height=height, frame_width=width)


def grid_positions(window: Window, count: int, whole: bool = False) -> Tensor:
    """A count x count grid over window or frame, (2, count²), px from the window's corner, x first."""
    height, width = (window.frame_height, window.frame_width) if whole else (window.height, window.width)
    top, left = (-window.top, -window.left) if whole else (0, 0)
    y = torch.linspace(top, top + height - 1, count)
    x = torch.linspace(left, left + width - 1, count)
    return torch.stack(torch.meshgrid(y, x, indexing="ij")).flip(0).reshape(2, -1)


def track(
    path: np.ndarray | tuple[tuple[float, ...], ...],
    vanishing_point: tuple[float, float],
    nearness: tuple[tuple[float, float, float], ...],
    window: Window,
    positions_2P: Tensor,
) -> Tensor:
    """Displacement of each position over the exposure, float32 (frames, 2, P), px, x before y.

    Args:
        path: amount of each of ``MOTIONS`` at each sub-frame, (frames, 6).
        vanishing_point: (x, y) in units of the frame's half diagonal from its centre; also the centre of roll.
        nearness: how near the scene is: waves over the frame, each (radians per half diagonal in x, in y, phase).
        window: where the positions' origin lies in the frame.
        positions_2P: (2, P) px from the window's corner, x before y.
    """
    basis = motion_basis(vanishing_point, nearness, window, positions_2P)
    moved = torch.from_numpy(np.asarray(path, dtype=np.float32)) @ basis.reshape(len(MOTIONS), -1)
    return moved.view(-1, *basis.shape[1:])


def motion_basis(
    vanishing_point: tuple[float, float],
    nearness: tuple[tuple[float, float, float], ...],
    window: Window,
    positions_2P: Tensor,
) -> Tensor:
    """Displacement of each position for one unit of each motion, float32 (6, 2, P), x before y.

    Forward motion pushes pixels away from the vanishing point, the more the farther out and the lower (the
    road is near, the horizon is far). Parallax slides near things more than far ones.
    """
    device = positions_2P.device
    radius = 0.5 * math.hypot(window.frame_height, window.frame_width)
    centre = torch.tensor(
        [window.frame_width / 2 - window.left, window.frame_height / 2 - window.top], device=device
    ).view(2, 1)
    place = (positions_2P - centre) / radius
    offset = place - torch.tensor(vanishing_point, device=device).view(2, 1)
    near = sum(torch.cos(place[0] * x + place[1] * y + phase) for x, y, phase in nearness) / len(nearness)
    basis = torch.zeros(len(MOTIONS), 2, positions_2P.shape[1], device=device)
    basis[0, 0] = basis[1, 1] = 1
    basis[2, 0], basis[2, 1] = -offset[1], offset[0]
    basis[3] = offset * (0.6 + 0.4 * near + 2 * offset[1].clamp_min(0))
    basis[4, 0] = basis[5, 1] = near
    return basis


def draw_path(camera: str, rng: np.random.Generator, variation: float) -> np.ndarray:
    """Amount of each of ``MOTIONS`` over the exposure, float64 (65, 6), zero at mid-exposure, scale free.

    Args:
        camera: ``vehicle`` or ``hand``.
        variation: 0 to 1, of everything but plain sliding.
    """
    if camera == "vehicle":
        # One of three things dominates: driving straight on, a turn, a bump.
        event = draw_choice(rng, {"straight": 0.5, "turn": 0.25, "bump": 0.25})
        weights = {
            "straight": (0.15, 0.15, 0.05, 1.0, 0.2, 0.05),
            "turn": (1.0, 0.1, 0.1, 0.4, 0.4, 0.05),
            "bump": (0.15, 1.0, 0.15, 0.4, 0.05, 0.3),
        }[event]
    else:
        weights = (1.0, 1.0, 0.5, 0.25, 0.4, 0.4)
    amounts = np.array(weights) * np.abs(rng.normal(0.7, 0.4, 6))
    amounts[2:] *= variation
    if camera == "vehicle" and variation == 0:
        amounts[0] += 0.1  # something must move
    return draw_curve(rng, 6) * amounts


def draw_curve(rng: np.random.Generator, count: int) -> np.ndarray:
    """Smooth random curves over the exposure, float64 (65, count), zero in the middle: drift, bend, shake."""
    time = np.linspace(-0.5, 0.5, 65)[:, None]
    drift = rng.normal(0, 1, count) * time
    bend = rng.normal(0, 0.8, count) * time**2
    shake = np.zeros((65, count))
    for cycles in (0.7, 1.4):
        phase = rng.uniform(0, 2 * np.pi, count)
        shake += rng.normal(0, 0.22 / cycles, count) * np.sin(2 * np.pi * cycles * time + phase)
    curve = drift + bend + shake * rng.uniform(0, 1)
    return curve - curve[32]


def resample(curve: np.ndarray, frames: int) -> np.ndarray:
    """(65, K) -> (frames, K), evenly over the exposure: each sub-frame stands for its equal share of it."""
    place = (np.arange(frames) + 0.5) / frames * 64
    return np.stack([np.interp(place, np.arange(65), column) for column in curve.T], axis=1)


def track_extent(tracks_MCP: Tensor) -> Tensor:
    """(frames, 2, P) -> diagonal of the box that each point's path fills, px, (P,)."""
    return (tracks_MCP.amax(0) - tracks_MCP.amin(0)).norm(dim=0)
