# SPDX-License-Identifier: Apache-2.0
"""The paper's augmentations: flips of both images, white noise on the input. Nothing is ever resized."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restoregan_core.images.blur_path import BLOCK_PX, SAMPLES, STILL


def draw_flips(rng: np.random.Generator) -> tuple[bool, bool]:
    """Left-right and upside-down, each with an even chance."""
    return bool(rng.integers(2)), bool(rng.integers(2))


def flip(rgb_HWC: np.ndarray, flips: tuple[bool, bool]) -> np.ndarray:
    """A view of the image, flipped left-right and upside-down as told."""
    rgb_HWC = rgb_HWC[:, ::-1] if flips[0] else rgb_HWC
    return rgb_HWC[::-1] if flips[1] else rgb_HWC


def flipped_path(image_CHW: Tensor, flips: tuple[bool, bool]) -> Tensor:
    """What ``images.blur_path`` becomes where the frame is flipped, from its image that was flipped like any other.

    Shape: float32 (3, H, W) in [0, 1] -> the same. Each sample goes with its pixel, and the motion turns round.
    """
    planes_CHW = F.pixel_unshuffle(image_CHW, BLOCK_PX)
    blocks = planes_CHW.reshape(3, BLOCK_PX, BLOCK_PX, *planes_CHW.shape[1:])
    # Flipped as an image, a block's places have changed with each other.
    blocks = blocks.flip([axis for axis, is_flipped in zip((2, 1), flips, strict=True) if is_flipped])
    planes_CHW = blocks.reshape(planes_CHW.shape)
    motion = planes_CHW[SAMPLES:]
    signs = torch.tensor([-1.0 if is_flipped else 1.0 for is_flipped in flips])[:, None, None]
    middle = STILL / 255
    turned = ((motion - middle) * signs + middle).clamp(0, 1)
    return F.pixel_shuffle(torch.cat([planes_CHW[:SAMPLES], turned]), BLOCK_PX)


def add_gaussian_noise(image_CHW: Tensor, sigma: float, seed: int) -> Tensor:
    """The paper's augmentation of inputs: white noise, clipped to [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(image_CHW.shape, generator=generator).to(image_CHW.device)
    return (image_CHW + sigma * noise).clamp(0, 1)
