# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, imported in the one place that knows how."""

import sys
from typing import Any

from restoregan_core.runtimes.protocol import RuntimeUnavailableError

_TELEMETRY = "openvino_telemetry"
"""OpenVINO does without it where it is not installed."""


def import_openvino() -> Any:
    """The library, without its telemetry.

    That reports each conversion to its maker, and forks the process to do so: from a process with threads the fork may
    hang, outlive a SIGTERM that is handled here, and keep the process from ending.

    Raises:
        RuntimeUnavailableError: it is not installed or does not load.
    """
    is_first = sys.modules.setdefault(_TELEMETRY, None) is None  # type: ignore[arg-type]  # "is not installed"
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise RuntimeUnavailableError("OpenVINO is not installed (pip install openvino)") from error
    except Exception as error:  # a broken installation raises what it likes
        raise RuntimeUnavailableError(f"OpenVINO is installed but does not load: {error}") from error
    finally:
        if is_first:
            sys.modules.pop(_TELEMETRY, None)
    return openvino
