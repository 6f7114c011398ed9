# SPDX-License-Identifier: Apache-2.0
"""Clips of three frames with what is true of the last one."""

import cv2
import numpy as np
import pytest
from street_scene import rained_on, smeared, street

from restoregan_core.data.assessment_clips import SIDE_PX, AssessmentClipConfig, drawn_clips, recorded_clips
from restoregan_core.data.config import Folder, PairFolder
from restoregan_core.data.degrade import Shares


def write(folder, frames):
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:03d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return str(folder)


def only(kind):
    shares = dict.fromkeys(("blur", "rain", "blur_rain", "drops", "clean", "pair"), 0.0)
    return Shares(**shares | {kind: 1.0})


@pytest.fixture(scope="module")
def stills(tmp_path_factory):
    return write(tmp_path_factory.mktemp("stills") / "sharp", [street(seed=seed) for seed in range(2)])


@pytest.mark.parametrize(("kind", "event"), [("blur", 0), ("rain", 1), ("drops", 2), ("clean", None)])
def test_drawn_clips_say_what_was_done_to_them(stills, kind, event):
    config = AssessmentClipConfig(sharp=[Folder(path=stills)], shares=only(kind), drawn=6)
    clips = list(drawn_clips(config, 0))
    assert len(clips) == 6
    truth = np.array([clip.frame for clip in clips])
    for number in range(3):
        expected = number == event or (number, kind) == (1, "drops")
        assert (np.nanmax(truth[:, number]) > 0.5) == expected
    for clip in clips:
        assert [frame.shape for frame in clip.frames] == [(SIDE_PX, SIDE_PX, 3)] * 3
        assert clip.tiles.shape == (3, 4, 4)


def test_the_same_seed_draws_the_same_clips(stills):
    config = AssessmentClipConfig(sharp=[Folder(path=stills)], drawn=2)
    for one, other in zip(drawn_clips(config, 5), drawn_clips(config, 5), strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.tiles, other.tiles)


def test_recorded_clips_are_consecutive_frames_of_one_folder(tmp_path):
    for name, level in (("a", 40), ("b", 90)):
        write(tmp_path / "clean" / name, [np.full((70, 130, 3), level + n, np.uint8) for n in range(4)])
    config = AssessmentClipConfig(videos=[Folder(path=str(tmp_path / "clean"))], recorded_step=1)
    levels = [[int(frame[0, 0, 0]) for frame in clip.frames] for clip in recorded_clips(config)]
    assert levels == [[40, 41, 42], [41, 42, 43], [90, 91, 92], [91, 92, 93]]
    assert all(not clip.frame.any() for clip in recorded_clips(config))


def test_both_sides_of_real_pairs_are_judged_by_what_is_between_them(tmp_path):
    sharp = [np.roll(street(), -3 * number, axis=1) for number in range(3)]
    for kind, degrade in (("blur", lambda frame: smeared(frame, 9, 0)), ("rain", rained_on)):
        write(tmp_path / kind / "input", [degrade(frame) for frame in sharp])
        write(tmp_path / kind / "target", sharp)
    config = AssessmentClipConfig(
        blur_pairs=[PairFolder(path=str(tmp_path / "blur"))],
        rain_pairs=[PairFolder(path=str(tmp_path / "rain"))],
        recorded_step=1,
    )
    truth = np.round([clip.frame for clip in recorded_clips(config)])
    assert truth.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]]
