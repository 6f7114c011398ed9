# SPDX-License-Identifier: Apache-2.0
"""Torch-TensorRT on an NVIDIA GPU: one static engine a frame size, built ahead of time, loaded if it fits.

Written for the strongly typed API of torch-tensorrt 2.8 to 2.13: the precision is the generator's own dtype.
"""

import contextlib
import io
import logging
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.images.planes import merged
from restoregan_core.models.generator import Generator
from restoregan_core.models.lazy_network import weights_digest, weights_of
from restoregan_core.runtimes.cuda_session import CudaSession
from restoregan_core.runtimes.engine_cache import (
    EngineError,
    EngineKey,
    default_path,
    engine_directory,
    find_engine,
    write_engine,
)
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.runtimes.torch_runtime import DTYPES, MAX_SESSIONS, torch_device

logger = logging.getLogger(__name__)


class TensorRtRuntime:
    """A generator under Torch-TensorRT.

    Args:
        generator: is not changed.
        device: ``auto``, ``cuda`` or ``cuda:N``.
        precision: ``fp16`` or ``fp32``.
        engine_dir: where engines are looked for and built; ``engine_cache.engine_directory()`` if None.
        build_if_missing: build an engine, for minutes, where none fits. Not while cameras run.

    Raises:
        ValueError: a precision that is none.
        RuntimeUnavailableError: no CUDA device, no torch-tensorrt, one that does not load, or a precision
            that this version cannot build.
    """

    name = "tensorrt"
    any_size = False

    def __init__(
        self,
        generator: Generator,
        device: str = "auto",
        *,
        precision: str = "fp16",
        engine_dir: Path | None = None,
        build_if_missing: bool = False,
    ) -> None:
        if precision in ("fp8", "int8", "bf16"):
            raise RuntimeUnavailableError(
                f"runtime 'tensorrt' does not compute in {precision} here; use fp16, or `restoregan export` for int8"
            )
        if precision not in ("fp16", "fp32"):
            raise ValueError(f"no precision {precision!r}; there are: fp16, fp32")
        if not torch.cuda.is_available():
            raise RuntimeUnavailableError(
                f"runtime 'tensorrt' needs a CUDA device; PyTorch {torch.__version__} sees none"
            )
        if device == "cpu":
            raise RuntimeUnavailableError("runtime 'tensorrt' runs on a CUDA device, not on device 'cpu'")
        self.device = torch_device(device)
        self._torch_tensorrt = _import_torch_tensorrt()
        self._generator = deepcopy(generator).eval()
        self.precision = precision
        self.engine_dir = engine_dir or engine_directory()
        self.build_if_missing = build_if_missing
        self._channels = generator.config.input_channels
        self._weights = weights_digest(weights_of(generator), generator.config.to_dict())
        self._sessions: dict[tuple[int, int], CudaSession] = {}

    def key(self, height: int, width: int) -> EngineKey:
        """What an engine for this size must have been built from and for."""
        return {
            "runtime": self.name,
            "weights": self._weights,
            "shape": f"1x{height}x{width}x{self._channels}",
            "precision": self.precision,
            "gpu": torch.cuda.get_device_name(self.device),
            "compute_capability": ".".join(map(str, torch.cuda.get_device_capability(self.device))),
            "driver": _driver_version(),
            "torch": str(torch.__version__),
            "torch_tensorrt": str(self._torch_tensorrt.__version__),
            "tensorrt": _tensorrt_version(),
            "graph": "1",  # to be raised whenever FrameNetwork or Generator computes something else
        }

    def build(self, height: int, width: int) -> Path:
        """Compile for one frame size in pixels, which takes minutes, and write engine and manifest.

        Raises:
            RuntimeUnavailableError: TensorRT refuses the network.
        """
        key = self.key(height, width)
        path = default_path(key, self.engine_dir)
        self.engine_dir.mkdir(parents=True, exist_ok=True)
        generator = deepcopy(self._generator).to(self.device, DTYPES[self.precision])
        network = FrameNetwork(generator).requires_grad_(False).eval()
        example = torch.zeros(1, height, width, self._channels, dtype=torch.uint8, device=self.device)
        try:
            program = torch.export.export(network, (example,))
            compiled = self._torch_tensorrt.dynamo.compile(
                program,
                arg_inputs=[example],
                require_full_compilation=True,
                min_block_size=1,
                timing_cache_path=str(self.engine_dir / "tensorrt-timing.cache"),
            )
            write_engine(
                path,
                key,
                lambda temporary: self._torch_tensorrt.save(
                    compiled,
                    str(temporary),
                    output_format="exported_program",
                    arg_inputs=[example],
                    retrace=True,
                ),
            )
        except Exception as error:  # the compiler's errors share no base class
            raise RuntimeUnavailableError(
                f"TensorRT cannot build {key['shape']}: {_first_line(error)}"
            ) from error
        return path

    def load(self, height: int, width: int) -> None:
        if (height, width) in self._sessions:
            return
        key = self.key(height, width)
        try:
            path = find_engine(self.engine_dir, key)
        except EngineError as error:
            if not self.build_if_missing:
                raise RuntimeUnavailableError(
                    f"{error}; build it: restoregan build-engine --size {height}x{width}"
                ) from error
            logger.warning("%s; building one, which takes minutes", error)
            path = self.build(height, width)
        try:
            network = self._torch_tensorrt.load(str(path)).module()
            session = CudaSession(network, (1, height, width, self._channels), self.device)
        except Exception as error:  # as above
            raise RuntimeUnavailableError(f"engine {path} does not load: {_first_line(error)}") from error
        if len(self._sessions) >= MAX_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        self._sessions[height, width] = session

    def run(
        self, frames_BHWC: npt.NDArray[np.uint8], older_BHWC: Sequence[npt.NDArray[np.uint8]] = ()
    ) -> tuple[npt.NDArray[np.uint8], float]:
        frames_BHWC = merged(frames_BHWC, older_BHWC)
        height, width = frames_BHWC.shape[1:3]
        self.load(height, width)
        session = self._sessions[height, width]
        if len(frames_BHWC) == 1:
            return session.run(frames_BHWC)
        # Engines are of batch one: a batch is a loop, and each turn overwrites the session's buffer.
        restored_BHWC = np.empty((*frames_BHWC.shape[:3], 3), np.uint8)
        means = np.empty(len(frames_BHWC))
        for i, frames_HWC in enumerate(frames_BHWC):
            restored, means[i] = session.run(frames_HWC[np.newaxis])
            restored_BHWC[i] = restored[0]
        return restored_BHWC, float(means.mean())

    def describe(self) -> str:
        return (
            f"tensorrt {_tensorrt_version()} (torch-tensorrt {self._torch_tensorrt.__version__}) on "
            f"{torch.cuda.get_device_name(self.device)} ({self.precision})"
        )

    def close(self) -> None:
        self._sessions.clear()


def _import_torch_tensorrt() -> Any:
    noise = io.StringIO()
    try:
        # Without its libraries it prints pages before it raises.
        with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
            import torch_tensorrt
    except ModuleNotFoundError as error:
        raise RuntimeUnavailableError(
            "torch-tensorrt is not installed (pip install torch-tensorrt, from NVIDIA's own index)"
            if error.name == "torch_tensorrt"
            else f"torch-tensorrt is installed but {error.name} is not"
        ) from error
    except Exception as error:
        # It raises Exception, AssertionError, OSError or AttributeError, never ImportError.
        raise RuntimeUnavailableError(
            f"torch-tensorrt is installed but does not load: {_first_line(error)}"
        ) from error
    return torch_tensorrt


def _tensorrt_version() -> str:
    import tensorrt

    return str(tensorrt.__version__)


def _driver_version() -> str:
    try:
        return Path("/sys/module/nvidia/version").read_text().strip()
    except OSError:  # Jetson's driver has no such file; its version is the system image's
        return "unknown"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
