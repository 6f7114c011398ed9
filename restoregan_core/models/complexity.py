# SPDX-License-Identifier: Apache-2.0
"""What a network costs: parameters, multiply-adds, receptive field."""

from copy import deepcopy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from restoregan_core.models.generator_config import GeneratorConfig


def count_parameters(module: nn.Module) -> int:
    """Number of trainable scalars, biases included."""
    return sum(p.numel() for p in module.parameters())


def count_multiply_adds(module: nn.Module, height: int, width: int) -> int:
    """Multiply-adds of one forward pass over a (1, 3, height, width) image, in convolutions and products.

    Counted by torch on meta tensors: no image is allocated and nothing is computed.
    """
    meta = deepcopy(module).to(device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        meta(torch.empty(1, 3, height, width, device="meta"))
    return counter.get_total_flops() // 2


def receptive_field(config: GeneratorConfig) -> int:
    """Side in input pixels of a square, centred on an output pixel, that holds all the pixels it depends on.

    An upper bound: where a pixel lies in its stride cell is not looked at. Tiles that overlap by half of it
    on each side, and begin at multiples of ``config.size_multiple``, give the same image as the whole.
    """
    step = config.pixel_unshuffle  # input pixels between neighbouring positions of the current scale
    block = 2 * config.block_convolutions
    field = step + 2 * (config.kernel_size - 1) * step  # stem and head
    for outer_blocks in config.outer_blocks:
        field += 2 * outer_blocks * block * step  # encoder and decoder
        field += 2 * step  # strided 3x3
        if config.upsampling != "shuffle":
            field += 2 * step  # the 3x3 after (or in) the upsampling
        step *= 2
        field += step  # the cell that one coarse position covers
    return field + config.blocks * block * step
