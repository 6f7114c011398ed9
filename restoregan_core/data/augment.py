# SPDX-License-Identifier: Apache-2.0
"""The paper's augmentations: flips of both images, white noise on the input. Nothing is ever resized."""

import numpy as np
import torch
from torch import Tensor


def draw_flips(rng: np.random.Generator) -> tuple[bool, bool]:
    """Left-right and upside-down, each with an even chance."""
    return bool(rng.integers(2)), bool(rng.integers(2))


def flip(rgb_HWC: np.ndarray, flips: tuple[bool, bool]) -> np.ndarray:
    """A view of the image, flipped left-right and upside-down as told."""
    rgb_HWC = rgb_HWC[:, ::-1] if flips[0] else rgb_HWC
    return rgb_HWC[::-1] if flips[1] else rgb_HWC


def add_gaussian_noise(image_CHW: Tensor, sigma: float, seed: int) -> Tensor:
    """The paper's augmentation of inputs: white noise, clipped to [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(image_CHW.shape, generator=generator).to(image_CHW.device)
    return (image_CHW + sigma * noise).clamp(0, 1)
