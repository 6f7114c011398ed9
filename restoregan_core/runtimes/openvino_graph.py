# SPDX-License-Identifier: Apache-2.0
"""A network converted for OpenVINO, kept on disk, and compiled for each size of frame that comes.

A graph compiled for one size runs in two thirds of the time of one that serves every size: only then does OpenVINO
fuse the steps between the convolutions. It takes about a third of a second, once a size and process.
"""

import functools
import io
import logging
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from restoregan_core.runtimes.engine_cache import (
    EngineError,
    default_path,
    engine_directory,
    keep_newest,
    verify_engine,
    write_engine,
)
from restoregan_core.runtimes.openvino_conversion import (
    ConversionError,
    convert,
    convert_elsewhere,
    write_model,
)
from restoregan_core.runtimes.openvino_library import import_openvino

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)

RUNTIME = "openvino"
KEPT_ENGINES = 32
MOST_SHAPES = 8
"""So many shapes get a graph of their own; those that come later share one, which bounds the memory."""


class CpuGraph:
    """A network on OpenVINO's CPU plugin: one uint8 array in, its outputs out.

    The converted network is kept in ``engine_dir``: the second start needs no conversion. What is damaged there, or of
    another network, is converted again, which takes some seconds: in another process, where this one has not imported
    torch anyway.

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
        self._model = _load_or_convert(make_network, weights, traced, graph, engine_dir)
        hint = "INFERENCE_PRECISION_HINT"
        self.precision = str(settings.get(hint) or core().get_property("CPU", hint).to_string())
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
            self._model.reshape(list(shape))
            compiled = core().compile_model(self._model, "CPU", self._settings)
            self._requests[shape] = compiled.create_infer_request()
        return self._requests[shape]


@functools.cache
def core() -> Any:
    """The process's one Core, never freed.

    OpenVINO's CPU plugin gives the thread that loads it another stack for signal handlers and unmaps it when
    the plugin goes, perhaps in another thread: the first signal after that, a child's exit say, would end the
    process with a segmentation fault.
    """
    return import_openvino().Core()


def _load_or_convert(
    make_network: "Callable[[], nn.Module]",
    weights: str,
    traced: tuple[int, ...],
    graph: str,
    engine_dir: Path | None,
) -> Any:
    openvino, directory = import_openvino(), engine_dir or engine_directory()
    key = {
        "runtime": RUNTIME,
        "weights": weights,
        "version": str(openvino.__version__),
        "graph": graph,
    }
    path = default_path(key, directory)
    if path.exists():
        try:
            verify_engine(path, key)
            return _read(path)
        except (EngineError, RuntimeError, OSError, zipfile.BadZipFile, KeyError) as error:
            logger.warning("converting for OpenVINO again: %s", str(error).splitlines()[0])
    archive = _converted(make_network, traced)
    try:
        write_engine(path, key, lambda file: file.write_bytes(archive))
        keep_newest(directory, RUNTIME, KEPT_ENGINES)
    except (OSError, RuntimeError) as error:
        logger.warning("the network converted for OpenVINO is not kept in %s: %s", directory, error)
    return _read(io.BytesIO(archive))


def _converted(make_network: "Callable[[], nn.Module]", traced: tuple[int, ...]) -> bytes:
    """The converted network as a file holds it.

    Never the model itself: from free sides convolutions on integers give another image, or a wrong one
    (findings/free_channels_give_wrong_sums.sh), and a restart should not change what is seen.
    """
    if "torch" not in sys.modules:
        try:
            return convert_elsewhere(make_network, traced)
        except ConversionError as error:
            logger.warning("converting for OpenVINO here, where torch stays in memory: %s", error)
    model = convert(make_network(), traced)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network")
        write_model(model, file)
        return file.read_bytes()


def _read(file: Path | io.BytesIO) -> Any:
    with zipfile.ZipFile(file) as archive:
        return core().read_model(archive.read("model.xml"), archive.read("model.bin"))
