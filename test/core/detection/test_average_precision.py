# SPDX-License-Identifier: Apache-2.0
"""Average precision against values computed by hand, and what neither counts as right nor as wrong."""

import numpy as np
import pytest

from restoregan_core.detection.average_precision import FrameMatch, average_precision, match_frame
from restoregan_core.detection.detector import Detections

NOTHING = np.zeros((0, 4), np.float32)
CAR, PERSON = 2, 0


def boxes(*lefts: float, height: float = 40) -> np.ndarray:
    return np.array([[x, 0, x + 50, height] for x in lefts], np.float32).reshape(-1, 4)


def detections(
    lefts: list[float], scores: list[float], class_id: int = CAR, height: float = 40
) -> Detections:
    order = np.argsort(-np.array(scores), kind="stable")
    ids = np.full(len(lefts), class_id, np.int64)
    return Detections(boxes(*lefts, height=height)[order], np.array(scores, np.float32)[order], ids)


def test_each_object_is_found_once_by_the_best_score():
    match = match_frame(detections([0, 5, 300], [0.5, 0.9, 0.4]), CAR, boxes(2, 100), NOTHING)
    assert match.found_score.tolist() == pytest.approx([0.9, 0])
    assert match.true_positives.tolist() == [
        True,
        False,
        False,
    ]  # a second box on the same car is a false positive
    assert match.false_positives.tolist() == [1, 2]


def test_other_classes_neither_find_nor_invent():
    match = match_frame(detections([0, 300], [0.9, 0.8], PERSON), CAR, boxes(0), NOTHING)
    assert match.found_score.tolist() == [0]
    assert not len(match.scores)


def test_detections_on_neutral_regions_and_low_objects_do_not_count():
    neutral = np.array([[190, 0, 300, 100]], np.float32)
    assert not len(match_frame(detections([200], [0.9]), CAR, boxes(0), neutral).scores)
    low = match_frame(detections([0], [0.9], height=20), CAR, boxes(0, height=20), NOTHING)
    assert not len(low.scores)
    assert not len(low.found_score)


def test_an_object_that_lies_in_a_neutral_region_is_still_found():
    match = match_frame(detections([0], [0.9]), CAR, boxes(0), np.array([[0, 0, 500, 100]], np.float32))
    assert match.true_positives.tolist() == [True]


def frame(scores: list[float], true_positives: list[bool], objects: int) -> FrameMatch:
    found = np.zeros(objects, np.float32)
    found[: sum(true_positives)] = [s for s, h in zip(scores, true_positives, strict=True) if h]
    return FrameMatch(
        np.array(scores, np.float32),
        np.array(true_positives, bool),
        found,
        boxes(*range(objects)),
        np.zeros(0, int),
    )


def test_the_area_is_the_hand_computed_one():
    # Ranked over both frames: hit (1/1), miss (1/2), hit (2/3); 4 objects. Monotone precision: 1, 2/3, 2/3.
    frames = [frame([0.9, 0.7], [True, True], 2), frame([0.8], [False], 2)]
    assert average_precision(frames) == pytest.approx((1 + 2 / 3) / 4)


def test_the_ends_of_the_scale():
    assert average_precision([frame([0.9, 0.8], [True, True], 2)]) == 1.0
    assert average_precision([frame([], [], 3)]) == 0.0
    assert average_precision([frame([0.5], [False], 1)]) == 0.0
    assert np.isnan(average_precision([frame([], [], 0)]))
