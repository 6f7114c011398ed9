# SPDX-License-Identifier: Apache-2.0
"""The bare network on a video."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_generator import TINY, difference, image, loaded

from restoregan_core.restoration.restorer import NonFiniteOutputError, Restorer
from restoregan_core.restoration.video_restorer import VideoRestorer

RECURRENT = replace(TINY, history=2, path=True, recurrent=True)


def clip(count=5):
    wide = np.kron(image(12, 24, seed=1), np.ones((8, 8, 1), np.uint8))
    return [np.ascontiguousarray(wide[:, 4 * k : 4 * k + 128]) for k in range(count)]


@pytest.fixture(scope="module")
def restorer():
    return Restorer(loaded(RECURRENT), "torch")


def test_each_frame_is_restored_with_the_one_before_and_what_became_of_it(restorer):
    first, second, third = clip(3)
    answers = [restorer(first)]
    answers.append(restorer(second, [first], answers[0]))
    answers.append(restorer(third, [second, first], answers[1]))
    for found, expected in zip(map(VideoRestorer(restorer), (first, second, third)), answers, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert difference(restorer(third, [second, first]), answers[2]).max() > 2, "the answer is looked at"


def test_a_frame_that_was_restored_before_is_looked_back_at_with_what_became_of_it(restorer):
    frames = clip()
    whole = VideoRestorer(restorer)
    expected = [whole(frame) for frame in frames]
    resumed, forgetful = VideoRestorer(restorer), VideoRestorer(restorer)
    for frame, answer in zip(frames[:-1], expected[:-1], strict=True):
        resumed.skip(frame, answer)
        forgetful.skip(frame)
    np.testing.assert_array_equal(resumed(frames[-1]), expected[-1])
    assert difference(forgetful(frames[-1]), expected[-1]).max() > 2


def test_a_cut_a_gap_and_a_reset_begin_anew(restorer):
    before, frame = clip(2)
    other = image(96, 128, seed=7)
    alone = restorer(frame)
    for first, time_s, is_reset in ((other, 0.1, False), (before, 9.0, False), (before, 0.1, True)):
        camera = VideoRestorer(restorer)
        camera(first, 0.0)
        if is_reset:
            camera.reset()
        np.testing.assert_array_equal(camera(frame, time_s), alone)
    camera.reset()
    camera(before, 0.0)
    assert (camera(frame, 0.1) != alone).any(), "the one before is looked at"


def test_another_size_begins_anew_and_the_smallest_frames_are_restored(restorer):
    camera = VideoRestorer(restorer)
    for seed, size in enumerate([(64, 96), (65, 97), (64, 96), (1, 1), (2, 40)]):
        frame = image(*size, seed=seed)
        np.testing.assert_array_equal(camera(frame), restorer(frame))
        answer = camera(frame)
        assert answer.shape == frame.shape
        assert difference(answer, restorer(frame)).any(), "the second one looks back"


def test_an_answer_of_another_size_is_refused(restorer):
    with pytest.raises(ValueError, match=r"the answer to the frame before is .+, the current frame is"):
        restorer(image(32, 48), [image(32, 48)], image(32, 40))


def test_what_the_caller_does_to_a_restored_frame_changes_none_after_it(restorer):
    frames = clip(3)
    expected = list(map(VideoRestorer(restorer), frames))
    drawn_into, resumed = VideoRestorer(restorer), VideoRestorer(restorer)
    answer = expected[0].copy()
    resumed.skip(frames[0], answer)
    drawn_into(frames[0])[:] = 0
    answer[:] = 0
    for camera in (drawn_into, resumed):
        np.testing.assert_array_equal(camera(frames[1]), expected[1])


def test_what_is_no_frame_is_refused_and_forgotten(restorer):
    first, second = clip(2)
    expected = list(map(VideoRestorer(restorer), (first, second)))[1]
    camera = VideoRestorer(restorer)
    camera(first)
    for refuse in (camera, camera.skip):
        with pytest.raises(ValueError, match="image must be uint8 RGB"):
            refuse(second[..., 0])
    np.testing.assert_array_equal(camera(second), expected)


class FailsOnce:
    """A restorer whose second frame fails."""

    def __init__(self, restorer):
        self.history, self.path, self.recurrent = restorer.history, restorer.path, restorer.recurrent
        self._restorer, self._calls = restorer, 0

    def __call__(self, rgb_HWC):
        return self._restorer(rgb_HWC)

    def restore_aligned(self, rgb_HWC, aligned):
        self._calls += 1
        if self._calls == 2:
            raise NonFiniteOutputError("the second frame")
        return self._restorer.restore_aligned(rgb_HWC, aligned)


def test_a_frame_that_failed_stands_for_its_own_answer(restorer):
    first, second, third = clip(3)
    camera = VideoRestorer(FailsOnce(restorer))
    camera(first)
    with pytest.raises(NonFiniteOutputError):
        camera(second)
    np.testing.assert_array_equal(camera(third), restorer(third, [second, first]))
