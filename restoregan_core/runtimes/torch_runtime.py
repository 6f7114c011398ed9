"""PyTorch itself, eager or by Inductor with CUDA graphs: the reference that the others are held to."""

from copy import deepcopy
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.frame_network import FrameNetwork
from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.protocol import RuntimeUnavailableError

Precision = Literal["fp32", "fp16", "bf16"]
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class TorchRuntime:
    """A generator under PyTorch.

    Args:
        generator: is copied, not changed.
        device: ``auto`` (CUDA if there is a device), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` is fp16 on CUDA and fp32 on a CPU, where half precision pays only with AMX.
        compile_graph: compile by Inductor, with CUDA graphs; tens of seconds at the first frame of each size.

    Raises:
        RuntimeUnavailableError: CUDA was asked for and there is none.
    """

    name = "torch"

    def __init__(
        self,
        generator: Generator,
        device: str = "auto",
        *,
        precision: Literal["auto"] | Precision = "auto",
        compile_graph: bool = False,
    ) -> None:
        has_cuda = torch.cuda.is_available()
        if device.startswith("cuda") and not has_cuda:
            raise RuntimeUnavailableError(
                f"device {device!r}: PyTorch {torch.__version__} sees no CUDA device"
            )
        self.device = torch.device(("cuda" if has_cuda else "cpu") if device == "auto" else device)
        if precision == "auto":
            precision = "fp16" if self.device.type == "cuda" else "fp32"
        self.precision: Precision = precision
        self.compiled = compile_graph
        copy = deepcopy(generator).eval().to(self.device, DTYPES[precision])
        copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network: torch.nn.Module = FrameNetwork(copy).requires_grad_(False)
        if compile_graph:
            # max-autotune brings CUDA graphs
            mode = "max-autotune" if self.device.type == "cuda" else "default"
            self._network.compile(mode=mode, dynamic=False)

    def warm_up(self, height: int, width: int) -> None:
        self.run(np.zeros((1, height, width, 3), np.uint8))

    def run(self, rgb_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        with torch.inference_mode():
            restored_BHWC, mean_residual = self._network(torch.from_numpy(rgb_BHWC).to(self.device))
            return restored_BHWC.cpu().numpy(), float(mean_residual)

    def describe(self) -> str:
        where = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        return (
            f"torch {torch.__version__} on {where} ({self.precision}{', inductor' if self.compiled else ''})"
        )

    def close(self) -> None:
        self._network = torch.nn.Identity()
