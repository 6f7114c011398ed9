# SPDX-License-Identifier: Apache-2.0
"""Promises about blur made of frames: continuous, in linear light, and nothing moves where nothing moved."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.data.blur import GAMMA
from restoregan_core.data.video import average_frames, read_frames, windows


def scene(shift_px: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (14, 22, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (176, 112), interpolation=cv2.INTER_CUBIC)
    matrix = np.array([[1, 0, shift_px], [0, 1, 0]], np.float32)
    moved = cv2.warpAffine(wide, matrix, (176, 112), borderMode=cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(moved[8:104, 24:152])


def test_frames_at_rest_average_to_themselves() -> None:
    assert np.abs(average_frames([scene()] * 3).astype(int) - scene()).max() <= 1


def test_an_average_of_two_frames_is_that_of_their_light() -> None:
    dark, bright = np.full((32, 32, 3), 40, np.uint8), np.full((32, 32, 3), 220, np.uint8)
    expected = ((40 / 255) ** GAMMA / 2 + (220 / 255) ** GAMMA / 2) ** (1 / GAMMA) * 255
    assert abs(float(average_frames([dark, bright]).mean()) - expected) < 1
    assert abs(float(average_frames([dark, bright], linear_light=False).mean()) - 130) < 1


def test_sub_frames_come_nearer_to_the_continuous_exposure_than_the_frames_alone() -> None:
    truth = (
        np.mean([(scene(x) / 255.0) ** GAMMA for x in np.linspace(0, 12, 49)], axis=0) ** (1 / GAMMA) * 255
    )
    frames = [scene(x) for x in (0, 6, 12)]
    inside = (slice(None), slice(16, -16))
    error = np.abs(average_frames(frames)[inside] - truth[inside]).mean()
    without = np.abs(average_frames(frames, max_between=0)[inside] - truth[inside]).mean()
    assert error < 0.6 * without


def test_windows_do_not_overlap_and_drop_what_is_left() -> None:
    frames = [np.full((2, 2, 3), n, np.uint8) for n in range(8)]
    assert [[int(f[0, 0, 0]) for f in window] for window in windows(frames, 3)] == [[0, 1, 2], [3, 4, 5]]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path, write_image) -> None:
    for number in (2, 0, 1):
        write_image(tmp_path / f"{number:03d}.png", seed=number)
    first = cv2.imread(str(tmp_path / "000.png"))[..., ::-1]
    frames = list(read_frames(tmp_path))
    assert len(frames) == 3
    assert np.array_equal(frames[0], first)
    write_image(tmp_path / "003.png", height=44)
    with pytest.raises(ValueError, match=r"003\.png is 44x48"):
        list(read_frames(tmp_path))


def test_what_is_not_a_video_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"clip\.mp4 is not a readable video"):
        list(read_frames(tmp_path / "clip.mp4"))
