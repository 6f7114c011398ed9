# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on a CPU: the default there, several times faster than eager PyTorch where the CPU has AMX."""

from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.openvino_graph import RUNTIME, CpuGraph, import_openvino
from restoregan_core.runtimes.protocol import RuntimeUnavailableError

_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


class OpenVinoRuntime:
    """A generator under OpenVINO, compiled for each size of frame, so that all cameras of one size share it.

    Args:
        generator: is not changed.
        device: ``auto`` or ``cpu``.
        precision: ``auto`` leaves it to OpenVINO: bf16 where the CPU has instructions for it, else fp32.
        threads: at most so many; all cores if None.
        engine_dir: where the converted network is kept; ``engine_cache.engine_directory()`` if None.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed or does not load, or the device is not a CPU.
    """

    name = RUNTIME

    def __init__(
        self,
        generator: Generator,
        device: str = "auto",
        *,
        precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto",
        threads: int | None = None,
        engine_dir: Path | None = None,
    ) -> None:
        if device not in ("auto", "cpu"):
            raise RuntimeUnavailableError(
                f"runtime 'openvino' runs on the CPU here, not on device {device!r}"
            )
        self._version = import_openvino().__version__.split("-")[0]
        self._multiple = generator.config.size_multiple
        settings: dict[str, Any] = {}
        if precision != "auto":
            settings["INFERENCE_PRECISION_HINT"] = _HINTS[precision]
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        network = FrameNetwork(deepcopy(generator).eval().cpu().float(), pads=False).requires_grad_(False)
        traced = 8 * network.size_multiple, generator.config.input_channels
        # The graph's number is to be raised whenever FrameNetwork or Generator computes something else.
        self._graph = CpuGraph(
            network, traced, "generator 2", generator.config.to_dict(), settings, engine_dir
        )
        self.precision: str = self._graph.precision

    def load(self, height: int, width: int) -> None:
        self._graph.load(height + -height % self._multiple, width + -width % self._multiple)

    def run(self, frames_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        height, width = frames_BHWC.shape[1:3]
        bottom, right = -height % self._multiple, -width % self._multiple
        if bottom or right:  # outside the graph: inside, it would cost a copy at every size
            frames_BHWC = np.pad(frames_BHWC, ((0, 0), (0, bottom), (0, right), (0, 0)), mode="edge")
        restored_BHWC, mean_residual = self._graph.run(frames_BHWC)
        return restored_BHWC[:, :height, :width], float(mean_residual)

    def describe(self) -> str:
        return f"openvino {self._version} on CPU ({self.precision})"

    def close(self) -> None:
        self._graph.close()
