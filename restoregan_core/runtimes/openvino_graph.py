# SPDX-License-Identifier: Apache-2.0
"""A network under OpenVINO, compiled for each shape of array that comes.

A graph compiled for one size of frame runs in two thirds of the time of one that serves every size: only then does
OpenVINO fuse the steps between the convolutions. It takes about a third of a second, once a size, and a tenth of one
where an earlier process kept what it had compiled.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from restoregan_core.runtimes.openvino_engines import PRECISION_HINT, KeptNetwork
from restoregan_core.runtimes.openvino_library import core

if TYPE_CHECKING:
    from torch import nn

MOST_SHAPES = 8
"""So many shapes get a graph of their own; those that come later share one, which bounds the memory."""


class CpuGraph:
    """A network on OpenVINO's CPU plugin: one uint8 array in, its outputs out.

    What OpenVINO made of it is kept in ``engine_dir``: the second start need neither convert nor compile it. What is
    damaged there, or of another network or CPU, is made again. A conversion takes some seconds: in another process,
    where this one has not imported torch anyway.

    Args:
        make_network: called where it is to be converted, perhaps in another process, to which it is sent by pickle;
            gives it in eval mode, on the CPU, in float32.
        weights: their digest.
        traced: shape of the array that it is traced with.
        free: the axes in which other arrays may differ from it.
        graph: names the kind of network and the version of what it computes.
        settings: of OpenVINO's ``compile_model``.
        threads: most that it computes on; 0: as many as the CPU has cores. They sleep between frames, and what comes
            out does not depend on their number.

    Attributes:
        precision: that OpenVINO computes in, such as ``bf16``.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed or does not load.
    """

    def __init__(
        self,
        make_network: "Callable[[], nn.Module]",
        weights: str,
        traced: tuple[int, ...],
        free: tuple[int, ...],
        graph: str,
        settings: dict[str, Any],
        engine_dir: Path | None = None,
        threads: int = 0,
    ) -> None:
        self._settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, **settings}
        self._any_shape = tuple(-1 if axis in free else side for axis, side in enumerate(traced))
        self._network = KeptNetwork(make_network, weights, traced, graph, engine_dir)
        self.precision = str(
            settings.get(PRECISION_HINT) or core().get_property("CPU", PRECISION_HINT).to_string()
        )
        self._requests: dict[tuple[int, ...], Any] = {}
        """By the input's shape; with -1 in it, for every one."""

    def load(self, shape: tuple[int, ...]) -> None:
        """Compile for this shape, if that was not done and not too many are there."""
        self._request_for(shape)

    def run(self, array: npt.NDArray[np.uint8]) -> list[npt.NDArray[Any]]:
        """The network's outputs, valid until the next call with this shape."""
        request = self._request_for(array.shape)
        contiguous = np.ascontiguousarray(array)
        return list(request.infer(contiguous, share_inputs=True, share_outputs=True).values())

    def close(self) -> None:
        """Free what was compiled."""
        self._requests.clear()

    def _request_for(self, shape: tuple[int, ...]) -> Any:
        if shape not in self._requests and len(self._requests) >= MOST_SHAPES:
            shape = self._any_shape
        if shape not in self._requests:
            self._requests[shape] = self._network.compiled(shape, self._settings).create_infer_request()
        return self._requests[shape]
