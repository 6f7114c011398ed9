# SPDX-License-Identifier: Apache-2.0
"""Clips of three frames with what is true of the last one."""

import cv2
import numpy as np
import pytest
from clips import only
from street_scene import rained_on, smeared, street

from restoregan_core.data.assessment_clips import (
    SIDE_PX,
    AssessmentClipConfig,
    drawn_clips,
    driven_clips,
    recorded_clips,
)
from restoregan_core.data.camera import CameraConfig
from restoregan_core.data.config import Folder, PairFolder
from restoregan_core.data.sensor import SensorConfig


def write(folder, frames, prefix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{prefix}{number:03d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return str(folder)


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


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drive") / "frames"
    return write(folder, [np.roll(street(), -6 * number, axis=1) for number in range(15)])


@pytest.mark.parametrize(
    ("kind", "is_rainy"), [("blur", False), ("rain", True), ("blur_rain", True), ("clean", False)]
)
def test_driven_clips_say_whether_it_rains_and_not_how_far_they_are_smeared(drive, kind, is_rainy):
    config = AssessmentClipConfig(
        videos=[Folder(path=drive)], driven=6, driven_shares=only(kind), downscale=(1, 1)
    )
    clips = list(driven_clips(config, 0))
    assert len(clips) == 6
    truth = np.array([clip.frame for clip in clips])
    assert (truth[:, 1].max() > 0.5) == is_rainy
    assert np.isnan(truth[:, 0]).all()
    for clip in clips:
        assert clip.tiles.shape[1:] == tuple(side // 64 for side in clip.frames[-1].shape[:2])


def test_driven_clips_leave_frames_out_so_that_the_scene_moves_faster(drive):
    def moved(step):
        config = AssessmentClipConfig(
            videos=[Folder(path=drive)], driven=1, driven_shares=only("clean"), driven_step=(step, step),
            downscale=(1, 1), camera=CameraConfig(soft_share=0, defocus_share=0, sharpen_share=0, tone_share=0,
            dark_share=0, grey_share=0, sensor=SensorConfig(noise_share=0, jpeg_share=0)),
        )  # fmt: skip
        first, *_, last = next(driven_clips(config, 0)).frames
        errors = {
            px: np.abs(np.roll(first, -px, axis=1)[:, :400].astype(int) - last[:, :400]).mean()
            for px in range(0, 60, 6)
        }
        return min(errors, key=errors.__getitem__)

    assert (moved(0), moved(1), moved(3)) == (0, 2 * 6, 2 * 3 * 6)


def test_streaks_are_new_in_each_frame_of_a_driven_clip(tmp_path):
    still = write(tmp_path / "still", [street()] * 5)
    config = AssessmentClipConfig(
        videos=[Folder(path=still)], driven=3, driven_shares=only("rain"), downscale=(1, 1)
    )
    for clip in driven_clips(config, 0):
        assert np.abs(clip.frames[0].astype(int) - clip.frames[-1]).max() > 10


@pytest.mark.parametrize("separator", ["/", "_"])
def test_driven_clips_stay_within_a_clip_however_far_apart_their_frames_are(separator, tmp_path):
    for number in range(4):
        folder, _, prefix = f"{number}{separator}".rpartition("/")
        write(tmp_path / folder, [np.full((70, 130, 3), 80 * (number % 2), np.uint8)] * 3, prefix)
    config = AssessmentClipConfig(
        videos=[Folder(path=str(tmp_path))], driven=12, driven_shares=only("clean"), driven_step=(1, 4),
        downscale=(1, 1),
    )  # fmt: skip
    for clip in driven_clips(config, 0):
        means = [float(frame.mean()) for frame in clip.frames]
        assert max(means) - min(means) < 20


def test_frames_apart_are_counted_from_1():
    with pytest.raises(ValueError, match="driven_step"):
        AssessmentClipConfig(driven_step=(-1, 3))


@pytest.mark.parametrize("separator", ["/", "_"])
def test_recorded_clips_are_consecutive_frames_of_one_clip(separator, tmp_path):
    """In a folder of its own, or told by the beginning of its names."""
    for name, level in (("a", 40), ("b", 90)):
        frames = [np.full((70, 130, 3), level + n, np.uint8) for n in range(4)]
        folder, _, prefix = f"{name}{separator}".rpartition("/")
        write(tmp_path / "clean" / folder, frames, prefix)
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
