"""What every runtime offers: ``build`` it, ``warm_up``, ``run``, ``describe``, ``close``."""

from typing import Protocol

import numpy as np
import numpy.typing as npt


class RuntimeUnavailableError(RuntimeError):
    """This machine cannot run that runtime; the message says in one line what is missing."""


class Runtime(Protocol):
    """A generator compiled for one device. Not safe to call from several threads at once."""

    name: str
    """``torch``, ``openvino`` or ``tensorrt``."""

    def warm_up(self, height: int, width: int) -> None:
        """Prepare for frames of this size in pixels: compile or load what it needs, run once.

        Raises:
            RuntimeUnavailableError: no engine for this size, and none may be built.
        """

    def run(self, rgb_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        """Restore a batch: uint8 RGB (B, H, W, 3), H and W multiples of the generator's ``size_multiple``.

        Returns:
            The restored batch, uint8 of that shape, valid until the next call; and the mean of the float
            residual, which is NaN if any of it is.
        """

    def describe(self) -> str:
        """One line: library and version, device, precision."""

    def close(self) -> None:
        """Free the device's memory. ``run`` must not be called afterwards."""
