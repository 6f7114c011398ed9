# SPDX-License-Identifier: Apache-2.0
"""Average precision of one class over labelled frames, from matches that are made frame by frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restoregan_core.detection.detector import Detections, iou_matrix

MIN_IOU = 0.5
MIN_HEIGHT_PX = 25.0
"""KITTI's limit for its moderate difficulty: lower objects neither count as missed nor as found."""


@dataclass(frozen=True)
class FrameMatch:
    """The detections of one class in one frame, held against its labels."""

    scores: npt.NDArray[np.float32]
    """Scores of the detections that count, best first."""
    true_positives: npt.NDArray[np.bool_]
    """Which of them found a labelled object that none before had found."""
    found_score: npt.NDArray[np.float32]
    """For each labelled object that counts, the score of its detection; 0 = missed."""
    objects_px: npt.NDArray[np.float32]
    """(n, 4) the labelled objects that count."""
    false_positives: npt.NDArray[np.int64]
    """Indices into the given detections of those that found nothing."""


def match_frame(
    found: Detections,
    class_id: int,
    objects_px: npt.NDArray[np.float32],
    neutral_px: npt.NDArray[np.float32],
) -> FrameMatch:
    """Match a frame's detections of one class, best score first, each to the free object it overlaps most.

    Args:
        found: detections of all classes, best score first.
        class_id: which to look at.
        objects_px: (n, 4) labelled objects of the class. Those under `MIN_HEIGHT_PX` are neutral.
        neutral_px: (m, 4) regions and look-alikes (vans, for cars): a detection there does not count.
    """
    counts = objects_px[:, 3] - objects_px[:, 1] >= MIN_HEIGHT_PX
    objects = objects_px[counts]
    neutral = np.concatenate([objects_px[~counts], neutral_px])
    overlaps = iou_matrix(found.boxes_px, objects)
    found_score = np.zeros(len(objects), np.float32)
    scores, true_positives, false_positives = [], [], []
    for index in np.flatnonzero(found.class_ids == class_id):
        row = np.where(found_score == 0, overlaps[index], 0) if len(objects) else np.zeros(0)
        if len(row) and row.max() >= MIN_IOU:
            found_score[int(row.argmax())] = found.scores[index]
            is_true = True
        elif _lies_in(found.boxes_px[index], neutral) or _is_too_low(found.boxes_px[index]):
            continue
        else:
            false_positives.append(index)
            is_true = False
        scores.append(found.scores[index])
        true_positives.append(is_true)
    return FrameMatch(
        np.array(scores, np.float32),
        np.array(true_positives, bool),
        found_score,
        objects,
        np.array(false_positives, np.int64),
    )


def average_precision(matches: Sequence[FrameMatch]) -> float:
    """Area under the precision-recall curve of all frames together, precision made monotone; in [0, 1].

    NaN if no frame holds an object.
    """
    total = sum(len(match.found_score) for match in matches)
    if total == 0:
        return float("nan")
    scores = np.concatenate([match.scores for match in matches])
    true_positives = np.concatenate([match.true_positives for match in matches])
    if not len(scores):
        return 0.0
    true_positives = true_positives[np.argsort(-scores, kind="stable")]
    true = np.cumsum(true_positives)
    precision = true / np.arange(1, len(true_positives) + 1)
    monotone = np.maximum.accumulate(precision[::-1])[::-1]
    return float(monotone[true_positives].sum() / total)


def _lies_in(box_px: npt.NDArray[np.float32], regions_px: npt.NDArray[np.float32]) -> bool:
    """Whether half of the box lies in one of the regions."""
    if not len(regions_px):
        return False
    sides = np.minimum(box_px[2:], regions_px[:, 2:]) - np.maximum(box_px[:2], regions_px[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    return bool((shared >= 0.5 * max(float((box_px[2:] - box_px[:2]).prod()), 1e-9)).any())


def _is_too_low(box_px: npt.NDArray[np.float32]) -> bool:
    return bool(box_px[3] - box_px[1] < MIN_HEIGHT_PX)
