# SPDX-License-Identifier: Apache-2.0
"""What a network costs: parameters and multiply-adds."""

from copy import deepcopy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


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
