# SPDX-License-Identifier: Apache-2.0
"""From what the frames before say, and what the network of single images says, to log-odds of blur and of rain."""

import torch
from torch import Tensor, nn

from restoregan_core.models.assessor_config import (
    MEASURES,
    SINGLE,
    SINGLE_LIMIT,
    SINGLE_SCALE,
    TEMPORAL_EVENTS,
    TEMPORAL_WIDTH,
)


class TemporalHead(nn.Module):
    """Two small perceptrons, one for tiles, one for the frame.

    Forward takes B frames of at most N tiles: measures (B, N, ``MEASURES``), log-odds (B, N, 6) of the network of
    single images, the tile's and the frame's, and (B, N) whether there is such a tile; it returns log-odds (B, N, 2)
    of the tiles and (B, 2) of the frames.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int = TEMPORAL_WIDTH) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("mean", torch.zeros(MEASURES))
        self.register_buffer("deviation", torch.ones(MEASURES))
        self.tile = _perceptron(2 * MEASURES + SINGLE, width)
        self.frame = _perceptron(2 * MEASURES + SINGLE, width)

    def forward(self, measures: Tensor, single: Tensor, is_tile: Tensor) -> tuple[Tensor, Tensor]:
        weight = is_tile.to(measures.dtype)[..., None]
        share = weight / weight.sum(1, keepdim=True)
        seen = (measures - self.mean) / self.deviation
        known = single.clamp(-SINGLE_LIMIT, SINGLE_LIMIT) / SINGLE_SCALE
        average = (seen * share).sum(1)
        highest = seen.masked_fill(~is_tile[..., None], -torch.inf).amax(1)
        tiles = torch.cat([seen, average[:, None].expand_as(seen), known], 2)
        return self.tile(tiles), self.frame(torch.cat([average, highest, (known * share).sum(1)], 1))


def _perceptron(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, len(TEMPORAL_EVENTS)))
