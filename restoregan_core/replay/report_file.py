# SPDX-License-Identifier: Apache-2.0
"""The report.json of a finished replay, as those read it who sum up many."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restoregan_core.documents import build, parse_json


@dataclass(frozen=True)
class _Replay:
    is_complete: bool
    damage: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Verdict:
    headline: str


@dataclass(frozen=True)
class _Frames:
    count: int = 0
    degraded: int = 0
    degraded_after: int = 0
    restored: int = 0
    passed_through: int = 0
    failed_open: int = 0


@dataclass(frozen=True)
class _Objects:
    before: float | None = None
    after: float | None = None
    gained: float | None = None
    lost: float | None = None
    flicker_before: float | None = None
    flicker_after: float | None = None


@dataclass(frozen=True)
class _GroundTruth:
    psnr_gain: float | None = None


@dataclass(frozen=True)
class _Percentiles:
    p99: float | None = None


@dataclass(frozen=True)
class _Latency:
    live_ms: _Percentiles | None = None


@dataclass(frozen=True)
class _Report:
    replay: _Replay
    verdict: _Verdict
    frames: _Frames | None = None
    objects: _Objects | None = None
    ground_truth: _GroundTruth | None = None
    latency: _Latency | None = None


def read_report(file: Path) -> dict[str, Any] | None:
    """What report.json says, its fields of the types that a summary needs; None without such a file.

    Raises:
        ValueError: it is damaged; the message names it.
    """
    try:
        text = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    report: dict[str, Any] = parse_json(text, f"{file}")
    build(_Report, report, f"{file}", only_known=False)
    return report
