# SPDX-License-Identifier: Apache-2.0
"""What restoration does to a detector, on a street where cars are white boxes and the detector knows it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.detection.detector import COCO_CLASSES, Detections
from restoregan_core.detection.evaluation import (
    Condition,
    ConditionResult,
    conditions,
    evaluate_condition,
    summarise,
)
from restoregan_core.detection.kitti import LabelledFrame, find_frames
from restoregan_core.detection.page import write_page

CLEAN = Condition("clean", 0.0)


@pytest.fixture
def frames(tmp_path: Path) -> list[LabelledFrame]:
    """Four frames with two white cars each; every car has a place of its own."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for index in range(4):
        image = np.full((120, 300, 3), 60, np.uint8)
        lines = []
        for left in (20 + 10 * index, 180):
            image[50:90, left : left + 60] = 255
            lines.append(f"Car 0 0 0 {left} 50 {left + 60} 90 1 1 1 1 1 1 1")
        cv2.imwrite(str(tmp_path / f"images/{index}.png"), image)
        (tmp_path / f"labels/{index}.txt").write_text("\n".join(lines))
    return find_frames(tmp_path)


def detect(image: np.ndarray) -> Detections:
    """Bright rectangles are cars, the brighter the surer."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 1] > 90).astype(np.uint8))
    found = []
    for x, y, width, height, area in stats[1:count]:
        if area > 200:
            found.append((image[y + height // 2, x + width // 2, 1] / 255, (x, y, x + width, y + height)))
    found.sort(key=lambda item: -item[0])
    return Detections(
        np.array([box for _, box in found], np.float32).reshape(-1, 4),
        np.array([score for score, _ in found], np.float32),
        np.full(len(found), COCO_CLASSES.index("car"), np.int64),
    )


def erase_right_car(image: np.ndarray) -> np.ndarray:
    erased = image.copy()
    erased[:, 170:] = 60
    return erased


def invent_car(image: np.ndarray) -> np.ndarray:
    invented = image.copy()
    invented[5:40, 100:150] = 250
    return invented


def evaluate(
    frames: list[LabelledFrame], restore, gate=np.copy, condition: Condition = CLEAN
) -> ConditionResult:
    return evaluate_condition(condition, frames, detect, restore, gate)


def test_a_network_that_changes_nothing_makes_no_difference(frames: list[LabelledFrame]):
    summary = summarise(evaluate(frames, np.copy))
    cars = summary["views"]["restored"]["car"]
    assert summary["views"]["degraded"]["car"]["average_precision"]["mean"] == 1.0
    assert cars["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "count": 4}
    assert cars["lost"] == cars["gained"] == cars["invented"] == {}
    assert cars["objects"] == cars["found"] == 8
    assert summary["touched_by_gate"] == 0
    assert "person" not in summary["views"]["degraded"]  # none labelled: nothing to say


def test_erased_cars_are_lost_and_cost_precision_for_sure(frames: list[LabelledFrame]):
    result = evaluate(frames, erase_right_car)
    cars = summarise(result)["views"]["restored"]["car"]
    assert cars["lost"] == {"middle": 4}
    assert cars["difference"]["high"] < 0
    event = result.events[0]
    assert (event.what, event.view, event.frame) == ("lost", "restored", "0.png")
    assert event.before.max() == 255
    assert event.after.max() < 90


def test_invented_cars_are_counted_where_there_was_nothing(frames: list[LabelledFrame]):
    cars = summarise(evaluate(frames, invent_car))["views"]["restored"]["car"]
    assert cars["invented"] == {"low": 4}
    assert cars["lost"] == {}


def test_the_gated_view_is_judged_on_its_own(frames: list[LabelledFrame]):
    summary = summarise(evaluate(frames, np.copy, gate=erase_right_car))
    assert summary["touched_by_gate"] == 4
    assert summary["views"]["gated"]["car"]["lost"] == {"middle": 4}
    assert summary["views"]["restored"]["car"]["lost"] == {}


def test_cars_that_come_back_are_gained(frames: list[LabelledFrame]):
    originals = {p.path.name: cv2.imread(str(p.path)) for p in frames}
    for frame in frames:  # the right car is nearly black in the images
        image = originals[frame.path.name].copy()
        image[50:90, 180:240] = 61
        cv2.imwrite(str(frame.path), image)

    def restore(image: np.ndarray) -> np.ndarray:
        restored = image.copy()
        restored[50:90, 180:240] = 255
        return restored

    cars = summarise(evaluate(frames, restore))["views"]["restored"]["car"]
    assert cars["gained"] == {"middle": 4}
    assert cars["difference"]["low"] > 0


@pytest.mark.parametrize("kind", ["blur", "rain"])
def test_degraded_frames_are_the_same_at_every_run_and_differ_from_the_clean(
    frames: list[LabelledFrame], kind: str
):
    seen: list[np.ndarray] = []

    def keep(image: np.ndarray) -> np.ndarray:
        seen.append(image)
        return image

    for _ in range(2):
        evaluate(frames[:1], keep, condition=Condition(kind, 1.0))
    np.testing.assert_array_equal(seen[0], seen[1])
    assert np.abs(seen[0].astype(int) - cv2.imread(str(frames[0].path))).mean() > 1


def test_draws_differ_and_a_frame_stays_one_unit_of_the_interval(frames: list[LabelledFrame]):
    seen: list[np.ndarray] = []
    result = evaluate_condition(
        Condition("rain", 0.5), frames[:2], detect, lambda p: seen.append(p) or p, np.copy, draws=3
    )
    assert len(seen) == 6
    assert len({image.tobytes() for image in seen}) == 6
    summary = summarise(result)
    assert (summary["frames"], summary["draws"]) == (2, 3)
    cars = summary["views"]["restored"]["car"]
    assert cars["difference"]["count"] == 2
    assert cars["objects"] == 2 * 2 * 3

    # Only the first frame's car is ever lost: an interval that took draws for scenes would exclude 0.
    first = {image.tobytes() for image in seen[:3]}
    erased = evaluate_condition(
        Condition("rain", 0.5), frames[:2], detect,
        lambda p: erase_right_car(p) if p.tobytes() in first else p, np.copy, draws=3,
    )  # fmt: skip
    assert summarise(erased)["views"]["restored"]["car"]["difference"]["high"] == 0.0


def test_clean_frames_are_seen_once_whatever_the_draws(frames: list[LabelledFrame]):
    result = evaluate_condition(CLEAN, frames, detect, np.copy, np.copy, draws=5)
    assert summarise(result)["draws"] == 1
    assert len(result.matches["gated"]["car"]) == 4


def test_four_severities_of_three_kinds_and_the_clean_frames():
    plan = conditions()
    assert plan[0] == CLEAN
    assert len(plan) == 13
    assert str(plan[1]) == "blur 0.1"
    assert [str(c) for c in conditions([0.7], ["blur_rain"])] == ["clean", "blur_rain 0.7"]


def test_the_page_shows_every_changed_object_and_is_one_file(frames: list[LabelledFrame], tmp_path: Path):
    result = evaluate(frames, erase_right_car)
    content = {
        "model": "<lite>",
        "preset": "balanced",
        "detector": "test",
        "frames": 4,
        "draws": 1,
        "conditions": [summarise(result)],
    }
    json.dumps(content, allow_nan=False)
    write_page(tmp_path / "page.html", content, result.events)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<details>") == 4
    assert page.count("data:image/jpeg;base64,") == 8
    assert "&lt;lite&gt;" in page
    assert "http" not in page
