# SPDX-License-Identifier: Apache-2.0
"""Sequences taken frame by frame, as a recurrent network meets them: it sees its own last answer."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.data.sequences import SequenceBatch

EDGE_PX = 8
"""At the border of a patch, which the frame before does not reach where things move: not judged."""
_PARTS_OF_A_PX = 32
"""Places are looked up to this part of a pixel, as OpenCV does."""


def looked_up(images_BCHW: Tensor, flow_B2HW: Tensor) -> Tensor:
    """Images along a flow of smaller ones, in px of these, as ``images.alignment.warp`` looks them up.

    Shape: float32 (B, C, H, W) in [-1, 1], (B, 2, h, w) -> (B, C, H, W) on 8-bit levels.
    """
    height, width = images_BCHW.shape[2:]
    scale = torch.tensor([width / flow_B2HW.shape[3], height / flow_B2HW.shape[2]], device=flow_B2HW.device)
    way_BHW2 = F.interpolate(flow_B2HW, size=(height, width), mode="bilinear").permute(0, 2, 3, 1) * scale
    rows, columns = (torch.arange(side, device=flow_B2HW.device) for side in (height, width))
    here_HW2 = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    places_BHW2 = ((here_HW2 + way_BHW2) * _PARTS_OF_A_PX).round() / _PARTS_OF_A_PX
    sides = torch.tensor([width, height], device=flow_B2HW.device)
    grid_BHW2 = (2 * places_BHW2 + 1) / sides - 1
    found_BCHW = F.grid_sample(images_BCHW, grid_BHW2, padding_mode="reflection", align_corners=False)
    return _on_levels(found_BCHW)


class Unrolling:
    """Goes through the frames of a batch, the oldest first: the ``input``, then ``keep`` what the network made of them.

    Args:
        batch: on the network's device.
    """

    def __init__(self, batch: SequenceBatch) -> None:
        self._batch = batch
        self._answer_BCHW: Tensor | None = None

    def seen(self, number: int) -> Tensor:
        """(B, 3, H, W) in [-1, 1], as are all images here."""
        return _in_range(self._batch.seen_BTCHW[:, number])

    def wanted(self, number: int) -> Tensor:
        """The ground truth."""
        return _in_range(self._batch.wanted_BTCHW[:, number])

    @property
    def is_single(self) -> Tensor:
        """Which of the samples are single images instead of consecutive frames, (B,) bool."""
        return self._batch.begins_BT.all(1)

    def begins(self, number: int) -> Tensor:
        """Which of the frames have none before, (B,) bool."""
        return self._batch.begins_BT[:, number]

    def input(self, number: int) -> Tensor:
        """The network's input at a frame whose predecessor's answer was kept, (B, C, H, W)."""
        seen_BCHW = self.seen(number)
        before_BCHW = answer_BCHW = seen_BCHW
        if self._answer_BCHW is not None and number:
            both = torch.cat([self.seen(number - 1), self._answer_BCHW], 1)
            found = looked_up(both, self._batch.flow_BT2HW[:, number])
            begins_B111 = self.begins(number)[:, None, None, None]
            before_BCHW, answer_BCHW = (
                torch.where(begins_B111, seen_BCHW, image_BCHW) for image_BCHW in found.chunk(2, 1)
            )
        path_BCHW = _in_range(self._batch.path_BTCHW[:, number])
        return torch.cat([seen_BCHW, before_BCHW, answer_BCHW, path_BCHW], 1)

    def keep(self, number: int, answer_BCHW: Tensor) -> None:
        """What the network made of a frame, for the next one. Where the gate let the frame pass, it stands for it."""
        spared_B1HW = self._batch.spared_BT1HW[:, number]
        self._answer_BCHW = torch.where(
            spared_B1HW, self.seen(number), _on_levels(answer_BCHW.detach().float())
        )


@torch.no_grad()
def inputs_of(batch: SequenceBatch, network: nn.Module) -> Iterator[Tensor]:
    """The network's input at each frame of the sequences, (B, C, H, W) in [-1, 1], the oldest first.

    Args:
        network: in eval mode, recurrent; its answers are seen.
    """
    unrolling = Unrolling(batch)
    for number in range(batch.frames):
        input_BCHW = unrolling.input(number)
        yield input_BCHW
        unrolling.keep(number, network(input_BCHW))


def without_edge(images_BCHW: Tensor) -> Tensor:
    """What is judged of a patch."""
    return images_BCHW[..., EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX]


def _in_range(images_BCHW: Tensor) -> Tensor:
    return images_BCHW.float().div(127.5).sub(1)


def _on_levels(images_BCHW: Tensor) -> Tensor:
    """Rounded as a published image is."""
    return (images_BCHW.clamp(-1, 1) + 1).mul(127.5).round().div(127.5).sub(1)
