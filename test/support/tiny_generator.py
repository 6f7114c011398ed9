# SPDX-License-Identifier: Apache-2.0
"""A generator that is quick to run and changes every image."""

import numpy as np
import torch
from torch import nn

from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.zoo import LoadedGenerator

TINY = GeneratorConfig(
    base_width=8,
    width_multipliers=(1, 2),
    blocks=1,
    outer_blocks=(1,),
    block_convolutions=2,
    dropout=0.0,
    kernel_size=3,
    upsampling="shuffle",
    unet_skips=True,
    pixel_unshuffle=2,
)


def loaded(config=TINY, strength=0.05, seed=0):
    """A generator that changes every image visibly and smoothly enough to compare precisions."""
    torch.manual_seed(seed)
    generator = Generator(config).eval()
    nn.init.normal_(generator.head.weight, std=strength)
    nn.init.zeros_(generator.head.bias)
    return LoadedGenerator(LazyNetwork.of(generator), "tiny-0123456789ab", "0" * 64, {})


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def difference(a, b):
    assert a.shape == b.shape
    assert a.dtype == b.dtype == np.uint8
    return np.abs(a.astype(int) - b)
