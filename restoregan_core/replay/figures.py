# SPDX-License-Identifier: Apache-2.0
"""The figures of report.json: does restoration help on this drive, at which threshold, and what does it cost?

    {"replay": {...}, "frames": {...}, "objects": {...}, "truth": {...}, "latency": {...}, "cameras": {...},
     "sweep": [...], "segments": [...], "verdict": {"headline": ..., "findings": [[mark, text], ...]}}

Keys that were not measured (no detector, no truth) are null. ``summary.py`` adds ``streak_energy`` to each camera.
"""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from restoregan_core.detection.object_changes import agreement, flicker, from_flat
from restoregan_core.replay.live_simulation import simulate_live
from restoregan_core.replay.table import Frames
from restoregan_core.replay.threshold_sweep import sweep_thresholds

DEGRADED_PROBABILITY = 0.5
Summary = dict[str, Any]

_SCALARS = (
    "camera", "time_ns", "action", "reason", "blur_probability", "rain_probability",
    "residual_blur_probability", "residual_rain_probability", "changed_share", "mean_change",
    "sharpness_before", "sharpness_after", "assessment_ms", "restoration_ms", "decode_ms",
    "objects_before", "objects_after", "objects_gained", "objects_lost",
    "psnr_before", "psnr_after", "ssim_before", "ssim_after",
)  # fmt: skip


def summarise(frames: Frames, deadline_ms: float) -> Summary:
    """Everything that the rows tell, as JSON has it.

    Args:
        frames: at least one.
        deadline_ms: against which latencies are held.
    """
    columns = frames.columns(*_SCALARS)
    cameras = list(dict.fromkeys(columns["camera"]))
    live = _live(columns, deadline_ms)
    detections = _detections(frames)
    summary: Summary = {
        "frames": _frames(columns),
        "objects": _objects(columns, detections),
        "truth": _truth(columns, detections),
        "latency": live,
        "cameras": {name: _frames(_of_camera(columns, name)) for name in cameras},
        "sweep": [asdict(point) for point in sweep_thresholds(frames)],
    }
    return _without_nan(summary)


def _of_camera(columns: dict[str, np.ndarray], camera: str) -> dict[str, np.ndarray]:
    chosen = columns["camera"] == camera
    return {name: values[chosen] for name, values in columns.items()}


def _frames(columns: dict[str, np.ndarray]) -> Summary:
    count = len(columns["camera"])
    before = np.fmax(_number(columns["blur_probability"]), _number(columns["rain_probability"]))
    after = np.fmax(
        _number(columns["residual_blur_probability"]), _number(columns["residual_rain_probability"])
    )
    restored = columns["action"] == "RESTORED"
    failed = columns["action"] == "FAILED_OPEN"
    reasons, counts = np.unique(columns["reason"][failed].astype(str), return_counts=True)
    return {
        "count": count,
        "duration_s": float(np.ptp(columns["time_ns"]) / 1e9),
        "degraded": int((before >= DEGRADED_PROBABILITY).sum()),
        "degraded_after": int((after >= DEGRADED_PROBABILITY).sum()),
        "restored": int(restored.sum()),
        "passed_through": int((columns["action"] == "PASSED_THROUGH").sum()),
        "failed_open": int(failed.sum()),
        "failed_open_reasons": dict(zip(reasons.tolist(), counts.tolist(), strict=True)),
        **{name: _mean(columns[name]) for name in (
            "blur_probability", "rain_probability", "residual_blur_probability", "residual_rain_probability",
            "changed_share",
        )},
        # Of the restored frames alone: the others would only dilute it.
        "restored_blur_before": _mean(columns["blur_probability"][restored]),
        "restored_blur_after": _mean(columns["residual_blur_probability"][restored]),
        "restored_rain_before": _mean(columns["rain_probability"][restored]),
        "restored_rain_after": _mean(columns["residual_rain_probability"][restored]),
        "restored_sharpness_before": _mean(columns["sharpness_before"][restored]),
        "restored_sharpness_after": _mean(columns["sharpness_after"][restored]),
        "restored_mean_change": _mean(columns["mean_change"][restored]),
    }  # fmt: skip


def _detections(frames: Frames) -> Summary | None:
    """What needs boxes: flicker over three neighbours of a camera, agreement with the clean frame."""
    totals = dict.fromkeys(("flicker_before", "flicker_after"), 0)
    matches = {"before": [0, 0, 0], "after": [0, 0, 0]}
    recent: dict[str, list[Any]] = {}
    seen = has_truth = False
    for row in frames.rows("camera", "boxes_before", "boxes_after", "boxes_truth"):
        if row["boxes_before"] is None:
            continue
        seen = True
        pair = from_flat(row["boxes_before"]), from_flat(row["boxes_after"])
        three = recent.setdefault(row["camera"], [])
        three.append(pair)
        if len(three) == 3:
            for i, name in enumerate(("flicker_before", "flicker_after")):
                totals[name] += flicker(*(found[i] for found in three))
            three.pop(0)
        if row["boxes_truth"] is not None:
            has_truth = True
            clean = from_flat(row["boxes_truth"])
            for name, found in zip(("before", "after"), pair, strict=True):
                matches[name] = [a + b for a, b in zip(matches[name], agreement(found, clean), strict=True)]
    if not seen:
        return None
    return {**totals, "agreement": {k: _f1(*v) for k, v in matches.items()} if has_truth else None}


def _f1(matched: int, missed: int, invented: int) -> float:
    return 2 * matched / max(1, 2 * matched + missed + invented)


def _objects(columns: dict[str, np.ndarray], detections: Summary | None) -> Summary | None:
    if detections is None:
        return None
    totals = {
        name: int(np.nansum(_number(columns[f"objects_{name}"])))
        for name in ("before", "after", "gained", "lost")
    }
    return totals | {name: detections[name] for name in ("flicker_before", "flicker_after")}


def _truth(columns: dict[str, np.ndarray], detections: Summary | None) -> Summary | None:
    psnr = _number(columns["psnr_before"])
    count = int(np.isfinite(psnr).sum())
    if not count:
        return None
    gain = _number(columns["psnr_after"]) - psnr
    return {
        "count": count,
        **{name: _mean(columns[name]) for name in ("psnr_before", "psnr_after", "ssim_before", "ssim_after")},
        "psnr_gain": _mean(gain),
        "frames_better": int((gain > 0).sum()),
        "frames_worse": int((gain < 0).sum()),
        "detection_agreement": detections["agreement"] if detections else None,
    }


def _live(columns: dict[str, np.ndarray], deadline_ms: float) -> Summary:
    """The pipeline's own times, and the node's latency as if run at the bag's rate on this machine."""
    busy_ms = sum(
        np.nan_to_num(_number(columns[name])) for name in ("decode_ms", "assessment_ms", "restoration_ms")
    )
    outcomes = simulate_live(
        columns["camera"].tolist(), (columns["time_ns"] / 1e9).tolist(), (busy_ms / 1e3).tolist()
    )
    latencies = np.array([ms for outcome in outcomes.values() for ms in outcome.latencies_ms])
    superseded = sum(outcome.superseded for outcome in outcomes.values())
    return {
        "deadline_ms": deadline_ms,
        "processing_ms": _percentiles(busy_ms),
        "restoration_ms": _percentiles(_number(columns["restoration_ms"])),
        "live_ms": _percentiles(latencies),
        "over_deadline": int((latencies > deadline_ms).sum()),
        "over_deadline_share": float((latencies > deadline_ms).mean()),
        "superseded": superseded,
        "superseded_share": superseded / len(columns["camera"]),
    }


def _percentiles(values_ms: np.ndarray) -> dict[str, float] | None:
    finite = values_ms[np.isfinite(values_ms)]
    if not finite.size:
        return None
    return {
        "p50": float(np.percentile(finite, 50)),
        "p99": float(np.percentile(finite, 99)),
        "max": float(finite.max()),
    }


def _number(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)


def _mean(values: np.ndarray) -> float:
    finite = _number(values)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if finite.size else math.nan


def _without_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
