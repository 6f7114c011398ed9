# SPDX-License-Identifier: Apache-2.0
"""Which frames belong to one clip, and which ground truth to which frame."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import clean_clip, rained_on, write_frames

from restoregan_core.evaluation.clips import VideoSet, find_clips


def test_subfolders_are_clips_of_their_own_with_their_targets(tmp_path: Path):
    for scene, seed in (("b", 3), ("a", 4)):
        write_frames(tmp_path / "input" / scene, rained_on(clean_clip(seed)))
        write_frames(tmp_path / "target" / scene, clean_clip(seed))
    clips = find_clips(tmp_path)
    assert [len(clip.inputs) for clip in clips] == [4, 3]  # a before b
    frames = list(clips[0].frames())
    assert [frame.file for frame in frames] == [f"input/a/{t:04d}.png" for t in range(4)]
    for frame, clean, rainy in zip(frames, clean_clip(4), rained_on(clean_clip(4)), strict=True):
        np.testing.assert_array_equal(frame.image, rainy)
        np.testing.assert_array_equal(frame.target, clean)


@pytest.mark.parametrize("below", ["input", ""])
def test_frames_without_targets_are_real_video(tmp_path: Path, below: str):
    write_frames(tmp_path / "drive" / below, clean_clip(3))
    (clip,) = find_clips(tmp_path / "drive")
    assert [frame.file for frame in clip.frames()] == ["0000.png", "0001.png", "0002.png"]
    assert not VideoSet("drive", (clip,)).has_truth


@pytest.mark.parametrize("with_targets", [True, False])
def test_clean_frames_are_their_own_ground_truth(tmp_path: Path, with_targets: bool):
    write_frames(tmp_path / "target", clean_clip(3))
    if with_targets:
        write_frames(tmp_path / "input", rained_on(clean_clip(3)))
    source = tmp_path if with_targets else tmp_path / "target"
    (clip,) = find_clips(source, clean=True)
    for frame, clean in zip(clip.frames(), clean_clip(3), strict=True):
        np.testing.assert_array_equal(frame.image, clean)
        np.testing.assert_array_equal(frame.target, clean)


def test_a_video_file_is_one_clip(tmp_path: Path):
    frames = clean_clip(4)
    writer = cv2.VideoWriter(
        str(tmp_path / "drive.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, frames[0].shape[1::-1]
    )
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    (clip,) = find_clips(tmp_path / "drive.avi")
    read = list(clip.frames())
    assert [frame.file for frame in read] == [f"drive.avi#{t}" for t in range(4)]
    assert all(frame.target is None for frame in read)
    for frame, drawn in zip(read, frames, strict=True):
        assert np.abs(frame.image.astype(int) - drawn).mean() < 6
    (clean,) = find_clips(tmp_path / "drive.avi", clean=True)
    assert all(np.array_equal(frame.image, frame.target) for frame in clean.frames())


def test_what_is_not_a_clip_is_refused_before_anything_is_measured(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("dry")
    with pytest.raises(ValueError, match=r"notes\.txt is neither a folder nor a video"):
        find_clips(tmp_path / "notes.txt")
    write_frames(tmp_path / "alone/target", clean_clip(3))
    with pytest.raises(ValueError, match="holds target/ but no input/: --clean"):
        find_clips(tmp_path / "alone")
    two = VideoSet("two", find_clips(write_frames(tmp_path / "two", clean_clip(2))))
    with pytest.raises(ValueError, match="2 frames; a video needs at least 3"):
        two.check()
    folder = write_frames(tmp_path / "mixed", clean_clip(3))
    cv2.imwrite(str(folder / "0001.png"), np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(ValueError, match=r"0001\.png is 40x50, but its clip began with 96x128"):
        VideoSet("mixed", find_clips(folder)).check()


def test_checking_counts_every_frame(tmp_path: Path):
    for scene in ("a", "b"):
        write_frames(tmp_path / scene, clean_clip(3))
    checked = []
    assert VideoSet("both", find_clips(tmp_path)).check(lambda: checked.append(1)) == 6 == len(checked)
