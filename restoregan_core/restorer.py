"""One generator on one runtime, for frames of any size: uint8 RGB in, uint8 RGB out."""

import logging
import math

import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.protocol import Runtime, RuntimeUnavailableError
from restoregan_core.zoo import LoadedGenerator

logger = logging.getLogger(__name__)

RUNTIMES = ("auto", "tensorrt", "openvino", "torch")


class NonFiniteOutputError(RuntimeError):
    """The network gave NaN or infinity, or its weights hold one: the frame must not be published."""


class Restorer:
    """Call it with a frame, uint8 RGB (H, W, 3) of any size; it returns the restored frame, a new array.

    Several cameras of several sizes may share one; calls must come from one thread at a time.

    Args:
        loaded: the generator, from ``zoo.load_generator``.
        runtime: ``auto``, ``tensorrt``, ``openvino`` or ``torch``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Attributes:
        name: of the network, with the first 12 hex digits of its weights' SHA-256.

    Raises:
        ValueError: no such runtime.
        RuntimeUnavailableError: the runtime was named and this machine cannot run it.
    """

    def __init__(self, loaded: LoadedGenerator, runtime: str = "auto", device: str = "auto") -> None:
        if runtime not in RUNTIMES:
            raise ValueError(f"no runtime {runtime!r}; there are: {', '.join(RUNTIMES)}")
        self.name = loaded.name
        self._size_multiple = loaded.generator.config.size_multiple
        # Some runtimes' ReLU turns NaN into 0: bad weights would show only as a subtly wrong picture.
        self._weights_are_finite = all(bool(torch.isfinite(p).all()) for p in loaded.generator.parameters())
        self._runtime = _open_runtime(loaded.generator, runtime, device)

    def __call__(self, rgb_HWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Restore one frame.

        Raises:
            ValueError: not uint8 RGB of shape (H, W, 3) with at least one pixel.
            NonFiniteOutputError: the network's output is not finite.
        """
        if rgb_HWC.dtype != np.uint8 or rgb_HWC.ndim != 3 or rgb_HWC.shape[2] != 3 or rgb_HWC.size == 0:
            raise ValueError(f"expected uint8 RGB of shape (H, W, 3), got {rgb_HWC.dtype} {rgb_HWC.shape}")
        if not self._weights_are_finite:
            raise NonFiniteOutputError(f"{self.name}: a weight is not finite")
        height, width = rgb_HWC.shape[:2]
        restored_BHWC, mean_residual = self._runtime.run(self._pad(rgb_HWC)[np.newaxis])
        if not math.isfinite(mean_residual):
            raise NonFiniteOutputError(f"{self.name} gave a non-finite picture of {height}x{width} pixels")
        return restored_BHWC[0, :height, :width].copy()

    def warm_up(self, height: int, width: int) -> None:
        """Prepare for frames of this size in pixels, so that the first one is as fast as the rest."""
        multiple = self._size_multiple
        self._runtime.warm_up(height + -height % multiple, width + -width % multiple)

    def describe(self) -> str:
        """One line about the runtime: library, version, device, precision."""
        return self._runtime.describe()

    def close(self) -> None:
        """Free the runtime's memory; the restorer must not be called afterwards."""
        self._runtime.close()

    def _pad(self, rgb_HWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Repeat the last row and column up to a multiple of ``size_multiple``; no copy if it is one."""
        bottom, right = (-side % self._size_multiple for side in rgb_HWC.shape[:2])
        if not bottom and not right:
            return np.ascontiguousarray(rgb_HWC)
        return np.pad(rgb_HWC, ((0, bottom), (0, right), (0, 0)), mode="edge")


def _open_runtime(generator: Generator, runtime: str, device: str) -> Runtime:
    if runtime == "torch":
        return _open_torch(generator, device)
    if runtime == "openvino":
        return _open_openvino(generator, device)
    if runtime == "tensorrt":
        raise RuntimeUnavailableError("runtime 'tensorrt' needs torch-tensorrt and a CUDA device")
    try:
        opened = _open_openvino(generator, device)
    except RuntimeUnavailableError as error:
        opened = _open_torch(generator, device)
        logger.info("runtime auto: %s, because %s", opened.describe(), error)
    else:
        logger.info("runtime auto: %s", opened.describe())
    return opened


def _open_torch(generator: Generator, device: str) -> Runtime:
    from restoregan_core.runtimes.torch_runtime import TorchRuntime

    return TorchRuntime(generator, device)


def _open_openvino(generator: Generator, device: str) -> Runtime:
    from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime(generator, device)
