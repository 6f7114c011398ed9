# SPDX-License-Identifier: Apache-2.0
"""What people type by mistake is answered with exit code 2 and one line that says what to do instead."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from restoregan_core.cli import main

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an image, a folder of frames, one without ground truth, and what looks like bags."""
    for name in ("one.png", "frames/0.png", "frames/1.png", "lonely/input/0.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.full((32, 32, 3), 90, np.uint8))
    for name in ("drive/drive.mcap", "drive/metadata.yaml", "old.bag", "drive.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0" * 99)
    monkeypatch.chdir(tmp_path)
    return tmp_path


MISTAKES = {
    "restor one.png out.png": "no verb 'restor' (did you mean restore?)",
    "restore one.png out.png --modle lite": "does not take --modle (did you mean --model?)",
    "restore frames/0.png frames/1.png out": "does not take out",
    "restore one.png": "required: OUTPUT; restoregan restore --help",
    "restore one.png out.png --gate snow": "choose from 'rain'",
    "restore one.png out.png --model light": "(did you mean lite?)",
    "restore https://example.org/drive.mp4 out.mp4": "https://example.org/drive.mp4 is a URL",
    "restore drive out": "drive is a ROS bag: `restoregan replay`",
    "restore old.bag out.mp4": "old.bag is a ROS bag: `restoregan replay`",
    "restore one.png restored": "restored is not a folder and has no suffix",
    "assess rtsp://camera/front": "rtsp://camera/front is a URL",
    "assess one.png --overlay one.png": "one.png is a file: name a folder",
    "evaluate --data frames": "does not hold a folder input/: pairs lie in input/ and target/; --video takes",
    "evaluate --data lonely": "does not hold a folder target/: pairs lie in input/ and target/; --video takes",
    "evaluate --data drive.mp4": "drive.mp4 is not a folder; --video takes videos",
    "evaluate --data frames --layout gopo": "no layout 'gopo' (did you mean gopro?)",
    "evaluate --data frames --csv frames": "frames is a folder: name a file in it",
    "evaluate --data frames --json nowhere/x.json": "the folder nowhere does not exist",
    "evaluate --data frames --worst one.png/worst": "one.png is a file: name a folder",
    "evaluate --data frames --weights theirs.pth": "--weights are of a --model module:factory; lite has its own",
    "export --size 32x32 --output frames": "frames is a folder: name a file in it",
    "replay drive.mp4 --output out": "drive.mp4 is not a bag",
    "replay frames --output out": "images and videos are for `restoregan assess` and `restoregan restore`",
    "replay drive --output one.png": "one.png is a file: name a folder",
    "replay drive --output out --deadline-ms 0": "the deadline is 0.0 ms; it must be above 0",
    "train lite": "restoregan train --config lite",
    "train --config lite_vidoe": "(did you mean lite_video?)",
    "synthesize rain http://example.org/a.png out": "http://example.org/a.png is a URL",
}


@pytest.mark.parametrize(("line", "answer"), MISTAKES.items())
def test_a_mistake_is_answered_in_one_line_and_nothing_is_written(line, answer, desk, capsys):
    before = sorted(desk.rglob("*"))
    assert main(shlex.split(line)) == 2
    error = capsys.readouterr().err
    assert answer in error
    assert error.count("\n") == 1
    assert sorted(desk.rglob("*")) == before


def test_images_beside_a_bag_are_restored_all_the_same(desk, capsys):
    (desk / "frames" / "old.bag").write_bytes(b"\0")
    assert main(["restore", "frames", "out", "--model", "nowhere.safetensors"]) == 2
    assert "'nowhere.safetensors' is neither a model" in capsys.readouterr().err


def test_a_device_that_this_machine_lacks_is_one_line_and_exit_code_1(desk, capsys):
    assert main(["restore", "one.png", "out.png", "--runtime", "torch", "--device", "cuda:99"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("restoregan restore: device 'cuda:99': PyTorch ")
    assert error.count("\n") == 1
