# SPDX-License-Identifier: Apache-2.0
"""The figures of report.json: does restoration help on this drive, at which threshold, and what does it cost?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from restoregan_core.detection.object_changes import flicker, from_flat, match_counts
from restoregan_core.metrics.psnr_ssim import PSNR_CAP_DB
from restoregan_core.replay.live_simulation import simulate_live
from restoregan_core.replay.recording import recorded_s
from restoregan_core.replay.schema import (
    CameraFigures,
    DetectionF1,
    FrameFigures,
    GroundTruthFigures,
    LatencyFigures,
    ObjectFigures,
    Percentiles,
    StreakFigures,
    Summary,
    UnequalFigures,
)
from restoregan_core.replay.table import Frames
from restoregan_core.replay.threshold_sweep import sweep_thresholds

DEGRADED_PROBABILITY = 0.5

_SCALARS = (
    "camera", "time_ns", "action", "reason", "blur_probability", "rain_probability",
    "residual_blur_probability", "residual_rain_probability", "changed_share", "mean_change",
    "sharpness_before", "sharpness_after", "assessment_ms", "restoration_ms", "residual_ms", "decode_ms",
    "objects_before", "objects_after", "objects_gained", "objects_lost",
    "psnr_before", "psnr_after", "ssim_before", "ssim_after",
)  # fmt: skip


def summarise(frames: Frames, deadline_ms: float, streaks: Mapping[str, StreakFigures | None]) -> Summary:
    """Everything that the rows tell.

    Args:
        frames: at least one.
        deadline_ms: against which latencies are held.
        streaks: of each camera.
    """
    columns = frames.columns(*_SCALARS)
    cameras = list(dict.fromkeys(columns["camera"]))
    detections = _detections(frames)
    return Summary(
        frames=_frames(columns),
        objects=_objects(columns, detections),
        ground_truth=_ground_truth(columns, detections),
        latency=_live(columns, deadline_ms),
        cameras={
            name: CameraFigures(**asdict(_frames(_of_camera(columns, name))), streak_energy=streaks[name])
            for name in cameras
        },
        sweep=sweep_thresholds(frames),
    )


def _of_camera(columns: dict[str, np.ndarray], camera: str) -> dict[str, np.ndarray]:
    chosen = columns["camera"] == camera
    return {name: values[chosen] for name, values in columns.items()}


def _frames(columns: dict[str, np.ndarray]) -> FrameFigures:
    count = len(columns["camera"])
    before = np.fmax(_number(columns["blur_probability"]), _number(columns["rain_probability"]))
    after = np.fmax(
        _number(columns["residual_blur_probability"]), _number(columns["residual_rain_probability"])
    )
    restored = columns["action"] == "RESTORED"
    failed = columns["action"] == "FAILED_OPEN"
    reasons, counts = np.unique(columns["reason"][failed].astype(str), return_counts=True)
    return FrameFigures(
        count=count,
        duration_s=recorded_s(columns["time_ns"]),
        degraded=int((before >= DEGRADED_PROBABILITY).sum()),
        degraded_after=int((after >= DEGRADED_PROBABILITY).sum()),
        restored=int(restored.sum()),
        passed_through=int((columns["action"] == "PASSED_THROUGH").sum()),
        failed_open=int(failed.sum()),
        failed_open_reasons=dict(zip(reasons.tolist(), counts.tolist(), strict=True)),
        blur_probability=_mean(columns["blur_probability"]),
        rain_probability=_mean(columns["rain_probability"]),
        residual_blur_probability=_mean(columns["residual_blur_probability"]),
        residual_rain_probability=_mean(columns["residual_rain_probability"]),
        changed_share=_mean(columns["changed_share"]),
        restored_blur_before=_mean(columns["blur_probability"][restored]),
        restored_blur_after=_mean(columns["residual_blur_probability"][restored]),
        restored_rain_before=_mean(columns["rain_probability"][restored]),
        restored_rain_after=_mean(columns["residual_rain_probability"][restored]),
        restored_sharpness_before=_mean(columns["sharpness_before"][restored]),
        restored_sharpness_after=_mean(columns["sharpness_after"][restored]),
        restored_mean_change=_mean(columns["mean_change"][restored]),
    )


@dataclass(frozen=True)
class _Detections:
    """What needs boxes and not only their counts."""

    flicker_before: int
    flicker_after: int
    f1: DetectionF1 | None


def _detections(frames: Frames) -> _Detections | None:
    """What needs boxes: flicker over three neighbours of a camera, F1 against the clean frame."""
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
                matches[name] = [
                    a + b for a, b in zip(matches[name], match_counts(found, clean), strict=True)
                ]
    if not seen:
        return None
    f1 = DetectionF1(**{name: _f1(*counts) for name, counts in matches.items()}) if has_truth else None
    return _Detections(**totals, f1=f1)


def _f1(true_positives: int, missed: int, false_positives: int) -> float:
    return 2 * true_positives / max(1, 2 * true_positives + missed + false_positives)


def _objects(columns: dict[str, np.ndarray], detections: _Detections | None) -> ObjectFigures | None:
    if detections is None:
        return None
    totals = {
        name: int(np.nansum(_number(columns[f"objects_{name}"])))
        for name in ("before", "after", "gained", "lost")
    }
    return ObjectFigures(
        **totals, flicker_before=detections.flicker_before, flicker_after=detections.flicker_after
    )


def _ground_truth(
    columns: dict[str, np.ndarray], detections: _Detections | None
) -> GroundTruthFigures | None:
    psnr = _number(columns["psnr_before"])
    count = int(np.isfinite(psnr).sum())
    if not count:
        return None
    gain = _number(columns["psnr_after"]) - psnr
    differs = psnr < PSNR_CAP_DB
    unequal = None
    if differs.any():
        before, after = (
            float(_number(columns[f"psnr_{when}"])[differs].mean()) for when in ("before", "after")
        )
        unequal = UnequalFigures(
            count=int(differs.sum()), psnr_before=before, psnr_after=after, psnr_gain=after - before
        )
    return GroundTruthFigures(
        count=count,
        psnr_before=_mean(columns["psnr_before"]),
        psnr_after=_mean(columns["psnr_after"]),
        ssim_before=_mean(columns["ssim_before"]),
        ssim_after=_mean(columns["ssim_after"]),
        psnr_gain=_mean(gain),
        frames_better=int((gain > 0).sum()),
        frames_worse=int((gain < 0).sum()),
        unequal=unequal,
        detection_f1=detections.f1 if detections else None,
    )


def _live(columns: dict[str, np.ndarray], deadline_ms: float) -> LatencyFigures:
    stages = ("decode_ms", "assessment_ms", "restoration_ms")
    busy_ms = np.nansum([_number(columns[name]) for name in stages], axis=0)
    outcomes = simulate_live(
        columns["camera"].tolist(),
        (columns["time_ns"] / 1e9).tolist(),
        (busy_ms / 1e3).tolist(),
        np.nan_to_num(_number(columns["residual_ms"]) / 1e3).tolist(),
    )
    latencies = np.array([ms for outcome in outcomes.values() for ms in outcome.latencies_ms])
    superseded = sum(outcome.superseded for outcome in outcomes.values())
    return LatencyFigures(
        deadline_ms=deadline_ms,
        processing_ms=_percentiles(busy_ms),
        restoration_ms=_percentiles(_number(columns["restoration_ms"])),
        live_ms=_percentiles(latencies),
        over_deadline=int((latencies > deadline_ms).sum()),
        over_deadline_share=float((latencies > deadline_ms).mean()),
        superseded=superseded,
        superseded_share=superseded / len(columns["camera"]),
    )


def _percentiles(values_ms: np.ndarray) -> Percentiles | None:
    finite = values_ms[np.isfinite(values_ms)]
    if not finite.size:
        return None
    return Percentiles(
        p50=float(np.percentile(finite, 50)), p99=float(np.percentile(finite, 99)), max=float(finite.max())
    )


def _number(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)


def _mean(values: np.ndarray) -> float | None:
    finite = _number(values)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if finite.size else None
