# SPDX-License-Identifier: Apache-2.0
"""The part of a frame's network that OpenVINO runs; OpenCV moves the pixels before and after."""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from restoregan_core.models.generator import TRUST_BIAS, Generator


class PlanesNetwork(nn.Module):
    """What ``FrameNetwork`` computes, in float32 on the CPU, for a caller that moves the pixels (``images.planes``).

    It is written so that OpenVINO fuses all that is done to planes of 8 bits into one pass before the first convolution
    and one behind the last: what is joined or split there is contiguous, one map serves three colours unrepeated, and
    what both passes need is computed twice, for memory takes longer than sums.

    Args:
        generator: is copied.

    Shape: uint8 (B, r * r * C, H / r, W / r), as ``pixel_unshuffle`` by r, the generator's, orders them ->
        uint8 (B, 3 * r * r, H / r, W / r), and the mean residual, a float32 scalar.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = deepcopy(generator).eval().cpu().float().requires_grad_(False)
        for layer in self.generator.up:
            _shuffle_in_blocks(cast(nn.Sequential, layer))

    def forward(self, planes_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        generator = self.generator
        batch, _, height, width = planes_BCHW.shape
        pixels = generator.config.pixel_unshuffle**2
        current, *beside = (image.float() for image in planes_BCHW.split(3 * pixels, 1))
        inputs = [(current - 127.5) / 127.5, *generator.changes(current, beside, 127.5, 127.5)]
        maps_BCHW = generator.maps(torch.cat(inputs, 1) if beside else inputs[0])

        # From here on colours by pixels of a block by blocks: (B, colours, pixels, blocks).
        planes = planes_BCHW.reshape(batch, -1, pixels, height * width)
        current, *older = (image.float() for image in planes.split(3, 1)[: 1 + generator.config.history])
        maps = maps_BCHW.reshape(batch, -1, pixels, height * width)
        change, *trusts = maps.split([3] + [1] * generator.config.blended_images, 1)
        residual = generator.blended(
            change,
            [torch.sigmoid(trust + TRUST_BIAS) for trust in trusts],
            [(frame - current) / 127.5 for frame in older],
        )
        if generator.config.output_skip == "average":
            residual = (residual - (current - 127.5) / 127.5) / 2
        restored = (current + torch.round(residual * 127.5)).clamp(0, 255).to(torch.uint8)
        return restored.reshape(batch, 3 * pixels, height, width), residual.mean()


class _ShuffleInBlocks(nn.Module):
    """``nn.PixelShuffle(2)`` of channels that stand place by place, so that each place is copied in one piece."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        batch, channels, height, width = x_BCHW.shape
        places = x_BCHW.reshape(batch, 2, 2, channels // 4, height, width)
        return places.permute(0, 3, 4, 1, 5, 2).reshape(batch, channels // 4, 2 * height, 2 * width)


def _shuffle_in_blocks(up: nn.Sequential) -> None:
    """Give a layer that shuffles pixels its channels place by place; others are left alone."""
    if not isinstance(up[1], nn.PixelShuffle):
        return
    convolution = cast(nn.Conv2d, up[0])
    for name in ("weight", "bias"):
        values = getattr(convolution, name)
        by_place = values.detach().unflatten(0, (-1, 4)).transpose(0, 1).flatten(0, 1).contiguous()
        setattr(convolution, name, nn.Parameter(by_place, requires_grad=False))
    up[1] = _ShuffleInBlocks()
