"""A frame goes to its device once, however many networks look at it there."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Picture = npt.NDArray[np.uint8]

_Place = tuple[int, tuple[int, ...], tuple[int, ...], torch.device]
_shared: ContextVar[dict[_Place, tuple[Picture, Tensor]] | None] = ContextVar("_shared", default=None)


@contextmanager
def shared_uploads() -> Iterator[None]:
    """Within it, ``upload`` gives the tensor that is already there when the same picture is asked for again.

    Pictures must not be written to meanwhile. At its end all are forgotten: the next frame may lie in the same
    memory.
    """
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def upload(rgb_BHWC: Picture, device: torch.device) -> Tensor:
    """The picture on the device, not to be written to: uint8 (B, H, W, 3), contiguous.

    On CUDA the copy is queued on the device's current stream: another stream has to wait for that one.
    """
    kept = _shared.get()
    place = rgb_BHWC.__array_interface__["data"][0], rgb_BHWC.shape, rgb_BHWC.strides, device
    if kept is not None and place in kept:
        return kept[place][1]
    host = torch.empty(rgb_BHWC.shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
    np.copyto(host.numpy(), rgb_BHWC)
    there = host.to(device, non_blocking=True)
    if kept is not None:
        kept[place] = rgb_BHWC, there  # the picture, too: while it lives, no other can have its address
    return there
