# SPDX-License-Identifier: Apache-2.0
"""One summary over many replays: fleet.parquet (a row a job), fleet.json (totals) and fleet.html."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from restoregan_core.files import atomic_write, write_text
from restoregan_core.replay.fleet import Job, JobOutcome, reports_of
from restoregan_core.replay.summary import write_json
from restoregan_core.report import page

_SUMMED = ("count", "degraded", "degraded_after", "restored", "passed_through", "failed_open")
_OBJECTS = ("before", "after", "gained", "lost", "flicker_before", "flicker_after")


def write_fleet_report(jobs: Sequence[Job], outcomes: Sequence[JobOutcome], output: Path) -> dict[str, Any]:
    """Write the three files; return what is in fleet.json."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    errors = {outcome.job.name: outcome.error for outcome in outcomes}
    rows = [_row(job, report, errors.get(job.name, "")) for job, report in reports_of(jobs, output)]
    with atomic_write(output / "fleet.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(rows), temporary)
    done = [row for row in rows if row["is_complete"]]
    totals: dict[str, Any] = {
        "jobs": len(rows),
        "complete": len(done),
        "failed": [{"job": row["job"], "error": row["error"]} for row in rows if not row["is_complete"]],
        "damaged": [row["job"] for row in rows if row["damage"]],
        "frames": {name: sum(row[name] for row in done) for name in _SUMMED},
        "objects": _sum_known(done, [f"objects_{name}" for name in _OBJECTS]),
        "verdicts": {
            headline: sum(row["verdict"] == headline for row in done)
            for headline in sorted({row["verdict"] for row in done})
        },
    }
    write_json(totals, output / "fleet.json")
    write_text(output / "fleet.html", page.render("fleet.html", totals=totals, rows=rows))
    return totals


def _row(job: Job, report: dict[str, Any] | None, error: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "job": job.name, "bag": str(job.bag), "start_s": job.start_s, "end_s": job.end_s,
        "is_complete": bool(report and report["replay"]["is_complete"]), "error": error,
        "verdict": report["verdict"]["headline"] if report else "",
        "damage": "; ".join(report["replay"]["damage"]) if report else "",
    }  # fmt: skip
    frames, objects = (report or {}).get("frames") or {}, (report or {}).get("objects") or {}
    truth, latency = (report or {}).get("ground_truth") or {}, (report or {}).get("latency") or {}
    row |= {name: frames.get(name, 0) for name in _SUMMED}
    row |= {f"objects_{name}": objects.get(name) for name in _OBJECTS}
    row |= {"psnr_gain": truth.get("psnr_gain"), "live_p99_ms": (latency.get("live_ms") or {}).get("p99")}
    return row


def _sum_known(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, int] | None:
    known = [row for row in rows if row[names[0]] is not None]
    return {name: sum(row[name] for row in known) for name in names} if known else None
