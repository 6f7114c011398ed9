"""What the runtimes have in common."""

from typing import Protocol

import numpy as np
import numpy.typing as npt


class RuntimeUnavailableError(RuntimeError):
    """This machine cannot run that runtime, or not at that size; one line says what is missing."""


class Runtime(Protocol):
    """A generator compiled for one device. Not safe to call from several threads at once.

    Runtimes that compile ahead of time have a ``build`` besides; see ``tensorrt_runtime``.
    """

    name: str
    """``torch``, ``openvino`` or ``tensorrt``."""

    def load(self, height: int, width: int) -> None:
        """Prepare for frames of this size in pixels; does nothing where any size will do, or twice.

        Raises:
            RuntimeUnavailableError: no engine for this size, and none may be built.
        """

    def run(self, rgb_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        """Restore a batch of frames: uint8 RGB (B, H, W, 3), of any size that was loaded.

        Returns:
            The restored batch, uint8 of that shape, valid until the next call; and the mean of the float
            residual, which is NaN if any of it is.
        """

    def describe(self) -> str:
        """One line: library and version, device, precision."""

    def close(self) -> None:
        """Free the device's memory. ``run`` must not be called afterwards."""
