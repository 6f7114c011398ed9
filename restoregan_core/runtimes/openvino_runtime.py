# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on a CPU: the default there, several times faster than eager PyTorch where the CPU has AMX."""

import functools
import logging
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from restoregan_core.models.generator import Generator
from restoregan_core.runtimes.engine_cache import (
    EngineError,
    default_path,
    engine_directory,
    keep_newest,
    verify_engine,
    weights_digest,
    write_engine,
)
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.protocol import RuntimeUnavailableError

logger = logging.getLogger(__name__)

KEPT_ENGINES = 32
_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


class OpenVinoRuntime:
    """A generator under OpenVINO, compiled once for frames of any size, so that all cameras share it.

    The compiled network is kept in ``engine_dir``: the second start skips conversion and compilation. A
    damaged file, or one of another network, is compiled again, which takes a second or two.

    Args:
        generator: is not changed.
        device: ``auto`` or ``cpu``.
        precision: ``auto`` leaves it to OpenVINO: bf16 where the CPU has instructions for it, else fp32.
        threads: at most so many; all cores if None.
        engine_dir: ``engine_cache.engine_directory()`` if None.

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
        engine_dir: Path | None = None,
    ) -> None:
        if device not in ("auto", "cpu"):
            raise RuntimeUnavailableError(
                f"runtime 'openvino' runs on the CPU here, not on device {device!r}"
            )
        self._version = _import_openvino().__version__.split("-")[0]
        self._multiple = generator.config.size_multiple
        channels = generator.config.input_channels
        settings: dict[str, Any] = {}
        if precision != "auto":
            settings["INFERENCE_PRECISION_HINT"] = _HINTS[precision]
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        network = FrameNetwork(deepcopy(generator).eval().cpu().float(), pads=False).requires_grad_(False)
        # The graph's number is to be raised whenever FrameNetwork or Generator computes something else.
        compiled = _load_or_compile(
            network,
            (8 * network.size_multiple, channels),
            "generator 1",
            generator.config.to_dict(),
            settings,
            engine_dir,
        )
        self.precision: str = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self._request: Any = compiled.create_infer_request()

    def load(self, height: int, width: int) -> None:
        """Nothing to do: one graph serves every size."""

    def run(self, frames_BHWC: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], float]:
        height, width = frames_BHWC.shape[1:3]
        bottom, right = -height % self._multiple, -width % self._multiple
        if bottom or right:  # outside the graph: inside, it would cost a copy at every size
            frames_BHWC = np.pad(frames_BHWC, ((0, 0), (0, bottom), (0, right), (0, 0)), mode="edge")
        contiguous = np.ascontiguousarray(frames_BHWC)
        outputs = self._request.infer(contiguous, share_inputs=True, share_outputs=True)
        restored_BHWC, mean_residual = outputs.values()
        return restored_BHWC[:, :height, :width], float(mean_residual)

    def describe(self) -> str:
        return f"openvino {self._version} on CPU ({self.precision})"

    def close(self) -> None:
        self._request = None


def compile_on_cpu(
    network: nn.Module, side: int, graph: str, config: dict[str, Any], engine_dir: Path | None = None
) -> Callable[[npt.NDArray[np.uint8]], list[npt.NDArray[np.float32]]]:
    """A network that takes uint8 (1, H, W, 3) of the sizes it can, compiled once and kept in ``engine_dir``.

    Args:
        side: of the frame it is traced with.
        graph: names the kind of network and the version of what it computes.
        config: its shape.

    Raises:
        RuntimeUnavailableError: OpenVINO is not installed or does not load.
    """
    request = _load_or_compile(network, (side, 3), graph, config, {}, engine_dir).create_infer_request()

    def run(rgb_BHWC: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        return list(request.infer(rgb_BHWC, share_inputs=True, share_outputs=True).values())

    return run


def _load_or_compile(
    network: nn.Module,
    traced: tuple[int, int],
    graph: str,
    config: dict[str, Any],
    settings: dict[str, Any],
    engine_dir: Path | None,
) -> Any:
    ov, core, directory = _import_openvino(), _core(), engine_dir or engine_directory()
    settings = {"PERFORMANCE_HINT": "LATENCY", **settings}
    key = {
        "runtime": OpenVinoRuntime.name,
        "weights": weights_digest(network, config),
        "version": str(ov.__version__),
        "device": f"{core.get_property('CPU', 'FULL_DEVICE_NAME')} "
        f"{sorted(core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES'))}",
        "settings": str(sorted(settings.items())),
        "graph": graph,
    }
    path = default_path(key, directory)
    if path.exists():
        try:
            verify_engine(path, key)
            return core.import_model(path.read_bytes(), "CPU", settings)
        except (EngineError, RuntimeError) as error:
            logger.warning("compiling for OpenVINO again: %s", str(error).splitlines()[0])
    compiled = core.compile_model(_convert(ov, network, *traced), "CPU", settings)
    try:
        write_engine(path, key, lambda temporary: _export(compiled, temporary))
        keep_newest(directory, OpenVinoRuntime.name, KEPT_ENGINES)
    except (OSError, RuntimeError) as error:
        logger.warning("the network compiled for OpenVINO is not kept: %s", error)
    return compiled


def _convert(ov: Any, network: nn.Module, side: int, channels: int) -> Any:
    """A graph for uint8 frames (B, H, W, ``channels``) of any size, traced at ``side``."""
    example = torch.zeros(1, side, side, channels, dtype=torch.uint8)
    with torch.no_grad():
        model = ov.convert_model(network, example_input=example)
    model.reshape([-1, -1, -1, channels])
    return model


def _export(compiled: Any, path: Path) -> None:
    path.write_bytes(compiled.export_model().getvalue())


@functools.cache
def _core() -> Any:
    """The process's one Core, never freed.

    OpenVINO's CPU plugin gives the thread that loads it another stack for signal handlers and unmaps it when
    the plugin goes, perhaps in another thread: the first signal after that, a child's exit say, would end the
    process with a segmentation fault.
    """
    return _import_openvino().Core()


def _import_openvino() -> Any:
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise RuntimeUnavailableError("OpenVINO is not installed (pip install openvino)") from error
    except Exception as error:  # a broken installation raises what it likes
        raise RuntimeUnavailableError(f"OpenVINO is installed but does not load: {error}") from error
    return openvino
