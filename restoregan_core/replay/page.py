# SPDX-License-Identifier: Apache-2.0
"""report.html of a replay: one page for the decision, built on the pieces of ``report/page.py``.

At most ``EMBEDDED_FRAMES`` frames are embedded (three images each at most); the other ones lie beside the
page in ``images/``. The page needs no network.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.files import write_text
from restoregan_core.replay.page_images import choose_frames, write_images
from restoregan_core.replay.recording import pauses
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames
from restoregan_core.report import page
from restoregan_core.report.page import HIDDEN_BLUR, Card, Table, data_uri, finite
from restoregan_core.wording import counted

EMBEDDED_FRAMES = 100
_TIMELINE = (
    "blur_probability", "rain_probability", "residual_blur_probability", "residual_rain_probability",
)  # fmt: skip
_CAPTION = ("psnr_before", "psnr_after", "objects_before", "objects_after", "objects_gained", "objects_lost")


def write_replay_report(folder: ReplayFolder, report: dict[str, Any]) -> None:
    """Choose and write images, render the page."""
    frames = Frames(folder.frames)
    settings = report["replay"]["settings"]
    choice = choose_frames(frames)
    images = write_images(folder, settings, frames, choice.all)
    text = page.render(
        "replay.html",
        name=Path(settings["bag"]).name,
        report=report,
        cards=_cards(report),
        tables=_tables(report),
        data=_page_data(frames, report, choice.groups, images),
    )
    write_text(folder.report_html, text)


def _page_data(
    frames: Frames,
    report: dict[str, Any],
    groups: dict[str, list[int]],
    images: dict[int, dict[str, Path]],
) -> dict[str, Any]:
    """What the page's script reads: rows column by column, images with their grids."""
    columns = frames.columns("camera", "time_ns", "action", "reason", *_TIMELINE, *_CAPTION)
    start_ns = int(columns["time_ns"].min())
    embedded = set(list(images)[:EMBEDDED_FRAMES])
    shown = {}
    for position, row in enumerate(
        frames.rows(
            "height",
            "width",
            "tile_size_px",
            "grid_rows",
            "grid_columns",
            "blur_grid",
            "rain_grid",
            "restored_grid",
        )
    ):
        if position in images:
            shown[position] = {
                **{
                    name: data_uri(file.read_bytes()) if position in embedded else f"images/{file.name}"
                    for name, file in images[position].items()
                },
                "grid": [row["grid_rows"] or 0, row["grid_columns"] or 0],
                "tile_width": (row["tile_size_px"] or 0) / row["width"],
                "tile_height": (row["tile_size_px"] or 0) / row["height"],
                **{kind: _percentages(row[f"{kind}_grid"]) for kind in ("blur", "rain", "restored")},
            }
    return {
        "cameras": list(report["cameras"]),
        "camera": columns["camera"].tolist(),
        "time_s": [round(v, 4) for v in ((columns["time_ns"] - start_ns) / 1e9).tolist()],
        "after_pause": _after_pause(columns["camera"], columns["time_ns"]),
        "action": columns["action"].tolist(),
        "reason": columns["reason"].tolist(),
        **{name: _rounded(columns[name]) for name in (*_TIMELINE, *_CAPTION)},
        "images": shown,
        "groups": {name: [i for i in members if i in shown] for name, members in groups.items()},
        "sweep": report["sweep"],
    }


def _after_pause(camera: np.ndarray, time_ns: np.ndarray) -> list[bool]:
    """Whether each frame is its camera's first one after the recording paused."""
    flags = np.zeros(len(camera), bool)
    for name in dict.fromkeys(camera):
        rows = np.flatnonzero(camera == name)
        rows = rows[np.argsort(time_ns[rows], kind="stable")]
        flags[rows] = pauses(time_ns[rows])
    return flags.tolist()


def _rounded(values: np.ndarray) -> list[float | None]:
    return [round(v, 3) if v is not None and math.isfinite(v) else None for v in values.tolist()]


def _percentages(grid: list[float] | None) -> list[int]:
    return [round(100 * v) for v in finite(grid or []) if v is not None]


def _cards(report: dict[str, Any]) -> list[Card]:
    frames, objects, truth, latency = (report[k] for k in ("frames", "objects", "ground_truth", "latency"))
    count = max(1, frames["count"])

    def share(number: int) -> str:
        return f"{100 * number / count:.1f} %"

    cards = [
        Card(
            "frames",
            str(frames["count"]),
            f"{frames['duration_s']:.1f} s, {counted(len(report['cameras']), 'camera')}",
        ),
        Card(
            "degraded",
            share(frames["degraded"]),
            f"{share(frames['degraded_after'])} still are, as published",
        ),
        Card("restored", share(frames["restored"]), f"{share(frames['passed_through'])} passed bit for bit"),
        Card("failed open", str(frames["failed_open"]), "frames, published as they came"),
    ]
    if objects:
        cards.append(
            Card(
                "objects",
                f"+{objects['gained']} / −{objects['lost']}",
                f"gained / lost, of {objects['before']}; flicker {objects['flicker_before']}"
                f" → {objects['flicker_after']}",
            )
        )
    if truth:
        shown = truth["unequal"] or truth
        cards.append(
            Card(
                "PSNR against ground truth",
                f"{shown['psnr_gain']:+.2f} dB",
                f"{shown['psnr_before']:.2f} → {shown['psnr_after']:.2f} dB, of {counted(shown['count'], 'frame')}"
                f"{' that differ from it' if truth['unequal'] else ''}; of all, SSIM"
                f" {_number(truth['ssim_before'], 3)} → {_number(truth['ssim_after'], 3)}",
            )
        )
    if latency["live_ms"]:
        cards.append(
            Card(
                "latency, as if live",
                f"{latency['live_ms']['p99']:.0f} ms p99",
                f"deadline {latency['deadline_ms']:g}; missed by"
                f" {100 * latency['over_deadline_share']:.1f} % of what was accepted",
            )
        )
    return cards


def _tables(report: dict[str, Any]) -> list[Table]:
    replay = report["replay"]
    cameras = [
        [
            name,
            str(c["count"]),
            *(_share(c[k], c["count"]) for k in ("degraded", "degraded_after", "restored")),
            str(c["failed_open"]),
            *(_number(c[k], 2) for k in ("blur_probability", "residual_blur_probability")),
            *(_number(c[k], 2) for k in ("rain_probability", "residual_rain_probability")),
            _streaks_left(c["streak_energy"]),
        ]
        for name, c in report["cameras"].items()
    ]
    sweep = [
        [
            p["name"],
            _share(p["frames_share"], 1),
            _share(p["tiles_share"], 1),
            _number(p["network_ms_per_frame"], 1),
        ]
        for p in report["sweep"]
    ]
    segments = [
        [s["camera"], f"{s['start_s']:.1f} s", f"{(s['end_ns'] - s['start_ns']) / 1e9:.1f} s", s["why"],
         f"clips/worst_{i}"]
        for i, s in enumerate(report["segments"])
    ]  # fmt: skip
    settings = [[k, str(v)] for k, v in replay["settings"].items() if v not in (None, [], "")]
    return [
        Table(
            "Cameras",
            (
                "camera", "frames", "degraded", "still", "restored", "failed", "blur", "left", "rain", "left",
                "streaks left",
            ),
            cameras,
            "Probabilities are means over all frames; 'left' is of the frame as published. Streaks: what flares up in"
            " one frame alone, less what dips, on a sample of frames; – where rain cannot be told from noise."
            f" {HIDDEN_BLUR}",
        ),
        Table(
            "What other thresholds would have done",
            ("preset or threshold", "frames restored", "tiles restored", "network ms per frame"),
            sweep,
            "From the tiles' probabilities, with the gate's hysteresis. The cost is that of this machine.",
        ),
        _time_table(report["latency"]),
        Table(
            "Worst segments", ("camera", "starts at", "length", "mostly", "bag"), segments,
            "From the first frame on. Each is a small bag with the source's and the restored topics.", is_text=True,
        ),
        Table(
            "Model card", ("", ""), _model_card(replay.get("model_card", {})),
            "What the weights say about themselves; their recipe stands in report.json.", is_text=True,
        ),
        Table("Settings", ("", ""), settings, is_text=True),
        Table("Environment", ("", ""), [[k, v] for k, v in replay["environment"].items()], is_text=True),
    ]  # fmt: skip


def _model_card(card: dict[str, str]) -> list[list[str]]:
    """Texts, lists of texts and scores as a person reads them; what is nested deeper is left to report.json."""
    rows = []
    for key, text in card.items():
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            rows.append([key, "; ".join(value)])
        elif isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
            rows += [
                [f"{key}: {name}", _scores(scores)] for name, scores in value.items() if _is_flat(scores)
            ]
        elif not isinstance(value, list | dict):
            rows.append([key, text])
    return rows


def _is_flat(scores: dict[str, Any]) -> bool:
    return all(isinstance(score, int | float) for score in scores.values())


def _scores(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {score:.4g}" for name, score in scores.items())


def _time_table(latency: dict[str, Any]) -> Table:
    kinds = {
        "processing_ms": "decode + assess + restore",
        "restoration_ms": "restore",
        "live_ms": "as if live",
    }
    times = [
        [label, *(f"{latency[key][p]:.1f}" for p in ("p50", "p99", "max"))]
        for key, label in kinds.items()
        if latency[key]
    ]
    return Table(
        "Time",
        ("milliseconds", "p50", "p99", "max"),
        times,
        f"'As if live': the node's newest-frame rule at the bag's rate; {latency['superseded']} frames would have been"
        f" superseded, {latency['over_deadline']} results would have come after the deadline of"
        f" {latency['deadline_ms']:g} ms.",
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def _streaks_left(figures: dict[str, Any] | None) -> str:
    """Of the excess: noise, which the energy counts as well, is not rain. Below 0 is more than all."""
    left = None if figures is None else figures["excess_left"]
    return "–" if left is None else f"{100 * max(left, 0):.0f} %"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
