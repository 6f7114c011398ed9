# SPDX-License-Identifier: Apache-2.0
"""PyTorch itself, eager or by Inductor: the reference that the other runtimes are held to."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.images.planes import merged
from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.cuda_session import CudaSession
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.protocol import RuntimeUnavailableError

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
MAX_SESSIONS = 8
"""Frame sizes whose buffers and CUDA graph are kept; the one unused for longest goes first."""


class TorchRuntime:
    """A generator under PyTorch, for frames of any size; on CUDA with one CUDA graph a size.

    Args:
        generator: is copied, not changed.
        device: ``auto`` (CUDA if there is a device), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` is fp16 on CUDA and fp32 on a CPU, where half precision pays only with AMX.
        threads: most that torch, the whole process's, computes on where the device is a CPU; 0 leaves it as it is.
        inductor: compile by TorchInductor: tens of seconds at the first frame of each size.

    Raises:
        ValueError: no such device.
        RuntimeUnavailableError: CUDA was asked for and there is none; or another precision, which PyTorch has no
            convolutions for.
    """

    name = "torch"
    any_size = True

    def __init__(
        self,
        generator: Generator,
        device: str = "auto",
        *,
        precision: str = "auto",
        threads: int = 0,
        inductor: bool = False,
    ) -> None:
        self.device = torch_device(device)
        if threads:
            torch.set_num_threads(threads)
        if precision == "auto":
            precision = "fp16" if self.device.type == "cuda" else "fp32"
        if precision not in DTYPES:
            raise RuntimeUnavailableError(
                f"runtime 'torch' does not compute in {precision}; OpenVINO on a CPU may"
            )
        self.precision = precision
        self.inductor = inductor
        copy = deepcopy(generator).eval().to(self.device, DTYPES[precision])
        copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network: torch.nn.Module = FrameNetwork(copy).requires_grad_(False)
        if inductor:
            self._network.compile(dynamic=False)
        self._channels = generator.config.input_channels
        self._sessions: dict[tuple[int, ...], CudaSession] = {}

    def load(self, height: int, width: int) -> None:
        if self.device.type == "cuda":
            self._session((1, height, width, self._channels))

    def run(
        self, frames_BHWC: npt.NDArray[np.uint8], older_BHWC: Sequence[npt.NDArray[np.uint8]] = ()
    ) -> tuple[npt.NDArray[np.uint8], float]:
        frames_BHWC = merged(frames_BHWC, older_BHWC)
        if self.device.type == "cuda":
            return self._session(frames_BHWC.shape).run(frames_BHWC)
        with torch.inference_mode():
            restored_BHWC, mean_residual = self._network(
                torch.from_numpy(np.require(frames_BHWC, requirements=["C", "W"]))
            )
            return restored_BHWC.numpy(), float(mean_residual)

    def describe(self) -> str:
        where = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        return (
            f"torch {torch.__version__} on {where} ({self.precision}{', inductor' if self.inductor else ''})"
        )

    def close(self) -> None:
        self._sessions.clear()
        self._network = torch.nn.Identity()

    def _session(self, shape_BHWC: tuple[int, ...]) -> CudaSession:
        session = self._sessions.pop(shape_BHWC, None) or CudaSession(self._network, shape_BHWC, self.device)
        self._sessions[shape_BHWC] = session  # the latest is last
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        return session


def torch_device(device: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as torch knows it.

    Raises:
        ValueError: none of these.
        RuntimeUnavailableError: a CUDA device that is not there.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if count else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    number = device.removeprefix("cuda").removeprefix(":") or "0"
    if not device.startswith("cuda") or not number.isdecimal():
        raise ValueError(f"no device {device!r}; write auto, cpu, cuda or cuda:N")
    if int(number) >= count:
        raise RuntimeUnavailableError(
            f"device {device!r}: PyTorch {torch.__version__} sees {count} CUDA devices"
        )
    return torch.device("cuda", int(number))
