# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on a CPU: the default there, several times faster than eager PyTorch where the CPU has AMX."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.environment import processor_flags
from restoregan_core.images.planes import from_planes, to_planes
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.runtimes.openvino_engines import PRECISION_HINT, RUNTIME
from restoregan_core.runtimes.openvino_graph import CpuGraph
from restoregan_core.runtimes.openvino_library import import_openvino
from restoregan_core.runtimes.protocol import RuntimeUnavailableError

if TYPE_CHECKING:
    from torch import nn

    from restoregan_core.models.generator import Generator

_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
_INT8_INSTRUCTIONS = {"avx512_vnni", "avx_vnni", "amx_int8"}
"""Of a CPU on which convolutions on integers are faster than all others."""


class OpenVinoRuntime:
    """A generator under OpenVINO, compiled for each size of frame, so that all cameras of one size share it.

    Args:
        generator: is not changed. One that is not made yet is made only where no converted network is kept.
        device: ``auto`` or ``cpu``.
        precision: ``auto`` is int8 where the network has scales for it and the CPU the instructions; otherwise, as for
            what is beside the integers, it is left to OpenVINO: bf16 where the CPU has it, else fp32.
        threads: see ``CpuGraph``.
        engine_dir: where the converted network is kept; ``engine_cache.engine_directory()`` if None.
        int8: the generator with convolutions on integers, if there is one.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed or does not load, the device is not a CPU, or int8 was asked
            for and the network was not quantized.
    """

    name = RUNTIME
    any_size = True

    def __init__(
        self,
        generator: "Generator | LazyNetwork[Generator, GeneratorConfig]",
        device: str = "auto",
        *,
        precision: str = "auto",
        threads: int = 0,
        engine_dir: Path | None = None,
        int8: "LazyNetwork[Generator, GeneratorConfig] | None" = None,
    ) -> None:
        if device not in ("auto", "cpu"):
            raise RuntimeUnavailableError(
                f"runtime 'openvino' runs on the CPU here, not on device {device!r}"
            )
        self._version = import_openvino().__version__.split("-")[0]
        lazy: LazyNetwork[Generator, GeneratorConfig]
        lazy = generator if isinstance(generator, LazyNetwork) else LazyNetwork.of(generator)
        is_int8 = precision == "int8" or (precision == "auto" and int8 is not None and has_int8())
        if is_int8:
            if int8 is None:
                raise RuntimeUnavailableError(
                    "the network was not quantized: `restoregan quantize` writes a file that is"
                )
            lazy = int8
        self._multiple, self._block = lazy.config.size_multiple, lazy.config.pixel_unshuffle
        settings: dict[str, Any] = {}
        if precision in _HINTS:
            settings[PRECISION_HINT] = _HINTS[precision]
        side = 8 * self._multiple // self._block
        traced = 1, lazy.config.input_channels * self._block**2, side, side
        # The graph's number is to be raised whenever PlanesNetwork or Generator computes something else.
        self._graph = CpuGraph(
            functools.partial(_network_on_planes, lazy),
            lazy.digest(),
            traced,
            (0, 2, 3),
            "generator 5",
            settings,
            engine_dir,
            threads,
        )
        self._channels = traced[1]
        self.precision: str = f"int8 beside {self._graph.precision}" if is_int8 else self._graph.precision

    def load(self, height: int, width: int) -> None:
        sides = (side + -side % self._multiple for side in (height, width))
        self._graph.load((1, self._channels, *(side // self._block for side in sides)))

    def run(
        self, frames_BHWC: npt.NDArray[np.uint8], older_BHWC: Sequence[npt.NDArray[np.uint8]] = ()
    ) -> tuple[npt.NDArray[np.uint8], float]:
        height, width = frames_BHWC.shape[1:3]
        images = [self._padded(images_BHWC) for images_BHWC in (frames_BHWC, *older_BHWC)]
        restored_BCHW, mean_residual = self._graph.run(to_planes(images[0], self._block, *images[1:]))
        restored_BHWC = from_planes(restored_BCHW, self._block)
        return restored_BHWC[:, :height, :width], float(mean_residual)

    def _padded(self, images_BHWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Outside the graph: inside, it would cost a copy at every size."""
        bottom, right = (-side % self._multiple for side in images_BHWC.shape[1:3])
        if not bottom and not right:
            return images_BHWC
        edge = 0, bottom, 0, right, cv2.BORDER_REPLICATE
        return np.stack([cv2.copyMakeBorder(image_HWC, *edge) for image_HWC in images_BHWC])

    def describe(self) -> str:
        return f"openvino {self._version} on CPU ({self.precision})"

    def close(self) -> None:
        self._graph.close()


def has_int8() -> bool:
    """Whether this CPU computes on 8-bit integers faster than on anything else."""
    return bool(_INT8_INSTRUCTIONS & processor_flags())


def _network_on_planes(lazy: "LazyNetwork[Generator, GeneratorConfig]") -> "nn.Module":
    from restoregan_core.runtimes.planes_network import PlanesNetwork

    return PlanesNetwork(lazy.network)
