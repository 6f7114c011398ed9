# SPDX-License-Identifier: Apache-2.0
"""The assessor's network on 8-bit integers, made of its weights alone: no sample is needed to choose scales by.

Batch normalisation says what mean and spread each channel had in training, and so what range it needs (Nagel et al.
2019, section 4.2): from 0, for ReLU cuts off what is below, to ``SPREADS`` standard deviations above its mean. Features
are shares of that, in 255 steps; the weights before and behind a channel take in its range, and what is pooled of a
tile is multiplied by it. The heads, which see a few numbers of each tile, stay as they are.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from restoregan_core.models.assessor import AssessorNetwork
from restoregan_core.models.int8 import HIGHEST, LOWEST

SPREADS = 10
"""With 6 streaks and edges are clipped, with 32 the detail of dim tiles vanishes below the first step."""
_STEPS = 255
_LEAST_RANGE = 1e-3
"""Of a channel that never says anything."""


def with_int8(network: AssessorNetwork) -> AssessorNetwork:
    """The network itself, in eval mode, with the convolutions of its stages on integers.

    Its input is then a pixel's level less 128, from -128 to 127, where it was (level - 127.5) / 127.5 before. The
    border is padded with level 128, not 127.5.
    """
    network.eval()
    unit_C, offset = torch.tensor(1 / 127.5), 0.5
    stages: list[nn.Module] = []
    for number, stage in enumerate(network.stages):
        layers: list[nn.Module] = [] if stages else [_Round(1.0, LOWEST, HIGHEST)]
        for convolution, normalisation in _layers(stage):
            range_C = normalisation.bias.clamp_min(0) + SPREADS * normalisation.weight.abs()
            range_C = range_C.detach().clamp_min(_LEAST_RANGE)
            fused = fuse_conv_bn_eval(convolution, normalisation)
            layers += [_Int8Layer(fused, unit_C, range_C, offset), _Round(1 / _STEPS, 0, _STEPS)]
            unit_C, offset = range_C, 0.0
        stages.append(nn.Sequential(*layers))
        size = cast(nn.AvgPool2d, network.averages[number]).kernel_size
        network.averages[number] = _Average(cast(int, size), unit_C)
        network.maxima[number] = nn.Sequential(network.maxima[number], _Times(unit_C))
    network.stages = nn.ModuleList(stages)
    return network


def _layers(stage: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Its convolutions, each with the normalisation behind it."""
    convolutions = [module for module in stage.modules() if isinstance(module, nn.Conv2d)]
    normalisations = [module for module in stage.modules() if isinstance(module, nn.BatchNorm2d)]
    return list(zip(convolutions, normalisations, strict=True))


class _Round(nn.Module):
    """To ``step`` times the integers from ``lowest`` to ``highest``; runtimes that know integers find them by that."""

    def __init__(self, step: float, lowest: int, highest: int) -> None:
        super().__init__()
        self.step, self.lowest, self.highest = step, lowest, highest

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x_BCHW, self.step, 0, self.lowest, self.highest)


class _Times(nn.Module):
    """Each channel times its own factor."""

    factor: Tensor

    def __init__(self, factor_C: Tensor) -> None:
        super().__init__()
        self.register_buffer("factor", factor_C[:, None, None])

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW * self.factor


class _Average(nn.Module):
    """Averages of squares, each channel's times its own factor, as a convolution on integers.

    OpenVINO's pooling of integers would round them to integers again.
    """

    weight: Tensor
    step: Tensor
    zero: Tensor

    def __init__(self, size: int, factor_C: Tensor) -> None:
        super().__init__()
        self.size = size
        weight_C = factor_C / size**2
        self.register_buffer("weight", weight_C.view(-1, 1, 1, 1).repeat(1, 1, size, size))
        self.register_buffer("step", weight_C / HIGHEST)
        self.register_buffer("zero", torch.zeros_like(weight_C, dtype=torch.int32))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        weight = torch.fake_quantize_per_channel_affine(self.weight, self.step, self.zero, 0, LOWEST, HIGHEST)
        return F.conv2d(x_BCHW, weight, stride=self.size, groups=weight.shape[0])


class _Int8Layer(nn.Module):
    """A convolution with its weights rounded, and ReLU.

    Args:
        convolution: as it is without rounding.
        unit_C: what 1 of its input stands for, in all channels or in each.
        next_C: what 1 of each channel of its output stands for.
        offset: added to its input.
    """

    weight: Tensor
    step: Tensor
    zero: Tensor
    bias: Tensor

    def __init__(self, convolution: nn.Conv2d, unit_C: Tensor, next_C: Tensor, offset: float) -> None:
        super().__init__()
        assert convolution.bias is not None
        self.stride, self.padding = convolution.stride, convolution.padding
        weight = convolution.weight.detach() * unit_C.view(-1, 1, 1) / next_C.view(-1, 1, 1, 1)
        self.register_buffer("weight", weight)
        self.register_buffer("step", weight.abs().amax((1, 2, 3)) / HIGHEST)
        self.register_buffer("zero", torch.zeros_like(self.step, dtype=torch.int32))
        shift = offset * self._rounded().sum((1, 2, 3))
        self.register_buffer("bias", convolution.bias.detach() / next_C + shift)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return F.relu(F.conv2d(x_BCHW, self._rounded(), self.bias, self.stride, self.padding))

    def _rounded(self) -> Tensor:
        return torch.fake_quantize_per_channel_affine(self.weight, self.step, self.zero, 0, LOWEST, HIGHEST)
