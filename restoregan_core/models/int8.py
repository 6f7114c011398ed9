# SPDX-License-Identifier: Apache-2.0
"""Convolutions on 8-bit integers: inputs and weights are rounded to 255 levels, and all else stays as it is.

The network around them computes in full or half precision, residual sums included; a runtime that knows integers
finds the rounding before each convolution in the graph, and computes that one on integers. ``training/quantization.py``
chooses the scales.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.models.generator import Generator, SameConv2d

LOWEST, HIGHEST = -128, 127
"""What ONNX, TensorRT and OpenVINO take for signed 8-bit integers; zero stands for zero."""


class Int8Conv2d(nn.Module):
    """A convolution whose input and weights are rounded to integers times a scale, one for the whole input and one for
    each output channel of the weights.

    Channels of the input are divided by ``smoothing`` before, and the weights multiplied: a channel with large values
    leaves the small ones some levels, too (SmoothQuant, Xiao et al. 2023, eq. 3).

    Args:
        convolution: its weights and bias are shared.
        input_scale: one level of the input, after the division.
        smoothing: (input channels), all above 0.

    Shape: as the convolution's.
    """

    input_scale: Tensor
    smoothing: Tensor

    def __init__(
        self, convolution: nn.Conv2d, input_scale: float = 1.0, smoothing: Tensor | None = None
    ) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.padding = convolution.stride, cast(tuple[int, int], convolution.padding)
        is_same = isinstance(convolution, SameConv2d) and not convolution.symmetric
        self.before = cast(SameConv2d, convolution).same_padding if is_same else None
        """Padding that a convolution cannot do itself."""
        self.register_buffer("input_scale", torch.tensor(float(input_scale)))
        self.register_buffer(
            "smoothing", torch.ones(convolution.in_channels) if smoothing is None else smoothing
        )
        self._level = float(input_scale)
        """``input_scale`` as a number, which exporters can write into a graph of any shape."""
        self._settled: tuple[Tensor, Tensor] | None = None
        self.register_load_state_dict_post_hook(lambda module, _: module._read_level())

    def forward(self, x_BCHW: Tensor) -> Tensor:
        smoothing_C11 = self.smoothing[:, None, None]
        x_BCHW = torch.fake_quantize_per_tensor_affine(
            x_BCHW / smoothing_C11, self._level, 0, LOWEST, HIGHEST
        )
        weight, scale = self._smoothed()
        zeros = torch.zeros(scale.shape[0], dtype=torch.int32, device=x_BCHW.device)
        weight = torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, LOWEST, HIGHEST)
        if self.before:
            x_BCHW = F.pad(x_BCHW, self.before)
        return F.conv2d(x_BCHW, weight, self.bias, self.stride, self.padding)

    def settle(self) -> None:
        """Keep the weights as they are rounded, with their scales: TensorRT takes constants alone.

        Nothing can be trained or loaded afterwards.
        """
        with torch.no_grad():
            self._settled = self._smoothed()

    def _smoothed(self) -> tuple[Tensor, Tensor]:
        """The weights that are rounded, and one level of them for each output channel."""
        if self._settled is not None:
            return self._settled
        weight = self.weight * self.smoothing[:, None, None]
        return weight, weight.detach().abs().amax((1, 2, 3)).float() / HIGHEST

    def _read_level(self) -> None:
        self._level = float(self.input_scale)


def with_int8(generator: Generator, names: Iterable[str]) -> Generator:
    """The generator itself with these convolutions on integers; their scales are 1 until they are loaded.

    Raises:
        ValueError: a name that none of its convolutions has.
    """
    found = convolutions(generator)
    for name in names:
        if name not in found:
            raise ValueError(f"no convolution {name!r} that could compute on integers")
        replace(generator, name, Int8Conv2d(found[name]))
    return generator


def settle(generator: Generator) -> None:
    """``Int8Conv2d.settle`` for all of a generator; does nothing to one of floats."""
    for module in generator.modules():
        if isinstance(module, Int8Conv2d):
            module.settle()


def convolutions(generator: Generator) -> dict[str, nn.Conv2d]:
    """All of them that compute on floats, by name."""
    return {name: module for name, module in generator.named_modules() if isinstance(module, nn.Conv2d)}


def replace(network: nn.Module, name: str, module: nn.Module) -> None:
    """Put another module in a named one's place."""
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, module)
