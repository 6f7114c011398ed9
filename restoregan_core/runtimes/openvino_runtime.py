"""OpenVINO on a CPU: the default there, several times faster than eager PyTorch where the CPU has AMX."""

from copy import deepcopy
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.frame_network import FrameNetwork
from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.protocol import RuntimeUnavailableError

_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


class OpenVinoRuntime:
    """A generator under OpenVINO, compiled once for frames of any size.

    Args:
        generator: is not changed.
        device: ``auto`` or ``cpu``.
        precision: ``auto`` leaves it to OpenVINO: bf16 where the CPU has instructions for it, else fp32.
        threads: at most so many; all cores if None.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed or does not load, or the device is not a CPU.
    """

    name = "openvino"

    def __init__(
        self,
        generator: Generator,
        device: str = "auto",
        *,
        precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto",
        threads: int | None = None,
    ) -> None:
        if device not in ("auto", "cpu"):
            raise RuntimeUnavailableError(f"runtime 'openvino' runs on the CPU, not on {device!r}")
        ov = _import_openvino()
        network = FrameNetwork(deepcopy(generator).eval().cpu().float()).requires_grad_(False)
        side = 8 * network.size_multiple
        with torch.no_grad():
            model = ov.convert_model(network, example_input=torch.zeros(1, side, side, 3, dtype=torch.uint8))
        model.reshape([-1, -1, -1, 3])
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if precision != "auto":
            settings["INFERENCE_PRECISION_HINT"] = _HINTS[precision]
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        compiled = ov.Core().compile_model(model, "CPU", settings)
        self.precision: str = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self._request: Any = compiled.create_infer_request()
        self._version = ov.__version__.split("-")[0]

    def warm_up(self, height: int, width: int) -> None:
        self.run(np.zeros((1, height, width, 3), np.uint8))

    def run(self, rgb_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        restored_BHWC, mean_residual = self._request.infer(
            rgb_BHWC, share_inputs=True, share_outputs=True
        ).values()
        return restored_BHWC, float(mean_residual)

    def describe(self) -> str:
        return f"openvino {self._version} on CPU ({self.precision})"

    def close(self) -> None:
        self._request = None


def _import_openvino() -> Any:
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise RuntimeUnavailableError("OpenVINO is not installed (pip install openvino)") from error
    except Exception as error:  # a broken installation raises what it likes
        raise RuntimeUnavailableError(f"OpenVINO is installed but does not load: {error}") from error
    return openvino
