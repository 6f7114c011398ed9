# SPDX-License-Identifier: Apache-2.0
"""The demo, with an untrained network and a short stretch: real processes, real DDS, a real report."""

import json
import math
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import cv2
import dds_segments
import numpy as np
import psutil
import pytest
from ros_probe import wait_until
from videos import write_uneven

from restoregan_core.bags.reader import open_bag
from restoregan_core.demo import bag as demo_bag
from restoregan_core.demo.clip import folder_clip, parse_degradations, street_clip, video_clip
from restoregan_core.demo.degrade import RainShower, mean_light, turned, veiled
from restoregan_core.demo.results import Results
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.report.report import FrameRow
from restoregan_ros import demo

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.integers(0, 256, (96, 160, 3), dtype=np.uint8), (5, 5), 0)
    for number in range(4):
        cv2.imwrite(str(folder / f"{number:03}.png"), np.roll(scene, 3 * number, 1))
    return folder


@pytest.fixture
def untrained(tmp_path: Path) -> str:
    from restoregan_core.zoo import build_generator, save_generator

    save_generator(build_generator("lite"), tmp_path / "untrained.safetensors", {})
    return str(tmp_path / "untrained.safetensors")


def test_the_street_shows_all_four_conditions_and_its_truth_is_sharp() -> None:
    frames = list(street_clip(seconds=0.4, rate_hz=10, height=72, width=128).frames)
    assert [frame.condition for frame in frames] == ["clean", "blur", "rain", "blur and rain"]
    clean, *degraded = frames
    assert np.array_equal(clean.image, clean.truth)
    for frame in degraded:
        assert frame.truth is not None
        assert psnr_rgb(frame.image, frame.truth) < 35
    detail = [cv2.Laplacian(image, cv2.CV_32F).var() for image in (degraded[0].image, degraded[0].truth)]
    assert detail[0] < 0.7 * detail[1]


def test_the_street_is_the_same_each_time() -> None:
    first, second = (
        list(street_clip(seconds=0.2, rate_hz=10, height=72, width=128).frames) for _ in range(2)
    )
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


def test_light_is_averaged_not_pixel_values() -> None:
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert mean_light([black, white])[0, 0, 0] == round(255 * 0.5 ** (1 / 2.2))


def test_turning_by_nothing_changes_nothing() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert np.array_equal(turned(frame, 54.0, 0.0, 0.0, 0.0), frame)


def test_rain_moves_from_frame_to_frame_and_only_adds_light_to_a_dark_scene() -> None:
    shower, night = RainShower(96, 160), np.full((96, 160, 3), 30, np.uint8)
    first, second = (shower.fall_on(night, time_s, 0.012) for time_s in (1.0, 1.1))
    assert not np.array_equal(first, second)
    assert (first >= night).all()
    assert (first > 90).mean() > 0.002  # streaks that one sees


def test_the_ground_truth_of_rain_has_its_veil_and_no_streaks() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    shower, truth = RainShower(96, 160), veiled(scene)
    rainy = shower.fall_on(scene, 1.0, 0.012)
    without_streaks = shower.streaks(1.0, 0.012) == 0
    assert np.array_equal(rainy[without_streaks], truth[without_streaks])
    assert (truth[scene < 100] > scene[scene < 100]).all()


def test_a_folder_is_played_in_the_order_of_its_names(photographs: Path) -> None:
    clip = folder_clip(photographs)
    frames = list(clip.frames)
    assert (clip.count, [frame.time_s for frame in frames]) == (4, [0.0, 0.1, 0.2, 0.3])
    assert all(frame.truth is None and frame.condition == "" for frame in frames)


def test_a_degraded_clip_keeps_its_frames_as_truth(photographs: Path, tmp_path: Path) -> None:
    conditions = demo_bag.write_clip(folder_clip(photographs, ("blur", "rain")), tmp_path / "bag")
    assert list(conditions.values()) == ["blur and rain"] * 4
    with open_bag(tmp_path / "bag") as bag:
        assert {name: topic.count for name, topic in bag.topics.items()} == {
            "/camera/image_raw": 4, "/camera/camera_info": 4, "/truth/image_raw": 4,
        }  # fmt: skip


def test_what_is_not_a_video_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("nothing")
    with pytest.raises(ValueError, match=r"notes\.mp4 is not a readable video"):
        video_clip(tmp_path / "notes.mp4")


def test_frames_of_a_video_keep_their_own_times_in_the_bag(tmp_path: Path) -> None:
    times_s = (0.0, 0.1, 0.2, 1.7, 1.75)
    video = write_uneven(tmp_path / "uneven.mkv", times_s=times_s)
    for clip in (video_clip(video), video_clip(video, ("blur",))):
        assert [frame.time_s for frame in clip.frames] == pytest.approx(times_s)
    assert len(list(video_clip(video, max_seconds=1.0).frames)) == 3


def test_degradations_are_checked() -> None:
    assert parse_degradations("rain, blur") == ("rain", "blur")
    with pytest.raises(ValueError, match="cannot degrade by 'snow'; there are: blur, rain"):
        parse_degradations("snow")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--video", "nowhere.mp4"], "no such file or folder: nowhere.mp4"),
        (["--camera", "/front"], "--camera names a topic of a bag"),
        (["--degrade", "rain"], "--degrade needs a clip of yours"),
        (["--model", "nobody"], "'nobody' is neither a model"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main([*arguments, "--output", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert complaint in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("option", ["--bag", "--video"])
def test_a_clip_in_the_demos_own_folder_is_refused_and_stays(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "out/source/mine"
    clip.mkdir(parents=True)
    assert demo.main([option, str(clip), "--output", str(tmp_path / "out")]) == 2
    assert "move it elsewhere" in capsys.readouterr().err
    assert clip.exists()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [("--video", "does not hold any images"), ("--bag", "does not hold an .mcap or .db3 file")],
)
def test_a_clip_that_cannot_be_played_leaves_the_last_demo_alone(
    option: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    last = tmp_path / "out/recorded/recorded.mcap"
    last.parent.mkdir(parents=True)
    last.touch()
    assert demo.main([option, str(tmp_path / "empty"), "--output", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err
    assert last.exists()


def test_a_node_that_cannot_start_ends_the_demo_with_its_log(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restoregan_core.zoo.load_generator", lambda name: None)  # as if it were there
    arguments = ["--video", str(photographs), "--model", "nobody", "--output", str(tmp_path / "out")]
    assert demo.main(arguments) == 1
    assert "cannot load its network" in capsys.readouterr().err


def results_of(superseded: int, reasons: Sequence[str]) -> Results:
    number = dict.fromkeys({f.name for f in fields(FrameRow)}, 0.0)
    rows = [FrameRow(**{**number, "action": "", "reason": reason, "condition": ""}) for reason in reasons]
    return Results(rows, [], superseded + len(rows), superseded, 0, "lite", (96, 160))


def test_where_many_frames_come_too_late_the_demo_says_what_to_do() -> None:
    assert not demo.remedy_for_late_frames(results_of(1, ["none"] * 8 + ["deadline"]), rate=1.0)
    line = demo.remedy_for_late_frames(results_of(2, ["none"] * 7 + ["deadline"]), rate=1.0)
    assert "of 10 frames 2 were superseded" in line
    assert "1 missed the deadline" in line
    assert line.endswith("--rate 0.5 (make demo RATE=0.5)")


@pytest.mark.slow
def test_a_clip_goes_through_the_node_into_a_report(
    photographs: Path, untrained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--video", str(photographs), "--degrade", "rain", "--model", untrained]
    code = demo.main([*arguments, "--preset", "always", "--output", str(tmp_path / "out")])
    assert code == 0, capsys.readouterr().err
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["frames_sent"] == 4
    assert content["frames_unseen"] == 0, "node and recorder listened before the player began"
    assert 1 <= content["frames_accepted"] == len(content["frames"])
    assert content["frames_accepted"] + content["frames_superseded"] + content["frames_unseen"] == 4
    assert content["images_missing"] == 0
    assert sum(content["actions"].values()) == content["frames_accepted"]
    (quality,) = content["quality"]
    assert quality["condition"] == "rain"
    assert math.isfinite(quality["psnr_after"])
    assert 0 < content["latency_ms"]["p50"] <= content["latency_ms"]["max"]
    assert "data:image/jpeg" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_asked_to_end_ends_its_processes_and_leaves_no_shared_memory(
    number: signal.Signals, photographs: Path, untrained: str, tmp_path: Path
) -> None:
    arguments = ["--video", str(photographs), "--model", untrained, "--output", str(tmp_path / "out")]
    shown = subprocess.Popen(
        [sys.executable, "-m", "restoregan_ros.demo", *arguments],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = tmp_path / "out/logs/node.log"
    wait_until(lambda: log.is_file() and "active: " in log.read_text(), 300, "a node that is active")
    children = psutil.Process(shown.pid).children(recursive=True)
    made = set().union(*(dds_segments.made_by(child.pid) for child in children))
    assert made
    shown.send_signal(number)
    said = shown.communicate(timeout=120)[1]
    assert (shown.returncode, said.strip()) == (130, "demo: interrupted")
    assert not [child for child in children if child.is_running()]
    assert not made & {file.name for file in dds_segments.FOLDER.iterdir()}
