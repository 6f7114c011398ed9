# SPDX-License-Identifier: Apache-2.0
"""What OpenVINO made of a network, kept on disk: the converted network, and graphs that were compiled of it."""

import io
import json
import logging
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restoregan_core.environment import processor_flags
from restoregan_core.runtimes.engine_cache import (
    EngineError,
    EngineKey,
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
from restoregan_core.runtimes.openvino_library import core, import_openvino

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)

RUNTIME, COMPILED = "openvino", "compiled"
"""What converted networks and compiled graphs are called in keys and file names."""
KEPT_ENGINES = 32
"""So many of each stay on disk."""
PRECISION_HINT = "INFERENCE_PRECISION_HINT"


class KeptNetwork:
    """A network converted for OpenVINO, and compiled for one shape after the other.

    Both are kept in ``engine_dir``. The second start needs no conversion, and reads what the first one compiled in a
    third of the time; it reads the converted network for other shapes alone. What is damaged there, or of another
    network or CPU, is made again.

    Args:
        make_network, weights, traced, graph, engine_dir: as for ``openvino_graph.CpuGraph``.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed or does not load.
    """

    def __init__(
        self,
        make_network: "Callable[[], nn.Module]",
        weights: str,
        traced: tuple[int, ...],
        graph: str,
        engine_dir: Path | None,
    ) -> None:
        version = str(import_openvino().__version__)
        self._key: EngineKey = {"runtime": RUNTIME, "weights": weights, "version": version, "graph": graph}
        self._directory = engine_dir or engine_directory()
        self._path = default_path(self._key, self._directory)
        self._make_network, self._traced = make_network, traced
        self._model: Any = None if self._is_whole() else self._convert()
        """Read when it is first compiled."""

    def compiled(self, shape: tuple[int, ...], settings: dict[str, Any]) -> Any:
        """An ``openvino.CompiledModel``.

        Args:
            shape: of the network's input. A side of -1 may have any length; what is compiled for such is not kept.
            settings: of OpenVINO's ``compile_model``.
        """
        if -1 in shape:
            return self._compile(shape, settings)
        key = {**self._key, "runtime": COMPILED, "shape": "x".join(map(str, shape)), **_conditions(settings)}
        path = default_path(key, self._directory)
        if path.exists():
            try:
                verify_engine(path, key)
                return core().import_model(io.BytesIO(path.read_bytes()), "CPU", settings)
            except (EngineError, RuntimeError, OSError) as error:
                logger.warning("compiling for OpenVINO again: %s", str(error).splitlines()[0])
        compiled = self._compile(shape, settings)
        self._keep(path, key, lambda: compiled.export_model().getvalue())
        return compiled

    def _compile(self, shape: tuple[int, ...], settings: dict[str, Any]) -> Any:
        if self._model is None:
            self._model = self._read() if self._is_whole() else self._convert()
        self._model.reshape(list(shape))
        return core().compile_model(self._model, "CPU", settings)

    def _is_whole(self) -> bool:
        """Whether the converted network is there; the log is told if it is damaged."""
        if not self._path.exists():
            return False
        try:
            verify_engine(self._path, self._key)
        except (EngineError, OSError) as error:
            _tell(error)
            return False
        return True

    def _read(self) -> Any:
        try:
            return _model_of(self._path)
        except (RuntimeError, OSError, zipfile.BadZipFile, KeyError) as error:
            _tell(error)
            return self._convert()

    def _convert(self) -> Any:
        archive = _converted(self._make_network, self._traced)
        self._keep(self._path, self._key, lambda: archive)
        return _model_of(io.BytesIO(archive))

    def _keep(self, path: Path, key: EngineKey, made: Callable[[], bytes]) -> None:
        try:
            write_engine(path, key, lambda file: file.write_bytes(made()))
            keep_newest(self._directory, key["runtime"], KEPT_ENGINES)
        except (OSError, RuntimeError) as error:
            # To compile again costs the next start a third of a second, to convert again some seconds.
            level = logging.WARNING if key["runtime"] == RUNTIME else logging.INFO
            what = f"the network {'converted' if key['runtime'] == RUNTIME else 'compiled'} for OpenVINO"
            logger.log(level, "%s is not kept in %s: %s", what, self._directory, error)


def _tell(error: Exception) -> None:
    logger.warning("converting for OpenVINO again: %s", str(error).splitlines()[0])


def _conditions(settings: dict[str, Any]) -> dict[str, str]:
    """What a compiled graph depends on besides the network, as entries of its key."""
    device = core()
    precision = settings.get(PRECISION_HINT) or device.get_property("CPU", PRECISION_HINT).to_string()
    return {
        "settings": json.dumps(settings, sort_keys=True),
        "precision": str(precision),
        "cpu": device.get_property("CPU", "FULL_DEVICE_NAME"),
        "instructions": " ".join(sorted(processor_flags())),
        "limit": os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
    }


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


def _model_of(file: Path | io.BytesIO) -> Any:
    with zipfile.ZipFile(file) as archive:
        return core().read_model(archive.read("model.xml"), archive.read("model.bin"))
