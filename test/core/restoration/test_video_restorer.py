# SPDX-License-Identifier: Apache-2.0
"""The bare network on a video."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_generator import TINY, difference, image, loaded

from restoregan_core.restoration.restorer import Restorer
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
    frame, other = clip(1)[0], image(96, 128, seed=7)
    alone = restorer(frame)
    for first, time_s, is_reset in ((other, 0.1, False), (frame, 9.0, False), (frame, 0.1, True)):
        camera = VideoRestorer(restorer)
        camera(first, 0.0)
        if is_reset:
            camera.reset()
        np.testing.assert_array_equal(camera(frame, time_s), alone)


def test_an_answer_of_another_size_is_refused(restorer):
    with pytest.raises(ValueError, match="history holds a frame of"):
        restorer(image(32, 48), [image(32, 48)], image(32, 40))
