# SPDX-License-Identifier: Apache-2.0
"""Does a detector see more or less after restoration? Clean, degraded, restored and gated frames, side by side.

Each labelled frame is degraded at four severities by blur, by rain and by both; the detector looks at the frame
as degraded, as the network restores it, and as the node would publish it (gated). Labels are few, but a frame
can be degraded in any number of ways: several draws take the chance of one path, or one rain, out of the figures.
Frames are resampled whole: one frame is one scene, and every draw and view of it goes along.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.detection.average_precision import FrameMatch, average_precision, match_frame
from restoregan_core.detection.detector import COCO_CLASSES, Detections, iou_matrix
from restoregan_core.detection.kitti import LabelledFrame
from restoregan_core.detection.object_changes import COUNTED_SCORE, SEEN_SCORE
from restoregan_core.images.folders import read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.bootstrap import Interval, bootstrap_interval

KINDS = ("blur", "rain", "blur_rain")
SEVERITIES = (0.1, 0.4, 0.7, 1.0)
VIEWS = ("degraded", "restored", "gated")
LOOK_ALIKES = {"car": ("van", "truck", "tram"), "person": ("cyclist",)}
"""Classes that are reported, and labels that a detection of them may lie on without being wrong."""
RESAMPLES = 2000
SAME_PLACE_IOU = 0.4


@dataclass(frozen=True, order=True)
class Condition:
    """What is done to the frames; ``clean`` has severity 0."""

    kind: str
    severity: float

    def __str__(self) -> str:
        return self.kind if self.kind == "clean" else f"{self.kind} {self.severity:g}"


@dataclass(frozen=True)
class ObjectEvent:
    """An object that restoration changed for the detector, for a person to look at."""

    condition: Condition
    view: str
    what: str
    """``lost`` and ``gained`` are labelled objects; ``invented`` is none, and was not there before."""
    class_name: str
    size: str
    """``low`` (under 40 px high), ``middle``, ``high`` (over 80 px)."""
    frame: str
    box_px: tuple[float, float, float, float]
    before: RgbImage
    after: RgbImage
    """The frame as degraded, and as this view shows it, cut around the object; uint8 RGB."""


@dataclass(frozen=True)
class ConditionResult:
    """Outcome of one condition, for every view and class: matches frame by frame, and the objects that changed."""

    condition: Condition
    matches: dict[str, dict[str, list[FrameMatch]]]
    """view -> class -> one match for every draw of every frame; those of a frame stand together."""
    events: list[ObjectEvent]
    touched: int
    """Images that the gate let the network change."""
    draws: int = 1
    """Images a frame."""


def conditions(severities: Sequence[float] = SEVERITIES, kinds: Sequence[str] = KINDS) -> list[Condition]:
    """Clean first, then every kind at every severity."""
    return [Condition("clean", 0.0), *(Condition(kind, s) for kind in kinds for s in severities)]


def evaluate_condition(
    condition: Condition,
    frames: Sequence[LabelledFrame],
    detect: Callable[[RgbImage], Detections],
    restore: Callable[[RgbImage], RgbImage],
    gate: Callable[[RgbImage], RgbImage],
    on_frame: Callable[[], None] = lambda: None,
    draws: int = 1,
) -> ConditionResult:
    """Degrade, restore, gate and detect in every frame.

    Args:
        detect: finds objects at any score from about 0.05 on, as average precision wants it.
        restore: the network on a whole frame.
        gate: the node's pipeline on one frame that has nothing to do with the one before.
        draws: how often each frame is degraded, differently each time; a clean one is seen once.
    """
    if condition.kind == "clean":
        draws = 1
    matches: dict[str, dict[str, list[FrameMatch]]] = {v: {c: [] for c in LOOK_ALIKES} for v in VIEWS}
    events: list[ObjectEvent] = []
    touched = 0
    for (index, frame), draw in itertools.product(enumerate(frames), range(draws)):
        clean = read_rgb(frame.path)
        degraded = clean if condition.kind == "clean" else _degrade(condition, clean, index, draw)
        views = {"degraded": degraded, "restored": restore(degraded), "gated": gate(degraded)}
        touched += not np.array_equal(views["gated"], degraded)
        found: dict[str, Detections] = {}
        for view, image in views.items():
            equal = next((v for v in found if np.array_equal(views[v], image)), None)
            found[view] = found[equal] if equal else detect(image)
        for class_name in LOOK_ALIKES:
            for view in VIEWS:
                matches[view][class_name].append(_match(found[view], frame, class_name))
            for view in VIEWS[1:]:
                changes = _changes(
                    matches["degraded"][class_name][-1],
                    matches[view][class_name][-1],
                    found["degraded"],
                    found[view],
                )
                events += (
                    ObjectEvent(
                        condition,
                        view,
                        what,
                        class_name,
                        _size(box),
                        frame.path.name,
                        tuple(box.tolist()),
                        _crop(degraded, box),
                        _crop(views[view], box),
                    )
                    for what, box in changes
                )
        on_frame()
    return ConditionResult(condition, matches, events, touched, draws)


def summarise(result: ConditionResult) -> dict[str, Any]:
    """One condition for JSON: average precision with intervals, differences to the degraded frames, objects."""
    views: dict[str, Any] = {}
    for view in VIEWS:
        views[view] = {}
        for class_name in LOOK_ALIKES:
            after, before = result.matches[view][class_name], result.matches["degraded"][class_name]
            if sum(len(match.found_score) for match in after) == 0:
                continue
            entry: dict[str, Any] = {
                "objects": sum(len(match.found_score) for match in after),
                "found": sum(int((match.found_score >= COUNTED_SCORE).sum()) for match in after),
                "average_precision": asdict(_interval(result.draws, after)),
            }
            if view != "degraded":
                entry["difference"] = asdict(_interval(result.draws, after, before))
                mine = [e for e in result.events if e.view == view and e.class_name == class_name]
                entry |= {
                    what: dict(Counter(e.size for e in mine if e.what == what))
                    for what in ("lost", "gained", "invented")
                }
            views[view][class_name] = entry
    return {
        "kind": result.condition.kind,
        "severity": result.condition.severity,
        "frames": len(result.matches["degraded"]["car"]) // result.draws,
        "draws": result.draws,
        "touched_by_gate": result.touched,
        "views": views,
    }


def _interval(draws: int, after: list[FrameMatch], before: list[FrameMatch] | None = None) -> Interval:
    def statistic(drawn: npt.NDArray[np.int64]) -> float:
        images = [frame * draws + draw for frame in drawn for draw in range(draws)]
        value = average_precision([after[i] for i in images])
        if before is not None:
            value -= average_precision([before[i] for i in images])
        return 0.0 if np.isnan(value) else value  # a draw without any object says nothing

    return bootstrap_interval(len(after) // draws, statistic, resamples=RESAMPLES)


def _degrade(condition: Condition, clean: RgbImage, index: int, draw: int) -> RgbImage:
    return KnownDegradation(kind=condition.kind, severity=condition.severity, seed=draw)(clean, index)


def _match(found: Detections, frame: LabelledFrame, class_name: str) -> FrameMatch:
    is_class = np.array([name == class_name for name in frame.classes], bool)
    is_neutral = np.array([name in LOOK_ALIKES[class_name] for name in frame.classes], bool)
    neutral = np.concatenate([frame.boxes_px[is_neutral], frame.ignored_px])
    return match_frame(found, COCO_CLASSES.index(class_name), frame.boxes_px[is_class], neutral)


def _changes(
    before: FrameMatch, after: FrameMatch, found_before: Detections, found_after: Detections
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Objects lost, gained and invented: counted in one image, not even seen in the other."""
    for box, score_before, score_after in zip(
        before.objects_px, before.found_score, after.found_score, strict=True
    ):
        if score_before >= COUNTED_SCORE and score_after < SEEN_SCORE:
            yield "lost", box
        if score_after >= COUNTED_SCORE and score_before < SEEN_SCORE:
            yield "gained", box
    seen_before = found_before.select(found_before.scores >= SEEN_SCORE)
    for index in after.false_positives:
        box = found_after.boxes_px[index]
        if found_after.scores[index] < COUNTED_SCORE:
            continue
        same_class = seen_before.class_ids == found_after.class_ids[index]
        overlaps = iou_matrix(box[np.newaxis], seen_before.boxes_px[same_class])
        if not overlaps.size or overlaps.max() < SAME_PLACE_IOU:
            yield "invented", box


def _size(box_px: npt.NDArray[np.float32]) -> str:
    height = box_px[3] - box_px[1]
    return "low" if height < 40 else "middle" if height <= 80 else "high"


def _crop(image: RgbImage, box_px: npt.NDArray[np.float32]) -> RgbImage:
    """The box with half its size around it."""
    height, width = image.shape[:2]
    around = max(box_px[2] - box_px[0], box_px[3] - box_px[1]) / 2
    left, top = (int(max(v - around, 0)) for v in box_px[:2])
    right, bottom = int(min(box_px[2] + around, width)), int(min(box_px[3] + around, height))
    return image[top : max(bottom, top + 1), left : max(right, left + 1)].copy()
