# SPDX-License-Identifier: Apache-2.0
"""Videos: every frame once, in order, at the source's rate; whole or not at all."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from videos import UNEVEN_TIMES_S, write_uneven

from restoregan_core.images.video_files import VideoFrame, VideoReader, is_video, read_timing, restore_video


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


def unchanged(frame: VideoFrame) -> np.ndarray:
    return frame.rgb_HWC


def test_every_frame_is_restored_once_in_order_as_rgb(video: Path, tmp_path: Path):
    seen, ticks = [], []

    def restore(frame: VideoFrame) -> np.ndarray:
        seen.append(frame.rgb_HWC[0, 0].astype(int))
        return 255 - frame.rgb_HWC

    output = tmp_path / "out.mkv"
    assert restore_video(video, output, restore, ticks.append) == ()
    assert ticks == [12] * 12, "each frame is counted, and of how many it is one"
    assert np.abs(np.array(seen) - [[200, 20, 10 * i] for i in range(12)]).max() <= 3
    written = frames(output)
    assert len(written) == 12
    for index, frame in enumerate(written):
        assert np.abs(frame[0, 0].astype(int) - (255 - seen[index])).max() <= 3
    assert cv2.VideoCapture(str(output)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov", ".avi"])
def test_usual_formats_can_be_written(video: Path, tmp_path: Path, suffix: str):
    restore_video(video, tmp_path / f"out{suffix}", unchanged)
    assert read_timing(tmp_path / f"out{suffix}").count == 12


@pytest.fixture(params=[("in.mkv", "ffv1"), ("in.mp4", "mpeg4")], ids=["mkv", "mp4"])
def uneven(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Frames at ``UNEVEN_TIMES_S``; what the header says of rate and number is far off in the .mkv."""
    name, codec = request.param
    return write_uneven(tmp_path / name, codec)


def test_frames_that_are_not_evenly_spaced_come_with_their_own_times(uneven: Path):
    with VideoReader(uneven) as video:
        frames = list(video)
    assert [frame.time_s for frame in frames] == pytest.approx(UNEVEN_TIMES_S, abs=0.002)
    assert [frame.rgb_HWC[0, 0, 0] for frame in frames] == pytest.approx(np.arange(17) * 10, abs=3)


def test_an_uneven_video_is_restored_at_its_mean_rate_which_is_said(uneven: Path, tmp_path: Path):
    times_s = []

    def restore(frame: VideoFrame) -> np.ndarray:
        times_s.append(frame.time_s)
        return frame.rgb_HWC

    (note,) = restore_video(uneven, tmp_path / "out.mp4", restore)
    assert "not evenly spaced; written at their mean rate of 4.85 per second" in note
    assert "by up to 0.96 s" in note
    assert times_s == pytest.approx(UNEVEN_TIMES_S, abs=0.002)
    timing = read_timing(tmp_path / "out.mp4")
    assert (timing.count, timing.rate_hz) == (17, pytest.approx(16 / 3.3, rel=0.01)), "as long as its source"


def test_frames_that_cannot_be_decoded_are_said_to_be_missing(video: Path, tmp_path: Path):
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    notes = restore_video(video, tmp_path / "out.mkv", unchanged)
    assert any("frames could be decoded" in note for note in notes)


def test_a_fault_on_the_way_leaves_no_file(video: Path, tmp_path: Path):
    calls = []

    def fail(frame: VideoFrame) -> np.ndarray:
        calls.append(1)
        if len(calls) == 5:
            raise RuntimeError("network")
        return frame.rgb_HWC

    with pytest.raises(RuntimeError, match="network"):
        restore_video(video, tmp_path / "out.mkv", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


def test_nothing_is_overwritten(video: Path, tmp_path: Path):
    (tmp_path / "out.mkv").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"out\.mkv exists"):
        restore_video(video, tmp_path / "out.mkv", unchanged)
    assert (tmp_path / "out.mkv").read_bytes() == b"precious"


def test_bad_videos_are_named(video: Path, tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"text\.mp4 is not a readable video"):
        restore_video(tmp_path / "text.mp4", tmp_path / "o.mp4", unchanged)
    with pytest.raises(ValueError, match=r"none\.mp4 is not a file"):
        VideoReader(tmp_path / "none.mp4")
    with pytest.raises(ValueError, match=rf"{video.name}: frames of .* more than the 100 allowed"):
        VideoReader(video, max_pixels=100)
    with pytest.raises(ValueError, match=r"cannot write a video \.png"):
        restore_video(video, tmp_path / "o.png", unchanged)


def test_videos_are_known_by_their_suffix():
    assert is_video(Path("a.MP4"))
    assert not is_video(Path("a.png"))


@pytest.mark.parametrize(
    ("suffix", "atol"), [(".mkv", 0), (".mp4", 12), (".webm", 12), (".avi", 12), (".mov", 12)]
)
@pytest.mark.parametrize(("height", "width"), [(47, 63), (1, 1)])
def test_the_last_row_and_column_of_an_odd_size_are_kept(tmp_path: Path, suffix, atol, height, width):
    av = pytest.importorskip("av", reason="OpenCV writes no video of an odd size")
    smooth = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8), (width, height))
    with av.open(str(tmp_path / "odd.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(smooth, format="rgb24")))
        container.mux(stream.encode(None))
    output = tmp_path / f"out{suffix}"
    restore_video(tmp_path / "odd.mkv", output, unchanged)
    written = frames(output)
    assert [frame.shape for frame in written] == [(height + 1, width + 1, 3)] * 3
    rows, columns = np.minimum(range(height + 1), height - 1), np.minimum(range(width + 1), width - 1)
    difference = np.abs(written[2].astype(int) - smooth[np.ix_(rows, columns)])
    assert difference.mean() <= atol


def test_frames_of_a_video_with_b_frames_come_in_the_order_they_are_shown(tmp_path: Path):
    av = pytest.importorskip("av", reason="B-frames are made by PyAV")
    with av.open(str(tmp_path / "b.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"bf": "3", "g": "8"}
        for number in range(12):
            grey = np.full((48, 64, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    seen: list[float] = []

    def look(frame: VideoFrame) -> np.ndarray:
        seen.append(frame.rgb_HWC.mean())
        return frame.rgb_HWC

    restore_video(tmp_path / "b.mp4", tmp_path / "o.mkv", look)
    np.testing.assert_allclose(seen, np.arange(12) * 20, atol=6)


def test_a_phones_video_is_restored_upright(video: Path, tmp_path: Path):
    restore_video(video, tmp_path / "flat.mp4", unchanged)
    content = bytearray((tmp_path / "flat.mp4").read_bytes())
    at = content.find(b"tkhd") + 4 + 40  # the matrix of a track header (ISO/IEC 14496-12, 8.3.2)
    quarter_turn = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    content[at : at + 36] = quarter_turn
    (tmp_path / "phone.mp4").write_bytes(content)
    restore_video(tmp_path / "phone.mp4", tmp_path / "out.mp4", unchanged)
    assert {frame.shape for frame in frames(tmp_path / "out.mp4")} == {(64, 48, 3)}


def test_a_recording_that_never_got_its_index_is_refused_by_name(video: Path, tmp_path: Path):
    restore_video(video, tmp_path / "whole.mp4", unchanged)
    content = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "dashcam.mp4").write_bytes(content[: content.find(b"moov") - 4])
    with pytest.raises(ValueError, match=r"dashcam\.mp4 is not a readable video"):
        restore_video(tmp_path / "dashcam.mp4", tmp_path / "o.mp4", unchanged)
    assert not (tmp_path / "o.mp4").exists()
