# SPDX-License-Identifier: Apache-2.0
"""The assessor's network with its pre- and post-processing, for whatever compiles it or runs it in torch."""

import copy
from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from restoregan_core.models.assessor_int8 import with_int8
from restoregan_core.runtimes.torch_runtime import torch_device
from restoregan_core.zoo import LoadedAssessor


class AssessorFrameNetwork(nn.Module):
    """uint8 RGB (1, H, W, 3), sides multiples of 64 -> probabilities, float32 (3, H / 64, W / 64) and (3,), and the
    log-odds of both before calibration, in the same shapes.

    Args:
        loaded: is not changed.
        is_int8: with convolutions on 8-bit integers.
    """

    tile_calibration: Tensor
    frame_calibration: Tensor

    def __init__(self, loaded: LoadedAssessor, is_int8: bool = False) -> None:
        super().__init__()
        self.is_int8 = is_int8
        self.network = copy.deepcopy(loaded.network)
        self.network.stages[0] = _over_pairs(self.network.stages[0])
        if is_int8:
            with_int8(self.network)
        self.register_buffer("tile_calibration", torch.tensor(loaded.tile_calibration))
        self.register_buffer("frame_calibration", torch.tensor(loaded.frame_calibration))

    def forward(self, rgb_BHWC: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        batch, height, width, _ = rgb_BHWC.shape
        pairs_BHWC = rgb_BHWC.reshape(batch, height, width // 2, 6)
        x_BCHW = pairs_BHWC.permute(0, 3, 1, 2).float()
        tiles, frame = self.network(x_BCHW - 128 if self.is_int8 else (x_BCHW - 127.5) / 127.5)
        own, around, bias = self.tile_calibration.view(1, 3, 3, 1, 1).unbind(2)
        tile_probabilities = torch.sigmoid(tiles * own + frame[..., None, None] * around + bias)
        own, within, bias = self.frame_calibration.unbind(1)
        frame_probabilities = torch.sigmoid(frame * own + tiles.mean((2, 3)) * within + bias)
        return tile_probabilities[0], frame_probabilities[0], tiles[0], frame[0]


def _over_pairs(stage: nn.Module) -> nn.Sequential:
    """The network's first stage for two neighbouring px of a row as one of six channels, which moves nothing in memory.

    Unshuffling px takes OpenVINO a quarter of the time of the whole network.
    """
    _, convolved = cast(nn.Sequential, stage)
    convolution, *rest = cast(nn.Sequential, convolved)
    convolution = cast(nn.Conv2d, convolution)
    out = convolution.out_channels
    # (out, colour, row of 2, column of 2, rows, columns) -> (out, column of 2 and colour, rows and row of 2, columns)
    weight = (
        convolution.weight.detach().view(out, 3, 2, 2, 3, 3).permute(0, 3, 1, 4, 2, 5).reshape(out, 6, 6, 3)
    )
    over_pairs = nn.Conv2d(6, out, (6, 3), stride=(2, 1), padding=(2, 1), bias=False)
    over_pairs.weight.data = weight.contiguous()
    return nn.Sequential(over_pairs, *rest)


def in_torch(
    network: nn.Module, device: str, threads: int = 0
) -> Callable[[npt.NDArray[np.uint8]], list[npt.NDArray[np.float32]]]:
    """What gives a frame to the network on a device: uint8 (1, H, W, 3), sides multiples of 64 -> its outputs.

    Args:
        threads: most that torch, the whole process's, computes on; 0 leaves it as it is.

    Raises:
        RuntimeUnavailableError: a CUDA device that is not there.
    """
    where = torch_device(device)
    if threads:
        torch.set_num_threads(threads)
    network = network.eval().requires_grad_(False).to(where)

    def run(rgb_BHWC: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        with torch.inference_mode():
            x_BHWC = torch.from_numpy(np.require(rgb_BHWC, requirements=["C", "W"])).to(where)
            return [output.cpu().numpy() for output in network(x_BHWC)]

    return run
