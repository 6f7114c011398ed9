# SPDX-License-Identifier: Apache-2.0
"""When a drive was recorded: pauses of the recorder, time that was recorded, stamps that do not go on."""

from typing import Any

import numpy as np
import numpy.typing as npt

PAUSE_S = 5.0
PAUSE_STEPS = 20
"""No frame for so many usual steps, and for ``PAUSE_S``, is a pause."""


def pauses(times_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether the recording paused before each frame, bool (N,); times in ascending order."""
    steps_ns = np.diff(times_ns)
    usual_ns = np.median(steps_ns) if steps_ns.size else 0
    is_long = steps_ns > max(PAUSE_S * 1e9, PAUSE_STEPS * usual_ns)
    return np.concatenate([np.zeros(min(1, len(times_ns)), bool), is_long])


def recorded_s(times_ns: npt.NDArray[np.int64]) -> float:
    """Seconds from the first to the last frame, pauses left out; any order."""
    ordered = np.sort(times_ns)
    steps_ns = np.diff(ordered)
    return float(steps_ns[~pauses(ordered)[1:]].sum() / 1e9)


def stamp_lines(columns: dict[str, npt.NDArray[Any]]) -> list[str]:
    """One line for each camera whose stamps do not go on: go back, repeat or are zero.

    Args:
        columns: ``camera`` and ``stamp_ns``, in the order of recording.
    """
    lines = []
    for camera in dict.fromkeys(columns["camera"]):
        stamps = np.asarray(columns["stamp_ns"][columns["camera"] == camera], np.int64)
        zero = int((stamps == 0).sum())
        steps = np.diff(stamps[stamps != 0])
        found = {
            "go back": int((steps < 0).sum()),
            "repeat the one before": int((steps == 0).sum()),
            "are zero": zero,
        }
        said = ", ".join(f"{count} {what}" for what, count in found.items() if count)
        if said:
            lines.append(
                f"{camera}: of {len(stamps)} stamps {said}; where stamps jump, a network that sees the frames"
                " before starts over"
            )
    return lines
