# SPDX-License-Identifier: Apache-2.0
"""What the runtimes have in common."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

RUNTIMES = ("tensorrt", "openvino", "torch")
"""Names of the runtimes, in the order in which ``auto`` prefers them."""
PRECISIONS = ("auto", "fp32", "fp16", "bf16", "int8")
"""What a network may be asked to compute in; ``auto`` is each runtime's fastest that keeps the image."""


class RuntimeUnavailableError(RuntimeError):
    """This machine cannot run that runtime, or not at that size; one line says what is missing."""


class Runtime(Protocol):
    """A generator compiled for one device. Not safe to call from several threads at once.

    Runtimes that compile ahead of time have a ``build`` besides; see ``tensorrt_runtime``.
    """

    name: str
    """One of ``RUNTIMES``."""
    any_size: bool
    """Whether another size is ready within seconds, so that parts of a frame may have sizes of their own."""

    def load(self, height: int, width: int) -> None:
        """Prepare for frames of this size in pixels; does nothing where any size will do, or twice.

        Raises:
            RuntimeUnavailableError: no engine for this size, and none may be built.
        """

    def run(
        self, frames_BHWC: npt.NDArray[np.uint8], older_BHWC: Sequence[npt.NDArray[np.uint8]] = ()
    ) -> tuple[npt.NDArray[np.uint8], float]:
        """Restore a batch of frames of any size that was loaded.

        Args:
            frames_BHWC: uint8 (B, H, W, C): RGB of the current frame, then of each aligned frame of its history.
            older_BHWC: further frames of the history, each of that shape: together as many channels as the generator's
                ``config.input_channels``.

        Returns:
            The restored batch, uint8 RGB (B, H, W, 3), valid until the next call; and the mean of the float
            residual, which is NaN if any of it is.
        """

    def describe(self) -> str:
        """One line: library and version, device, precision."""

    def close(self) -> None:
        """Free the device's memory. ``run`` must not be called afterwards."""
