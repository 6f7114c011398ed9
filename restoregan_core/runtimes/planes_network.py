# SPDX-License-Identifier: Apache-2.0
"""The part of a frame's network that OpenVINO runs; OpenCV moves the pixels before and after."""

from copy import deepcopy

from torch import Tensor, nn

from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.frame_network import FrameNetwork


class PlanesNetwork(nn.Module):
    """``FrameNetwork.restore_planes`` of a copy of a generator, in float32 on the CPU."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        copy = deepcopy(generator).eval().cpu().float()
        self.network = FrameNetwork(copy, pads=False).requires_grad_(False)

    def forward(self, planes_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.restore_planes(planes_BCHW)
