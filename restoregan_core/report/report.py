# SPDX-License-Identifier: Apache-2.0
"""The report of a demo or an evaluation: one HTML file that needs no network, and the same as JSON.

Whoever measures fills a ``Report``; nothing here knows how its numbers came about.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.files import write_text
from restoregan_core.report import page
from restoregan_core.report.page import Card, Table, data_uri, finite
from restoregan_core.version import __version__

_PLOTTED = (
    "blur_probability", "rain_probability", "residual_blur_probability", "residual_rain_probability",
    "latency_ms", "psnr_before", "psnr_after",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FrameRow:
    """One source frame that was accepted. Probabilities in [0, 1]; NaN = not known."""

    time_s: float
    """Since the first frame."""
    camera: str = "camera"
    condition: str = ""
    """What was done to a clean frame, where that is known: ``clean``, ``blur``, ``rain`` or both."""
    blur_probability: float = math.nan
    rain_probability: float = math.nan
    residual_blur_probability: float = math.nan
    """Blur probability of the frame as published."""
    residual_rain_probability: float = math.nan
    action: str = "passed through"
    """``passed through``, ``restored``, ``failed open``."""
    reason: str = "none"
    latency_ms: float = math.nan
    assessment_ms: float = math.nan
    restoration_ms: float = math.nan
    psnr_before: float = math.nan
    """dB over RGB, of the source against the ground truth."""
    psnr_after: float = math.nan
    ssim_before: float = math.nan
    ssim_after: float = math.nan


@dataclass(frozen=True)
class ImagePair:
    """A frame to look at: JPEG bytes before and after, and of the truth where it is known."""

    row: int
    """Index of its FrameRow."""
    before: bytes
    after: bytes
    truth: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a report shows."""

    title: str
    subtitle: str = ""
    cards: Sequence[Card] = ()
    rows: Sequence[FrameRow] = ()
    images: Sequence[ImagePair] = ()
    first_image: int = 0
    """Which of ``images`` is shown at first."""
    tables: Sequence[Table] = ()
    summary: dict[str, Any] = field(default_factory=dict)
    """The figures for machines; goes into the JSON file as it is, NaN as null."""
    version: str = __version__


def write_html(report: Report, path: Path) -> None:
    """Write the report as one self-contained page, atomically."""
    columns = {
        declared.name: [getattr(row, declared.name) for row in report.rows] for declared in fields(FrameRow)
    }
    is_known = any(columns["condition"])
    data = {
        "cameras": [""],
        "camera": [""] * len(report.rows),  # one camera: its name says nothing
        "time_s": columns["time_s"],
        "action": [action.upper().replace(" ", "_") for action in columns["action"]],
        **{name: columns[name] for name in ("reason", *_PLOTTED)},
        **({"condition": columns["condition"]} if is_known else {}),
        "images": {
            pair.row: {
                "before": data_uri(pair.before),
                "after": data_uri(pair.after),
                "truth": None if pair.truth is None else data_uri(pair.truth),
            }
            for pair in report.images
        },
        "groups": {},
        "first": report.images[report.first_image].row if report.images else None,
    }
    text = page.render(
        "demo.html",
        title=report.title,
        subtitle=report.subtitle,
        cards=report.cards,
        tables=report.tables,
        data=finite(data),
    )
    write_text(path, text)


def write_json(report: Report, path: Path) -> None:
    """Write summary and rows as JSON (NaN becomes null), atomically."""
    content = {
        "title": report.title,
        "restoregan": report.version,
        **finite(report.summary),
        "frames": [finite(asdict(row)) for row in report.rows],
    }
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def column(rows: Sequence[FrameRow], name: str) -> npt.NDArray[np.float64]:
    """A number of every row; ``name`` is a field of FrameRow."""
    assert name in {declared.name for declared in fields(FrameRow)}, name
    return np.array([getattr(row, name) for row in rows], np.float64)
