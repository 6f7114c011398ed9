# SPDX-License-Identifier: Apache-2.0
"""What is measured on one frame before and after restoration: the figures of its row."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from restoregan_core.bags.frames import SourceFrame
from restoregan_core.detection.detector import Detections, Detector
from restoregan_core.detection.object_changes import compare_objects, to_flat
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics import psnr_ssim
from restoregan_core.replay.table import Row
from restoregan_core.result import Action, Reason, RestorationResult, report_fields

_NOT_IN_ROWS = {"action", "reason", "model", "latency_ms", "frames_superseded"}
"""Fields of a report that a row gives by name, or that say nothing without a live run."""


@dataclass(frozen=True)
class ProcessedFrame:
    """One frame after the pipeline."""

    frame: SourceFrame
    source: RgbImage | None
    """What the pipeline got; None if it does not decode."""
    truth: RgbImage | None
    result: RestorationResult | None
    reason: Reason
    detail: str
    decode_ms: float
    residual_ms: float = math.nan
    """Of the judgement of what is published."""

    @property
    def action(self) -> Action:
        return Action.FAILED_OPEN if self.result is None else self.result.action


def row_of(processed: ProcessedFrame) -> Row:
    """Everything but detections, truth and encoding time."""
    frame = processed.frame
    row: Row = {
        "index": frame.index, "camera": frame.camera.name, "topic": frame.camera.topic,
        "time_ns": frame.time_ns, "stamp_ns": frame.stamp_ns, "frame_id": frame.frame_id,
        "encoding": frame.encoding, "action": processed.action.name, "reason": processed.reason.name,
        "detail": processed.detail, "decode_ms": processed.decode_ms, "residual_ms": processed.residual_ms,
    }  # fmt: skip
    result, source_HWC = processed.result, processed.source
    if result is None or source_HWC is None:
        return row
    fields = report_fields(
        result, action=result.action, reason=result.reason, model="", latency_ms=math.nan, superseded=0
    )
    row |= {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in fields.items()
        if name not in _NOT_IN_ROWS
    }
    is_changed = result.changed is not None
    sharpness = laplacian_variance(source_HWC)
    row |= {
        "height": source_HWC.shape[0], "width": source_HWC.shape[1],
        "changed_share": 0.0 if result.changed is None else float(result.changed.mean()),
        "mean_change": _mean_change(source_HWC, result.image) if is_changed else 0.0,
        "sharpness_before": sharpness,
        "sharpness_after": laplacian_variance(result.image) if is_changed else sharpness,
    }  # fmt: skip
    return row


def _mean_change(source_HWC: RgbImage, image_HWC: RgbImage) -> float:
    """Mean absolute change in grey levels."""
    return float(cv2.norm(source_HWC, image_HWC, cv2.NORM_L1) / source_HWC.size)


def laplacian_variance(rgb_HWC: RgbImage) -> float:
    """No-reference sharpness: variance of the Laplacian of the grey image (Pech-Pacheco et al. 2000).

    Blur lowers it. So does taking rain away: streaks are sharp.
    """
    grey = cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return float(deviation[0, 0] ** 2)


def detection_columns(processed: ProcessedFrame, detector: Detector) -> Row:
    """Boxes before and after (and of the truth), and what changed."""
    if processed.result is None or processed.source is None:
        return {}
    before = detector(processed.source)
    after = detector(processed.result.image) if processed.result.changed is not None else before
    row = object_columns(before, after)
    if processed.truth is not None:
        row["boxes_truth"] = to_flat(detector(processed.truth))
    return row


def object_columns(before: Detections, after: Detections) -> Row:
    """Boxes, and what changed between them."""
    change = compare_objects(before, after)
    return {
        "boxes_before": to_flat(before), "boxes_after": to_flat(after),
        "objects_before": change.before, "objects_after": change.after,
        "objects_gained": change.gained, "objects_lost": change.lost,
    }  # fmt: skip


def truth_columns(processed: ProcessedFrame) -> Row:
    """PSNR (capped, so that it can be averaged) and SSIM against the clean image."""
    source_HWC, truth_HWC, result = processed.source, processed.truth, processed.result
    if source_HWC is None or truth_HWC is None or result is None or source_HWC.shape != truth_HWC.shape:
        return {}
    is_large_enough = min(source_HWC.shape[:2]) >= 11
    row: Row = {}
    for name, image in (("before", source_HWC), ("after", result.image)):
        if name == "after" and result.changed is None:
            row |= {f"{key}_after": row[f"{key}_before"] for key in ("psnr", "ssim")}
            continue
        row[f"psnr_{name}"] = min(psnr_ssim.psnr_rgb(image, truth_HWC), psnr_ssim.PSNR_CAP_DB)
        row[f"ssim_{name}"] = psnr_ssim.ssim_y(image, truth_HWC) if is_large_enough else math.nan
    return row
