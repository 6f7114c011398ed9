# SPDX-License-Identifier: Apache-2.0
"""The assessor's network: how likely each 64 px tile, and the frame, is motion-blurred, rainy, under drops.

It looks at native resolution, where a blur of 3 px shows. What tells motion from a soft lens, or streaks from
a fence, are ratios of energies (of fine to coarse detail, of one direction to another), so each stage's
features are averaged over the tile and their logarithms taken: ratios become differences, which a small
perceptron reads easily, and contrast falls out. A tile is judged by itself, its neighbours and the frame: rain
seldom falls on one tile alone.
"""

import torch
from torch import Tensor, nn

from restoregan_core.images.tile_grid import TILE_SIZE_PX
from restoregan_core.models.assessor_config import EVENTS, AssessorConfig

_FLOOR = 1e-3
"""Under the logarithm: features below this are noise. Representable in half precision."""


class AssessorNetwork(nn.Module):
    """RGB -> log-odds of the three ``EVENTS``.

    Forward takes float (B, 3, H, W) in [-1, 1], sides multiples of 64, and returns (B, 3, H / 64, W / 64) for
    tiles and (B, 3) for the frame.
    """

    def __init__(self, config: AssessorConfig | None = None) -> None:
        super().__init__()
        self.config = config or AssessorConfig()
        first, second, third, fourth = self.config.widths
        width = self.config.head_width
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.PixelUnshuffle(2), _convolution(12, first, 1)),
                _convolution(first, second, 2),
                nn.Sequential(_convolution(second, third, 2), _convolution(third, third, 1)),
                nn.Sequential(_convolution(third, fourth, 2), _convolution(fourth, fourth, 1)),
            ]
        )
        sizes = 32, 16, 8, 4  # px of a tile at each stage
        self.averages = nn.ModuleList([nn.AvgPool2d(size) for size in sizes])
        self.maxima = nn.ModuleList([nn.MaxPool2d(size) for size in sizes])
        self.summary = nn.Sequential(
            nn.Conv2d(2 * sum(self.config.widths), width, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.tile_head = nn.Sequential(
            nn.Conv2d(2 * width, width, 1), nn.ReLU(), nn.Conv2d(width, len(EVENTS), 1)
        )
        self.frame_weight = nn.Conv2d(width, 1, 1)
        self.frame_head = nn.Sequential(
            nn.Conv2d(2 * width, width, 1), nn.ReLU(), nn.Conv2d(width, len(EVENTS), 1)
        )

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        energies = []
        for stage, average, maximum in zip(self.stages, self.averages, self.maxima, strict=True):
            x_BCHW = stage(x_BCHW)
            energies += [average(x_BCHW), maximum(x_BCHW)]
        energy = torch.cat(energies, 1)
        tiles = self.summary(torch.log(energy.float() + _FLOOR).to(energy.dtype))
        weight = torch.sigmoid(self.frame_weight(tiles)) + _FLOOR
        chosen = (tiles * weight).mean((2, 3), keepdim=True) / weight.mean((2, 3), keepdim=True)
        frame = self.frame_head(torch.cat([chosen, tiles.mean((2, 3), keepdim=True)], 1))
        around = chosen.expand(-1, -1, tiles.shape[2], tiles.shape[3])
        return self.tile_head(torch.cat([tiles, around], 1)), frame[:, :, 0, 0]


def _convolution(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


assert TILE_SIZE_PX == 64, "the stages' pooling adds up to tiles of 64 px"
