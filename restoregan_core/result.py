# SPDX-License-Identifier: Apache-2.0
"""What became of one frame. No torch is needed to say it."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment


class Action(IntEnum):
    """What was done with a frame; the values are those of RestorationReport.msg."""

    PASSED_THROUGH = 0
    RESTORED = 1
    FAILED_OPEN = 2


class Reason(IntEnum):
    """Why; the values are those of RestorationReport.msg."""

    NONE = 0
    DISABLED = 1
    MONITOR = 2
    DEADLINE = 3
    RUNTIME_FAULT = 4
    NON_FINITE = 5
    COLOUR_SHIFT = 6
    UNSUPPORTED_ENCODING = 7
    MALFORMED = 8
    CIRCUIT_OPEN = 9
    OVERLOAD = 10
    BRIGHTNESS_SHIFT = 11


@dataclass(frozen=True)
class RestorationResult:
    """What became of one frame."""

    image: npt.NDArray[np.uint8]
    """(height, width, 3) RGB, not to be written to; the source array itself unless ``action`` is RESTORED."""
    assessment: Assessment
    """Of the source; NaN and empty grids where it was not assessed."""
    action: Action = Action.PASSED_THROUGH
    reason: Reason = Reason.NONE
    detail: str = ""
    """One line for a log when something went wrong."""
    changed: npt.NDArray[np.bool_] | None = None
    """(height, width), true where the network's output was blended in; None if nowhere."""
    restored_grid: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(rows, columns) share of each tile that was changed; empty where it was not assessed."""
    is_wanted: bool = False
    """Whether the gate asked for restoration, granted or not."""
    residual: Assessment = field(default_factory=Assessment.not_assessed)
    """Of ``image``; equal to ``assessment`` where nothing was changed."""
    assessment_ms: float = float("nan")
    restoration_ms: float = float("nan")
