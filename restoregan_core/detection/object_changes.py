# SPDX-License-Identifier: Apache-2.0
"""What restoration did to a detector's objects: gained, lost, flicker; F1 against the clean frame.

Scores waver around any threshold, so an object counts from ``COUNTED_SCORE`` on, and it is lost only if the
other image has nothing of its class at its place at any score from ``SEEN_SCORE`` on; gained likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restoregan_core.detection.detector import Detections, iou_matrix

COUNTED_SCORE = 0.35
SEEN_SCORE = 0.2
SAME_OBJECT_IOU = 0.4
NEIGHBOUR_IOU = 0.25
"""Between neighbouring frames an object moves."""


@dataclass(frozen=True)
class ObjectChange:
    """How the objects of one frame changed."""

    before: int
    after: int
    gained: int
    lost: int


def compare_objects(before: Detections, after: Detections) -> ObjectChange:
    """Objects of a frame before and after restoration; give detections down to ``SEEN_SCORE``."""
    counted_before, counted_after = counted(before), counted(after)
    return ObjectChange(
        before=len(counted_before),
        after=len(counted_after),
        gained=int((~found_in(counted_after, before)).sum()),
        lost=int((~found_in(counted_before, after)).sum()),
    )


def counted(found: Detections) -> Detections:
    """Those sure enough to count."""
    return found.select(found.scores >= COUNTED_SCORE)


def found_in(
    objects: Detections, others: Detections, min_iou: float = SAME_OBJECT_IOU
) -> npt.NDArray[np.bool_]:
    """For each object whether ``others`` hold one of its class at its place; one of them serves once."""
    found = np.zeros(len(objects), bool)
    if not len(objects) or not len(others):
        return found
    overlaps = iou_matrix(objects.boxes_px, others.boxes_px)
    overlaps[objects.class_ids[:, np.newaxis] != others.class_ids[np.newaxis]] = 0
    for i in np.argsort(-overlaps.max(axis=1), kind="stable"):
        best = int(overlaps[i].argmax())
        if overlaps[i, best] >= min_iou:
            found[i] = True
            overlaps[:, best] = 0
    return found


def flicker(previous: Detections, current: Detections, following: Detections) -> int:
    """Objects that both neighbouring frames have and the one between lacks."""
    stays = counted(previous)
    stays = stays.select(found_in(stays, counted(following), NEIGHBOUR_IOU))
    return int((~found_in(stays, current, NEIGHBOUR_IOU)).sum())


def match_counts(found: Detections, clean: Detections) -> tuple[int, int, int]:
    """Matched and missed objects, and false positives, against those of the clean frame."""
    found, clean = counted(found), counted(clean)
    matched = int(found_in(clean, found).sum())
    return matched, len(clean) - matched, len(found) - matched


def to_flat(found: Detections) -> list[float]:
    """For a column of frames.parquet: six values an object."""
    columns = (found.boxes_px, found.scores[:, None], found.class_ids[:, None])
    return np.concatenate(columns, axis=1, dtype=np.float32).ravel().tolist()


def from_flat(values: Sequence[float] | None) -> Detections:
    """Back again; null means that no detector looked: no objects."""
    table = np.asarray(values if values is not None else [], np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))
