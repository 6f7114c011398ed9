# SPDX-License-Identifier: Apache-2.0
"""KITTI's labels: objects, regions that do not count, and files that are not as they should be."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.detection.kitti import find_frames

LABELS = """Car 0.00 0 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57
Pedestrian 0.00 0 -0.20 712.40 143.00 810.73 307.92 1.89 0.48 1.20 1.84 1.47 8.41 0.01
DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10

Misc 0.00 0 0 1 2 3 4 1 1 1 1 1 1 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for name in ("000001", "000000"):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((8, 8, 3), np.uint8))
        (tmp_path / "labels" / f"{name}.txt").write_text(LABELS)
    return tmp_path


def test_objects_and_uncounted_regions_are_told_apart(folder: Path):
    frames = find_frames(folder)
    assert [frame.path.name for frame in frames] == ["000000.png", "000001.png"]
    assert frames[0].classes == ("car", "person")
    np.testing.assert_allclose(frames[0].boxes_px[0], [387.63, 181.54, 423.81, 203.12])
    np.testing.assert_allclose(frames[0].ignored_px[1], [1, 2, 3, 4])


def test_a_frame_without_objects_is_a_frame(folder: Path):
    (folder / "labels/000000.txt").write_text("")
    assert find_frames(folder)[0].boxes_px.shape == (0, 4)


def test_missing_and_broken_labels_are_named(folder: Path, tmp_path: Path):
    (folder / "labels/000000.txt").write_text("Car 1 2\n")
    with pytest.raises(ValueError, match=r"000000\.txt, line 1"):
        find_frames(folder)
    (folder / "labels/000000.txt").write_bytes(b"Car \xff")
    with pytest.raises(ValueError, match=r"000000\.txt is not text"):
        find_frames(folder)
    (folder / "labels/000000.txt").unlink()
    with pytest.raises(ValueError, match=r"000000\.png has no labels"):
        find_frames(folder)
    with pytest.raises(ValueError, match="does not hold a folder images/"):
        find_frames(tmp_path / "images")
