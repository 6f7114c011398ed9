# SPDX-License-Identifier: Apache-2.0
"""The demo's report: figures, tables and images of what was measured."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.demo.results import Results
from restoregan_core.files import atomic_write
from restoregan_core.metrics.psnr_ssim import PSNR_CAP_DB, mean_psnr
from restoregan_core.report.page import HIDDEN_BLUR, Card, Table
from restoregan_core.report.report import FrameRow, Report, column

PERCENTILES = (50, 90, 99)

_PROBABILITIES = (
    "blur_probability", "rain_probability", "residual_blur_probability", "residual_rain_probability",
)  # fmt: skip


def make_report(
    results: Results, title: str, settings: Mapping[str, str], environment: Mapping[str, str]
) -> Report:
    """Figures, tables and images of a demo."""
    rows = results.rows
    actions, reasons = Counter(row.action for row in rows), Counter(row.reason for row in rows)
    latency = _percentiles(column(rows, "latency_ms"))
    quality = quality_by_condition(rows)
    unequal = [row for row in rows if row.psnr_before < PSNR_CAP_DB]
    deadline = f"; deadline {settings['deadline']}" if "deadline" in settings else ""
    cards = [
        Card(
            "frames accepted",
            f"{len(rows)} of {results.frames_sent}",
            f"{results.frames_superseded} superseded by newer ones",
        ),
        Card("restored", str(actions["restored"]), f"{actions['passed through']} passed through bit for bit"),
        Card("failed open", str(actions["failed open"]), f"the source was published instead{deadline}"),
        Card("latency, median", f"{latency['p50']:.0f} ms", f"99 %: {latency['p99']:.0f} ms, to publication"),
    ]  # fmt: skip
    if unequal:
        before, after = (mean_psnr(column(unequal, f"psnr_{when}").tolist()) for when in ("before", "after"))
        note = (
            f"{before:.2f} → {after:.2f} dB, of the {len(unequal)} frames that differ from their ground truth"
        )
        cards.append(Card("PSNR of degraded frames", f"{after - before:+.2f} dB", note))
    summary = {
        "frames_sent": results.frames_sent,
        "frames_accepted": len(rows),
        "frames_superseded": results.frames_superseded,
        "frames_unseen": max(0, results.frames_sent - len(rows) - results.frames_superseded),
        "images_missing": results.images_missing,
        "actions": dict(actions),
        "reasons": dict(reasons),
        "latency_ms": latency,
        "assessment_ms": _percentiles(column(rows, "assessment_ms")),
        "restoration_ms": _percentiles(column(rows, "restoration_ms")),
        "quality": quality,
        "probabilities": probabilities_by_condition(rows),
        "model": results.model,
        "settings": dict(settings),
        "environment": dict(environment),
    }
    height, width = results.size
    return Report(
        title=title,
        subtitle=f"{results.frames_sent} frames of {width}x{height}, played through DDS in real time; "
        f"model {results.model}",
        cards=cards,
        rows=rows,
        images=results.images,
        first_image=_most_telling(results),
        tables=_tables(summary),
        summary=summary,
    )  # fmt: skip


def write_side_by_side(report: Report, path: Path) -> None:
    """The report's first image as one JPEG: source, published, ground truth where it is known."""
    if not report.images:
        return
    pair = report.images[report.first_image]
    jpegs = [jpeg for jpeg in (pair.before, pair.after, pair.truth) if jpeg is not None]
    views = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]
    with atomic_write(path, keep_suffix=True) as temporary:
        cv2.imwrite(str(temporary), np.hstack([view for view in views if view is not None]))


def quality_by_condition(rows: list[FrameRow]) -> list[dict[str, Any]]:
    """PSNR and SSIM, means before and after, for each condition whose ground truth is known."""
    found = []
    for condition in dict.fromkeys(row.condition for row in rows):
        known = [row for row in rows if row.condition == condition and not math.isnan(row.psnr_before)]
        if not known:
            continue
        with_ssim = [row for row in known if not math.isnan(row.ssim_before)]
        entry: dict[str, Any] = {"condition": condition, "frames": len(known)}
        for when in ("before", "after"):
            entry[f"psnr_{when}"] = mean_psnr(column(known, f"psnr_{when}").tolist())
            entry[f"ssim_{when}"] = float(column(with_ssim, f"ssim_{when}").mean()) if with_ssim else math.nan
        entry["ssim_frames"] = len(with_ssim)
        found.append(entry)
    return found


def probabilities_by_condition(rows: list[FrameRow]) -> list[dict[str, Any]]:
    """Mean probabilities, of the source and of what was published, for each condition."""
    return [
        {
            "condition": condition,
            "frames": len(chosen),
            **{name: _mean(column(chosen, name)) for name in _PROBABILITIES},
        }
        for condition in dict.fromkeys(row.condition for row in rows)
        if (chosen := [row for row in rows if row.condition == condition])
    ]


def _tables(summary: Mapping[str, Any]) -> list[Table]:
    tables = []
    if summary["quality"]:
        tables.append(
            Table(
                "Against the ground truth",
                ("condition", "frames", "PSNR before", "after", "change", "SSIM before", "after"),
                [
                    (
                        q["condition"], str(q["frames"]), _decibel(q["psnr_before"]),
                        _decibel(q["psnr_after"]),
                        f"{q['psnr_after'] - q['psnr_before']:+.2f} dB",
                        f"{q['ssim_before']:.4f}", f"{q['ssim_after']:.4f}",
                    )
                    for q in summary["quality"]
                ],
                "PSNR over RGB in dB; a frame that equals the ground truth counts 100. SSIM as scikit-image has it. "
                "The ground truth of rain is the frame without streaks; the veil of far rain belongs to it.",
            )
        )  # fmt: skip
    tables.append(
        Table(
            "Mean probabilities",
            ("condition", "frames", "blur", "rain", "blur left", "rain left"),
            [
                (
                    p["condition"] or "all", str(p["frames"]),
                    *(_percent(p[name]) for name in _PROBABILITIES),
                )
                for p in summary["probabilities"]
            ],
            "'left': of the frame as published. " + HIDDEN_BLUR,
        )
    )  # fmt: skip
    tables.append(
        Table(
            "Times in ms",
            ("", *(f"{p} %" for p in PERCENTILES), "most"),
            [
                (name, *(_number(summary[key][f"p{p}"]) for p in PERCENTILES), _number(summary[key]["max"]))
                for name, key in (
                    ("receipt to publication", "latency_ms"),
                    ("assessment", "assessment_ms"),
                    ("restoration", "restoration_ms"),
                )
            ],
        )
    )
    counted = [(f"action: {name}", str(n)) for name, n in summary["actions"].items()]
    counted += [(f"reason: {name}", str(n)) for name, n in summary["reasons"].items() if name != "none"]
    counted += [
        ("superseded by a newer frame", str(summary["frames_superseded"])),
        ("sent but never seen by the node", str(summary["frames_unseen"])),
        ("sent", str(summary["frames_sent"])),
        ("published images that were not recorded", str(summary["images_missing"])),
    ]
    tables.append(Table("Frames", ("", "count"), counted))
    for title, key in (("Settings", "settings"), ("Environment", "environment")):
        tables.append(Table(title, ("", ""), list(summary[key].items()), is_text=True))
    return tables


def _most_telling(results: Results) -> int:
    """The image whose PSNR rose most; without ground truth, the most degraded one that was restored."""

    def telling(number: int) -> tuple[float, float]:
        row = results.rows[results.images[number].row]
        gain = row.psnr_after - row.psnr_before
        return (
            0.0 if math.isnan(gain) else gain,
            (row.action == "restored") * np.nansum([row.blur_probability, row.rain_probability]),
        )

    return max(range(len(results.images)), key=telling, default=0)


def _percentiles(values: npt.NDArray[np.float64]) -> dict[str, float]:
    known = values[np.isfinite(values)]
    if not known.size:
        return {**{f"p{p}": math.nan for p in PERCENTILES}, "max": math.nan}
    return {**{f"p{p}": float(np.percentile(known, p)) for p in PERCENTILES}, "max": float(known.max())}


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1f}"


def _decibel(value: float) -> str:
    return "equal" if value >= 99.995 else f"{value:.2f}"


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0%}".replace("%", " %")
