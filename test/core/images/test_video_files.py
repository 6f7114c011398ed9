# SPDX-License-Identifier: Apache-2.0
"""Videos: every frame once, in order, at the source's rate; whole or not at all."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.images.video_files import count_frames, is_video, open_video, restore_video


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """12 frames, each of one grey that says its number; lossless."""
    path = tmp_path / "in.mkv"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 12.5, (64, 48))
    for index in range(12):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[...] = (10 * index, 20, 200)  # BGR
        writer.write(frame)
    writer.release()
    return path


def frames(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    read = []
    while (answer := capture.read())[0]:
        read.append(answer[1][..., ::-1])
    return read


def test_every_frame_is_restored_once_in_order_as_rgb(video: Path, tmp_path: Path):
    seen, ticks = [], []

    def restore(rgb: np.ndarray) -> np.ndarray:
        seen.append(rgb[0, 0].astype(int))
        return 255 - rgb

    output = tmp_path / "out.mkv"
    assert restore_video(video, output, restore, lambda: ticks.append(1)) == len(ticks) == 12
    assert np.abs(np.array(seen) - [[200, 20, 10 * i] for i in range(12)]).max() <= 3
    written = frames(output)
    assert len(written) == 12
    for index, frame in enumerate(written):
        assert np.abs(frame[0, 0].astype(int) - (255 - seen[index])).max() <= 3
    assert cv2.VideoCapture(str(output)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_usual_formats_can_be_written(video: Path, tmp_path: Path, suffix: str):
    restore_video(video, tmp_path / f"out{suffix}", np.copy)
    assert count_frames(tmp_path / f"out{suffix}") == 12


def test_a_fault_on_the_way_leaves_no_file(video: Path, tmp_path: Path):
    calls = []

    def fail(rgb: np.ndarray) -> np.ndarray:
        calls.append(1)
        if len(calls) == 5:
            raise RuntimeError("network")
        return rgb

    with pytest.raises(RuntimeError, match="network"):
        restore_video(video, tmp_path / "out.mkv", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


def test_nothing_is_overwritten(video: Path, tmp_path: Path):
    (tmp_path / "out.mkv").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"out\.mkv exists"):
        restore_video(video, tmp_path / "out.mkv", np.copy)
    assert (tmp_path / "out.mkv").read_bytes() == b"precious"


def test_bad_videos_are_named(video: Path, tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"text\.mp4 is not a readable video"):
        restore_video(tmp_path / "text.mp4", tmp_path / "o.mp4", np.copy)
    with pytest.raises(ValueError, match=r"none\.mp4 is not a file"):
        count_frames(tmp_path / "none.mp4")
    with pytest.raises(ValueError, match=rf"{video.name}: frames of .* more than the 100 allowed"):
        open_video(video, max_pixels=100)
    with pytest.raises(ValueError, match=r"cannot write a video \.png"):
        restore_video(video, tmp_path / "o.png", np.copy)


def test_videos_are_known_by_their_suffix():
    assert is_video(Path("a.MP4"))
    assert not is_video(Path("a.png"))
