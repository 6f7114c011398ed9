# SPDX-License-Identifier: Apache-2.0
import json
import re

import cv2
import numpy as np
import pytest

from restoregan_core import cli


def scene(seed=0, height=100, width=140):
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8), (width, height))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "in" / "b.png"), scene(0))
    cv2.imwrite(str(tmp_path / "in" / "sub" / "a.jpg"), scene(1))
    (tmp_path / "in" / "notes.txt").write_text("no image")
    return tmp_path / "in"


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "drive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (140, 100))
    for seed in range(3):
        writer.write(scene(seed))
    writer.release()
    return path


def records(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_folder_gives_one_object_an_image_with_the_grids(folder, capsys):
    assert cli.main(["assess", str(folder), "--json"]) == 0
    found = records(capsys)
    assert [r["file"] for r in found] == [str(folder / "b.png"), str(folder / "sub" / "a.jpg")]
    for record in found:
        assert 0 <= record["blur"] <= 1
        assert 0 <= record["rain"] <= 1
        assert record["drops"] is None
        assert record["tile_size_px"] == 64
        assert np.shape(record["blur_grid"]) == np.shape(record["rain_grid"]) == (2, 3)
        assert "frame" not in record
        assert record["blur"] == round(record["blur"], 3)


def test_video_gives_one_object_a_frame_in_order(video, capsys):
    assert cli.main(["assess", str(video), "--json"]) == 0
    found = records(capsys)
    assert [r["frame"] for r in found] == [0, 1, 2]
    assert {r["file"] for r in found} == {str(video)}


def test_same_numbers_as_from_python(folder, capsys):
    from restoregan_core import load_assessor

    cli.main(["assess", str(folder / "b.png"), "--json"])
    rgb = cv2.cvtColor(cv2.imread(str(folder / "b.png")), cv2.COLOR_BGR2RGB)
    found = load_assessor().assess(rgb)
    (record,) = records(capsys)
    assert record["blur"] == pytest.approx(found.blur_probability, abs=5e-4)
    np.testing.assert_allclose(record["rain_grid"], found.rain_grid, atol=5e-4)


def test_without_json_a_line_for_people(folder, capsys):
    assert cli.main(["assess", str(folder / "b.png")]) == 0
    line = capsys.readouterr().out
    assert re.fullmatch(rf"{folder / 'b.png'}: blur [01]\.\d\d, rain [01]\.\d\d\n", line)


def test_overlay_is_written_for_every_frame_in_the_same_tree(folder, video, tmp_path):
    assert cli.main(["assess", str(folder), "--overlay", str(tmp_path / "out")]) == 0
    assert cv2.imread(str(tmp_path / "out" / "sub" / "a.png")).shape == (100, 140, 3)
    assert cli.main(["assess", str(video), "--overlay", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").glob("drive_00000?.png"))) == 3


def test_overlay_overwrites_nothing(folder, tmp_path, capsys):
    (tmp_path / "b.png").write_bytes(b"mine")
    assert cli.main(["assess", str(folder / "b.png"), "--overlay", str(tmp_path)]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    assert (tmp_path / "b.png").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["missing.png", "notes.txt", "empty", "broken.mp4"])
def test_what_cannot_be_read_exits_2_and_is_named(folder, name, capsys):
    (folder / "empty").mkdir()
    (folder / "broken.mp4").write_bytes(b"no video")
    assert cli.main(["assess", str(folder / name)]) == 2
    assert name in capsys.readouterr().err


def test_a_bag_gives_one_object_a_frame_with_camera_and_stamp(tmp_path, capsys):
    pytest.importorskip("rosbags")
    from restoregan_core.demo.bag import write_clip
    from restoregan_core.demo.clip import folder_clip

    (tmp_path / "frames").mkdir()
    for n in range(3):
        rgb = np.random.default_rng(n).integers(0, 256, (70, 130, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "frames" / f"{n}.png"), rgb)
    bag = tmp_path / "drive"
    write_clip(folder_clip(tmp_path / "frames"), bag)
    assert cli.main(["assess", str(bag), "--json", "--overlay", str(tmp_path / "drawn")]) == 0
    found = records(capsys)
    assert [r["frame"] for r in found] == [0, 1, 2]
    assert len({r["stamp_ns"] for r in found}) == 3
    assert {r["camera"] for r in found} == {"camera"}
    assert len(list((tmp_path / "drawn").iterdir())) == 3


def test_frames_of_a_folder_are_judged_as_those_of_a_video_if_told_so(tmp_path, capsys):
    from restoregan_core import load_pipeline

    (tmp_path / "frames").mkdir()
    frames = [cv2.GaussianBlur(np.roll(scene(3), 4 * n, axis=1), (0, 0), 1.5) for n in range(4)]
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / "frames" / f"{number}.png"), frame)
    assert cli.main(["assess", str(tmp_path / "frames"), "--video", "--json"]) == 0
    found = records(capsys)
    pipeline = load_pipeline()
    for record, frame in zip(found, frames, strict=True):
        expected = pipeline.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), restore=False).assessment
        assert record["rain"] == round(expected.rain_probability, 3)
        assert record["blur"] == round(expected.blur_probability, 3)
    cli.main(["assess", str(tmp_path / "frames"), "--json"])
    alone = records(capsys)
    assert alone[0] == found[0]
    assert alone[-1] != found[-1]


def test_video_is_for_folders(video, capsys):
    assert cli.main(["assess", str(video), "--video"]) == 2
    assert "leave it out" in capsys.readouterr().err
