# SPDX-License-Identifier: Apache-2.0
"""What a recurrent network is shown of its own work."""

import numpy as np
import pytest

from restoregan_core.restoration.history import FrameHistory
from restoregan_core.restoration.own_answers import OwnAnswers


def scene(shift=0, height=96, width=160):
    """Large shapes, moved to the left by ``shift`` px."""
    coarse = np.random.default_rng(0).integers(0, 200, (height // 16, 2 * width // 16, 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(coarse, np.ones((16, 16, 1), np.uint8))[:, shift : shift + width])


def looked_back(*frames, path=False, parts=()):
    history = FrameHistory(2, path, recurrent=True)
    for frame in frames:
        history.take("front", frame)
    return history.look_back("front", parts=parts)


def test_the_last_answer_lies_where_the_frame_that_it_was_made_of_does():
    before, current = scene(), scene(shift=4)
    answers = OwnAnswers(recurrent=True)
    answers.keep("front", before + np.uint8(40))
    seen, answer = answers.beside("front", looked_back(before, current))
    np.testing.assert_array_equal(answer, seen + np.uint8(40))
    assert (seen[:, :150] == current[:, :150]).mean() > 0.98


def test_where_alignment_fails_neither_the_frame_before_nor_what_was_made_of_it_is_shown():
    older, before, current = (np.full((96, 160, 3), 150, np.uint8) for _ in range(3))
    current[30:70, 40:100] = 20
    answer = before + np.uint8(40)
    found = looked_back(older, before, current)
    seen, shown = found.beside(answer)
    for image in (seen, shown):
        np.testing.assert_array_equal(image[45:55, 60:80], current[45:55, 60:80])
    np.testing.assert_array_equal(shown[:, 140:], answer[:, 140:])


def test_a_frame_that_was_left_as_it_was_stands_for_its_own_answer_and_the_path_stays_last():
    found = looked_back(scene(), scene(shift=4), path=True)
    seen, answer, path = OwnAnswers(recurrent=True).beside("front", found)
    np.testing.assert_array_equal(answer, seen)
    assert (path != seen).any()


def test_windows_need_only_their_part_of_the_answer():
    frames, part = (scene(), scene(shift=4)), (slice(16, 64), slice(32, 96))
    answer = scene() + np.uint8(40)
    whole = looked_back(*frames).beside(answer)
    for found, expected in zip(looked_back(*frames, parts=[part]).beside(answer), whole, strict=True):
        np.testing.assert_array_equal(found[part], expected[part])


def test_each_camera_has_its_own_until_its_frames_are_forgotten():
    answers = OwnAnswers(recurrent=True)
    answers.keep("front", scene())
    answers.keep("rear", scene(shift=8))
    np.testing.assert_array_equal(answers.state()["rear"], scene(shift=8))
    answers.keep("rear", None)
    assert answers.state().keys() == {"front"}
    answers.reset("front")
    assert not answers.state()


def test_without_a_frame_before_no_answer_is_shown():
    answers = OwnAnswers(recurrent=True)
    answers.keep("front", scene())
    assert answers.beside("front", None) == []


def test_other_networks_keep_none():
    answers = OwnAnswers(recurrent=False)
    answers.keep("front", scene())
    assert not answers.state()


def test_what_was_saved_is_gone_on_with_and_other_things_are_refused():
    answers, resumed = OwnAnswers(recurrent=True), OwnAnswers(recurrent=True)
    answers.keep("front", scene())
    resumed.load_state(answers.state())
    np.testing.assert_array_equal(resumed.state()["front"], scene())
    with pytest.raises(ValueError, match="the last answer to 'front'"):
        resumed.load_state({"front": np.zeros((4, 4))})
