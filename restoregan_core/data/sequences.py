# SPDX-License-Identifier: Apache-2.0
"""Samples for a recurrent network: consecutive frames, the oldest first, that it restores one after another.

It sees its own answer to the frame before, so its input cannot be made beforehand. A sample holds what the input is
put together from (see ``training.unrolled``): the frames, the flow along which the frame before and the answer to it
are looked up, and where there was no frame before, or the answer was not used.

What goes wrong is drawn for each sequence, with the shares of ``ClipConfig``:

- missing: at one frame history starts over, as after a cut. At the first one it always does.
- failed: to one frame both are looked up at wrong places, displaced or mirrored.
- spared: the gate lets a run of frames pass, wholly or in part, so that they stand for their answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restoregan_core.data.clips import ClipConfig, draw_failure
from restoregan_core.images.alignment import Flow, find_flow, half_image
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.rgb import RgbImage

_PART_SHARE = 0.4
"""Of the runs of frames that pass, how many pass in part: the gate judges tiles."""


@dataclass(frozen=True, kw_only=True)
class Mishaps:
    """What went wrong along one sequence; frames are counted from the oldest one, 0."""

    starts_over: int = 0
    """The frame, beside the first one, that has nothing before it; 0: none."""
    fails: int = 0
    """The frame to which alignment fails; 0: none."""
    displaced_px: tuple[int, int] = (0, 0)
    """How far, right and down."""
    is_other_scene: bool = False
    """The frame before is mirrored instead: nothing of it belongs to this one."""
    spared: tuple[int, int] = (0, 0)
    """First and end of the frames that pass the gate."""
    spared_box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Where they do: top, left, bottom and right, in shares of the side."""


def draw_mishaps(config: ClipConfig, rng: np.random.Generator) -> Mishaps:
    """Draw what goes wrong along one sequence of ``config.unrolled`` frames."""
    count = config.unrolled
    mishaps = Mishaps()
    if rng.random() < config.missing_share:
        mishaps = replace(mishaps, starts_over=int(rng.integers(1, count)))
    if rng.random() < config.failed_share:
        displaced, is_other_scene = draw_failure(rng)
        fails = int(rng.integers(1, count))
        mishaps = replace(mishaps, fails=fails, displaced_px=displaced, is_other_scene=is_other_scene)
    if rng.random() < config.spared_share:
        # The last one's answer is not looked at.
        first = int(rng.integers(count - 1))
        mishaps = replace(mishaps, spared=(first, int(rng.integers(first + 1, count))))
        if rng.random() < _PART_SHARE:
            edge = float(rng.uniform(0.1, 0.9))
            boxes = [
                (0.0, 0.0, edge, 1.0),
                (edge, 0.0, 1.0, 1.0),
                (0.0, 0.0, 1.0, edge),
                (0.0, edge, 1.0, 1.0),
            ]
            mishaps = replace(mishaps, spared_box=boxes[int(rng.integers(len(boxes)))])
    return mishaps


@dataclass(frozen=True)
class SequenceBatch:
    """B sequences of T frames, RGB images as uint8."""

    seen_BTCHW: Tensor  # noqa: N815 - shape suffix
    """As the camera delivered them."""
    wanted_BTCHW: Tensor  # noqa: N815
    """Their ground truth."""
    path_BTCHW: Tensor  # noqa: N815
    """Each one's ``images.blur_path``; without channels for a network that takes none."""
    flow_BT2HW: Tensor  # noqa: N815
    """From each frame to the one before: float32, of half the size, in its px (``images.alignment.find_flow``)."""
    begins_BT: Tensor  # noqa: N815
    """Whether nothing is known from before; bool."""
    spared_BT1HW: Tensor  # noqa: N815
    """Where a frame stands for the answer to it; bool."""
    origins: tuple[Any, ...]
    """The ``samples.Origin`` of each."""

    @property
    def frames(self) -> int:
        """In each sequence."""
        return self.seen_BTCHW.shape[1]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each sample (see ``samples.Origin``); none where the origins are not known."""
        return tuple(origin.kind for origin in self.origins if origin is not None)

    @property
    def target_BCHW(self) -> Tensor:  # noqa: N802
        """The ground truth of all frames, float32 in [0, 1]."""
        return self.wanted_BTCHW.flatten(0, 1).float() / 255

    def to(self, device: torch.device | str) -> "SequenceBatch":
        """The same batch with its images on a device."""
        images = {name: tensor.to(device) for name, tensor in self.tensors().items()}
        return SequenceBatch(**images, origins=self.origins)

    def tensors(self) -> dict[str, Tensor]:
        """Its images and what goes with them by name."""
        return {name: getattr(self, name) for name in _TENSORS}

    @classmethod
    def of(cls, batches: "Sequence[SequenceBatch]") -> "SequenceBatch":
        """All sequences of several batches."""
        images = {name: torch.cat([getattr(each, name) for each in batches]) for name in _TENSORS}
        return cls(**images, origins=tuple(origin for each in batches for origin in each.origins))


_TENSORS = tuple(field.name for field in fields(SequenceBatch) if field.name != "origins")


def make_sequence(
    seen: Sequence[RgbImage],
    wanted: Sequence[RgbImage],
    mishaps: Mishaps,
    *,
    path: bool,
    is_clip: bool = True,
    origin: Any = None,
) -> SequenceBatch:
    """A batch of one sequence.

    Args:
        seen, wanted: frames and their ground truth, the oldest first; uint8 RGB of one size, even height and width.
        path: whether the network takes each frame's ``images.blur_path``.
        is_clip: whether the frames are consecutive; if not, each one begins.
        origin: where they came from.
    """
    count, (height, width) = len(seen), seen[0].shape[:2]
    halves = [half_image(frame) for frame in seen]
    begins = [not is_clip or number in (0, mishaps.starts_over) for number in range(count)]
    flows = [
        np.zeros((*halves[number].shape, 2), np.float32)
        if begins[number]
        else find_flow(halves[number], halves[number - 1])
        for number in range(count)
    ]
    paths = [
        path_image(frame, None if begins[number] else flows[number], halves[number])
        for number, frame in enumerate(seen)
    ]
    if mishaps.fails and not begins[mishaps.fails]:
        flows[mishaps.fails] = _failed(flows[mishaps.fails], mishaps)
    spared = np.zeros((count, 1, height, width), np.bool_)
    if is_clip:
        sides = (height, width) * 2
        top, left, bottom, right = (
            round(share * n) for share, n in zip(mishaps.spared_box, sides, strict=True)
        )
        spared[slice(*mishaps.spared), :, top:bottom, left:right] = True
    return SequenceBatch(
        _stacked(seen),
        _stacked(wanted),
        _stacked(paths) if path else torch.empty((1, count, 0, height, width), dtype=torch.uint8),
        _stacked(flows),
        torch.tensor([begins]),
        torch.from_numpy(spared)[None],
        (origin,),
    )


def _failed(flow: Flow, mishaps: Mishaps) -> Flow:
    if not mishaps.is_other_scene:
        return np.asarray(flow + np.array(mishaps.displaced_px) / 2, np.float32)
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    mirrored = np.dstack((width - 1 - 2 * x, height - 1 - 2 * y))
    return np.asarray(flow[::-1, ::-1] + mirrored, np.float32)


def _stacked(images: Sequence[npt.NDArray[Any]]) -> Tensor:
    """(H, W, C) each -> (1, T, C, H, W)."""
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy())[None]
