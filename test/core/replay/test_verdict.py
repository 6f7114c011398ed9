# SPDX-License-Identifier: Apache-2.0
"""The verdict in words: what counts for and against restoration."""

import dataclasses
from typing import Any

from restoregan_core.replay.schema import FrameFigures, LatencyFigures, Summary
from restoregan_core.replay.verdict import findings


def marks(**changed: Any) -> dict[str, tuple[str, str]]:
    """Kind -> (mark, text) of the finding on its probability, for restored frames with these figures."""
    names = [field.name for field in dataclasses.fields(FrameFigures)]
    frames = FrameFigures(**{**dict.fromkeys(names, 1), "failed_open": 0, **changed})
    latency = LatencyFigures(
        deadline_ms=100.0, processing_ms=None, restoration_ms=None, live_ms=None, over_deadline=0,
        over_deadline_share=0.0, superseded=0, superseded_share=0.0,
    )  # fmt: skip
    summary = Summary(frames=frames, objects=None, ground_truth=None, latency=latency, cameras={}, sweep=[])
    lines = {text: mark for mark, text in findings(summary)}
    return {
        kind: next((mark, text) for text, mark in lines.items() if f"Mean {kind} probability" in text)
        for kind in ("blur", "rain")
    }


def test_blur_that_shows_where_rain_went_does_not_speak_against_restoration() -> None:
    found = marks(
        restored_blur_before=0.1, restored_blur_after=0.3, restored_rain_before=0.9, restored_rain_after=0.4
    )
    assert found["rain"][0] == "good"
    assert found["blur"][0] == "neutral"
    assert "Rain hides blur" in found["blur"][1]


def test_blur_that_rises_while_the_rain_stays_does() -> None:
    found_blur = marks(
        restored_blur_before=0.1, restored_blur_after=0.3, restored_rain_before=0.9, restored_rain_after=0.9
    )["blur"]
    assert found_blur[0] == "bad"
    assert "Rain hides blur" not in found_blur[1]
