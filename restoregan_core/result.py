# SPDX-License-Identifier: Apache-2.0
"""What became of one frame. No torch is needed to say it."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.images.rgb import RgbImage


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

    image: RgbImage
    """(height, width, 3) RGB, not to be written to; the source array itself unless ``action`` is RESTORED."""
    assessment: Assessment
    """Assessment of the source; NaN and empty grids where it was not assessed."""
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
    """Assessment of ``image``; equal to ``assessment`` where nothing was changed."""
    assessment_ms: float = float("nan")
    restoration_ms: float = float("nan")


def report_fields(
    result: RestorationResult | None,
    *,
    action: Action,
    reason: Reason,
    model: str,
    latency_ms: float,
    superseded: int,
) -> dict[str, Any]:
    """Every field of RestorationReport.msg but the header: what the node publishes and what a replay writes.

    Args:
        result: of the pipeline; None for a frame that it did not get. Probabilities and times are NaN then, and the
            grids empty.
        action, reason: what was published and why; the node may have reasons that the pipeline does not know.
        model: name and digest of the network, as ``RestorationPipeline.model``.
        latency_ms: from receipt to publication.
        superseded: frames of the camera that newer ones replaced unseen, since activation; wraps at 2**32.

    Returns:
        Field -> int, float, str, or a flat float32 array for grids.
    """
    if result is None:
        result = RestorationResult(np.zeros((0, 0, 3), np.uint8), Assessment.not_assessed())
    before, after = result.assessment, result.residual
    rows, columns = before.blur_grid.shape
    return {
        "blur_probability": float(before.blur_probability),
        "rain_probability": float(before.rain_probability),
        "lens_drop_probability": float(before.lens_drop_probability),
        "residual_blur_probability": float(after.blur_probability),
        "residual_rain_probability": float(after.rain_probability),
        "tile_size_px": before.tile_size_px,
        "grid_rows": rows,
        "grid_columns": columns,
        "blur_grid": before.blur_grid.ravel(),
        "rain_grid": before.rain_grid.ravel(),
        "restored_grid": result.restored_grid.ravel(),
        "action": int(action),
        "reason": int(reason),
        "assessment_ms": float(result.assessment_ms),
        "restoration_ms": float(result.restoration_ms),
        "latency_ms": float(latency_ms),
        "frames_superseded": superseded & 0xFFFFFFFF,
        "model": model,
    }
