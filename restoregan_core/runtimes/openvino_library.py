# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, imported in the one place that knows how."""

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from restoregan_core.runtimes.protocol import RuntimeUnavailableError

_TELEMETRY = "openvino_telemetry"
_CONVERTER = "openvino.tools.ovc"
"""OpenVINO does without either where it is not installed."""


def import_openvino() -> Any:
    """The library, without its telemetry, and with its converter loaded when that is first called.

    Telemetry reports each conversion to its maker, and forks the process to do so: from a process with threads the fork
    may hang, outlive a SIGTERM that is handled here, and keep the process from ending. The converter takes twice as
    long to import as all the rest, and only a network that is not in the cache yet needs it.

    Raises:
        RuntimeUnavailableError: it is not installed or does not load.
    """
    try:
        with _not_installed(_TELEMETRY, _CONVERTER):
            import openvino
    except ModuleNotFoundError as error:
        raise RuntimeUnavailableError("OpenVINO is not installed (pip install openvino)") from error
    except Exception as error:  # a broken installation raises what it likes
        raise RuntimeUnavailableError(f"OpenVINO is installed but does not load: {error}") from error
    if not hasattr(openvino, "convert_model"):
        openvino.convert_model = _convert_model
    return openvino


@functools.cache
def core() -> Any:
    """The process's one Core, never freed.

    OpenVINO's CPU plugin gives the thread that loads it another stack for signal handlers and unmaps it when
    the plugin goes, perhaps in another thread: the first signal after that, a child's exit say, would end the
    process with a segmentation fault.
    """
    return import_openvino().Core()


def _convert_model(*args: Any, **options: Any) -> Any:
    """``openvino.convert_model``, in whose place it stands until it is first called."""
    import openvino

    with _not_installed(_TELEMETRY):
        from openvino.tools.ovc import convert_model
    openvino.convert_model = convert_model
    return convert_model(*args, **options)


@contextmanager
def _not_installed(*names: str) -> Iterator[None]:
    """Importing these fails meanwhile, but for those that are loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None says so
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
