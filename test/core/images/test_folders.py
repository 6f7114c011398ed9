# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are images, and in which order its frames were taken."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.data.config import Folder
from restoregan_core.data.video import read_frames
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.evaluation.clips import find_clips
from restoregan_core.images.folders import find_frames, find_images
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.training.config import ValidationConfig
from restoregan_core.training.validation import Validation


def write(path: Path, grey: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8, 3), grey, np.uint8))


def test_what_notebooks_and_other_systems_leave_in_a_folder_is_not_an_image(tmp_path: Path):
    for side in ("input", "target"):
        write(tmp_path / side / "1.png")
        (tmp_path / side / "._1.png").write_bytes(b"\0\5\x16\7")
        (tmp_path / side / "Thumbs.db").touch()
    write(tmp_path / "input/.ipynb_checkpoints/1-checkpoint.png")
    assert [path.name for path in find_images(tmp_path / "input")] == ["1.png"]
    assert len(find_pairs(tmp_path)) == 1


def test_a_folder_below_a_hidden_one_is_read(tmp_path: Path):
    write(tmp_path / ".cache/set/1.png")
    assert len(find_images(tmp_path / ".cache/set")) == 1


@pytest.mark.parametrize(
    "names", [("1", "2", "10", "11", "100"), ("frame_9999", "frame_10000"), ("f2_1", "f2_9", "f10_1")]
)
def test_frames_come_in_the_order_of_their_numbers(tmp_path: Path, names: tuple[str, ...]):
    for number, name in enumerate(names):
        write(tmp_path / "clip" / f"{name}.png", 2 * number)
    assert [path.stem for path in find_frames(tmp_path)] == list(names)
    assert [frame.mean() / 2 for frame in read_frames(tmp_path / "clip")] == list(range(len(names)))
    (clip,) = find_clips(tmp_path / "clip")
    assert [path.stem for path in clip.inputs] == list(names)


def test_frames_of_each_folder_stay_together(tmp_path: Path):
    for clip in ("a", "b"):
        for number in (9, 10):
            write(tmp_path / clip / f"{number}.png")
    found = [path.relative_to(tmp_path).as_posix() for path in find_frames(tmp_path)]
    assert found == ["a/9.png", "a/10.png", "b/9.png", "b/10.png"]


def test_training_and_validation_take_unpadded_frames_in_order(tmp_path: Path):
    for number in (1, 2, 9, 10, 11):
        for side in ("input", "target"):
            write(tmp_path / "pairs" / side / f"{number}.png")
    folder = Folder(path=str(tmp_path / "pairs/input"))
    assert [path.stem for path in folder.frames()] == ["1", "2", "9", "10", "11"]
    config = ValidationConfig(videos=[str(tmp_path / "pairs")], history=2, max_images=5)
    measured = Validation(config, GeneratorConfig(pixel_unshuffle=2)).folders["pairs video"]
    assert [[path.stem for path in older] for _, older in measured] == [
        [],
        ["1"],
        ["2", "1"],
        ["9", "2"],
        ["10", "9"],
    ]
