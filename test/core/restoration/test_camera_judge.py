# SPDX-License-Identifier: Apache-2.0
"""Judgements of a camera's frames, over time."""

import numpy as np
import pytest

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.restoration.camera_judge import FRAMES_BEFORE, CameraJudge
from restoregan_core.restoration.history import FrameHistory


class Says:
    """Judges frames by a list of probabilities of blur."""

    name = "says"

    def __init__(self, *blur):
        self.blur = iter(blur)
        self.before = []

    def assess(self, rgb_HWC):
        p = next(self.blur)
        grid = np.full((2, 3), p, np.float32)
        return Assessment(p, 0.1, 0.2, grid, np.full_like(grid, 0.1))


class SaysOfVideo(Says):
    def assess_video(self, rgb_HWC, before):
        self.before.append(before)
        return self.assess(rgb_HWC)


def scene(seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((16, 16, 1), np.uint8))


def judged(assessor, frames, camera="front"):
    history = FrameHistory(FRAMES_BEFORE)
    judge = CameraJudge(assessor, history)
    found = []
    for frame in frames:
        history.take(camera, frame)
        found.append(judge.judge(camera, frame))
    return found, judge, history


def test_a_probability_that_swings_from_frame_to_frame_does_so_no_longer():
    swinging = [0.97, 0.3] * 10
    found, *_ = judged(SaysOfVideo(*swinging), [scene()] * 20)
    p = np.array([a.blur_probability for a in found])
    assert np.abs(np.diff(p[2:])).max() < 0.3 < np.abs(np.diff(swinging)).min()
    grids = np.array([a.blur_grid for a in found])
    np.testing.assert_allclose(grids[5], p[5], atol=1e-6)


@pytest.mark.parametrize(("early", "late", "frames"), [(0.02, 0.98, 3), (0.98, 0.02, 5)])
def test_what_begins_is_followed_within_three_frames_and_what_ends_within_five(early, late, frames):
    found, *_ = judged(SaysOfVideo(*[early] * 5, *[late] * 10), [scene()] * 15)
    p = np.array([a.blur_probability for a in found])
    assert np.abs(p[4 + frames :] - late).max() < 0.1


def test_a_shaking_camera_stays_blurred_in_the_frames_at_its_turning_points():
    found, *_ = judged(SaysOfVideo(*[0.95, 0.3, 0.8, 0.2] * 5), [scene()] * 20)
    assert min(a.blur_probability for a in found[4:]) > 0.5


def test_the_first_frame_and_a_new_scene_are_judged_on_their_own():
    found, *_ = judged(SaysOfVideo(0.9, 0.9, 0.1, 0.1), [scene(0), scene(0), scene(1), scene(1)])
    assert found[0].blur_probability == 0.9
    assert found[2].blur_probability == 0.1


def test_an_assessor_of_single_frames_is_taken_at_its_word():
    said = [0.97, 0.3, 0.9, 0.1]
    found, *_ = judged(Says(*said), [scene()] * 4)
    assert [a.blur_probability for a in found] == said


def test_what_was_published_is_judged_before_the_same_frames_and_leaves_no_trace():
    assessor = SaysOfVideo(0.9, 0.9, 0.0, 0.9)
    _, judge, history = judged(assessor, [scene()] * 2)
    published = judge.judge_published(judge.frames_before("front"), scene() // 2)
    assert published.blur_probability == 0.0
    assert assessor.before[1].current.mean() < 0.6 * assessor.before[0].current.mean()
    np.testing.assert_array_equal(assessor.before[1].aligned[0], assessor.before[0].aligned[0])
    history.take("front", scene())
    assert judge.judge("front", scene()).blur_probability == pytest.approx(0.9, abs=1e-6)


def test_a_judge_goes_on_where_another_was_stopped():
    said = [0.9, 0.2, 0.7, 0.4]
    whole, *_ = judged(SaysOfVideo(*said), [scene()] * 4)
    _, stopped, stopped_history = judged(SaysOfVideo(*said[:3]), [scene()] * 3)
    history = FrameHistory(FRAMES_BEFORE)
    judge = CameraJudge(SaysOfVideo(said[3]), history)
    history.load_state(stopped_history.state())
    judge.load_state(stopped.state())
    history.take("front", scene())
    assert judge.judge("front", scene()).blur_probability == whole[3].blur_probability
