# SPDX-License-Identifier: Apache-2.0
"""Sums up a replay folder: report.json, clips of the worst segments, report.html."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from restoregan_core.environment import installed_versions, processor_name
from restoregan_core.files import write_text
from restoregan_core.replay.figures import summarise
from restoregan_core.replay.recording import stamp_lines
from restoregan_core.replay.schema import ReplayFacts, ReplayReport, Verdict
from restoregan_core.replay.segments import export_clips, worst_segments
from restoregan_core.replay.state import ReplayFolder, ReplayState
from restoregan_core.replay.streaks import measure_streaks
from restoregan_core.replay.table import Frames
from restoregan_core.replay.verdict import findings, headline
from restoregan_core.version import __version__

_LIBRARIES = ("numpy", "opencv-python-headless", "torch", "openvino", "onnxruntime", "rosbags", "pyarrow")


def summarise_replay(
    folder: ReplayFolder,
    state: ReplayState,
    deadline_ms: float,
    clips: int = 3,
    model_card: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Write report.json, as ``ReplayReport`` describes it, and the clips; return its content.

    Raises:
        ValueError: not a single frame was done.
    """
    if not state.frames_done:
        raise ValueError(
            f"no frame of {state.settings['bag']} was replayed: {state.stopped or 'none lies between start and end'}"
        )
    frames = Frames(folder.frames)
    summary = summarise(frames, deadline_ms, measure_streaks(folder, state.settings, frames))
    segments = worst_segments(frames, clips)
    report = ReplayReport(
        **vars(summary),
        replay=ReplayFacts(
            settings=state.settings,
            frames_done=state.frames_done,
            is_complete=state.is_complete,
            stopped=state.stopped,
            damage=state.damage,
            notes=[*state.notes, *stamp_lines(frames.columns("camera", "stamp_ns"))],
            wall_s=state.wall_s,
            model_card=model_card or {},
            environment=environment(),
        ),
        segments=segments,
        verdict=Verdict(headline=headline(summary), findings=list(findings(summary))),
    ).to_dict()
    write_json(report, folder.report_json)
    if clips:
        export_clips(
            Path(state.settings["bag"]), folder.bag, state.settings["cameras"], segments, folder.clips
        )
    return report


def write_json(report: dict[str, Any], file: Path) -> None:
    """Replace the file in one step."""
    write_text(file, json.dumps(report, indent=1, allow_nan=False))


def environment() -> dict[str, str]:
    """What the figures depend on."""
    versions = installed_versions(_LIBRARIES)
    return {
        "restoregan": __version__, "python": platform.python_version(), "system": platform.platform(),
        "processor": processor_name(), "cores": str(os.cpu_count()),
        **{name: version or "not installed" for name, version in versions.items()},
    }  # fmt: skip
