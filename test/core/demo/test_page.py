# SPDX-License-Identifier: Apache-2.0
"""The demo's figures: what is counted, against what, and what a reader must know beside it."""

import math

from restoregan_core.demo.page import make_report
from restoregan_core.demo.results import Results
from restoregan_core.report.report import FrameRow, Report


def report_of(*rows: FrameRow) -> Report:
    results = Results(list(rows), [], len(rows), 0, 0, "lite-0123", (360, 640))
    return make_report(results, "a drive", {"deadline": "500 ms"}, {})


def row(condition: str, before: float, after: float) -> FrameRow:
    return FrameRow(time_s=0.0, condition=condition, psnr_before=before, psnr_after=after, latency_ms=80.0)


def card(report: Report, label: str) -> str:
    return next(f"{card.value} {card.note}" for card in report.cards if card.label == label)


def test_frames_that_equal_their_ground_truth_do_not_drown_the_others() -> None:
    report = report_of(row("clean", math.inf, math.inf), row("rain", 20.0, 23.0), row("blur", 24.0, 23.0))
    shown = card(report, "PSNR of degraded frames")
    assert shown.startswith("+1.00 dB 22.00 → 23.00 dB, of the 2 frames that differ")


def test_the_deadline_stands_beside_the_frames_that_missed_it() -> None:
    assert "deadline 500 ms" in card(report_of(row("", math.nan, math.nan)), "failed open")


def test_blur_that_rain_hid_is_explained_where_it_shows() -> None:
    (table,) = (t for t in report_of(row("rain", 20.0, 23.0)).tables if t.title == "Mean probabilities")
    assert "Rain hides blur" in table.note
