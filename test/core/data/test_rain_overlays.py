# SPDX-License-Identifier: Apache-2.0
"""Streaks from images: where they lie, how they fall, and what a wrong folder is answered with."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from restoregan_core.data.rain import apply_rain, draw_rain, streak_layer
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.rain_overlays import OverlayRanges, StreakImage, draw_overlays, overlay

AS_IT_IS = {"scale": 1.0, "turn_deg": 0.0, "mirrored": False, "brightness": 1.0, "fall_px": 20.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images of upright streaks that lean to the right, and a folder within."""
    folder = tmp_path_factory.mktemp("streaks")
    (folder / "more").mkdir()
    for number, file in enumerate((folder / "a.png", folder / "more" / "b.png")):
        image = np.zeros((120, 160), np.uint8)
        for x, y in np.random.default_rng(number).integers(10, 110, (30, 2)):
            cv2.line(image, (int(x), int(y)), (int(x) + 4, int(y) - 16), 200, 1, cv2.LINE_AA)
        cv2.imwrite(str(file), image)
    return folder


def seen(folder: Path, frame: int = 0, seed: int = 0, **changes: object) -> npt.NDArray[np.float32]:
    image = StreakImage(file=str(folder / "a.png"), **(AS_IT_IS | changes))  # type: ignore[arg-type]
    return overlay(image, np.random.default_rng(seed), 90, 130, frame)


def lean(streaks: npt.NDArray[np.float32]) -> float:
    """Direction of the streaks in degrees from the upright; positive where their tops lean to the right."""
    down, right = np.gradient(streaks.astype(np.float64))
    angle = 0.5 * np.arctan2(2 * (down * right).mean(), (right**2).mean() - (down**2).mean())
    return float(np.degrees(angle))


def test_an_image_is_seen_as_it_is_and_repeated_beyond_its_sides(folder: Path) -> None:
    whole = cv2.imread(str(folder / "a.png"), cv2.IMREAD_GRAYSCALE)[4:-4, 4:-4]
    image = StreakImage(file=str(folder / "a.png"), **(AS_IT_IS | {"brightness": 0.5}))  # type: ignore[arg-type]
    streaks = overlay(image, np.random.default_rng(3), 2 * whole.shape[0], 2 * whole.shape[1])

    assert (streaks.shape, streaks.dtype) == ((224, 304), np.float32)
    assert streaks.min() == 0
    assert streaks.max() == pytest.approx(0.5 * whole.max() / 255, rel=0.1)
    # The image four times: as much light as it has itself, wherever it begins.
    assert streaks.mean() == pytest.approx(0.5 * whole.mean() / 255, rel=0.05)
    np.testing.assert_allclose(streaks[:112], streaks[112:], atol=0.02)


def test_drops_fall_on_from_frame_to_frame(folder: Path) -> None:
    first, next_one = seen(folder), seen(folder, frame=1)

    np.testing.assert_allclose(next_one[20:], first[:-20], atol=0.02)
    assert np.abs(next_one - first).mean() > 0.01


def test_turned_and_mirrored_streaks_lean_so(folder: Path) -> None:
    upright = lean(seen(folder))
    assert upright == pytest.approx(14, abs=8)  # the ends of the streaks count, too
    assert lean(seen(folder, mirrored=True)) == pytest.approx(-upright, abs=5)
    assert lean(seen(folder, turn_deg=20.0)) == pytest.approx(upright - 20, abs=8)


def test_the_same_draw_gives_the_same_rain_and_its_record_says_of_which_file(folder: Path) -> None:
    config = RainConfig(
        sparse_weight=0,
        dense_weight=0,
        video_weight=0,
        driving_weight=0,
        overlay_weight=1,
        overlays=str(folder),
    )
    rain = draw_rain(config, np.random.default_rng(5))

    assert rain == draw_rain(config, np.random.default_rng(5))
    assert (streak_layer(rain, 60, 80) == streak_layer(rain, 60, 80)).all()
    assert not torch.equal(streak_layer(rain, 60, 80), streak_layer(replace(rain, seed=1), 60, 80))
    files = {json.loads(json.dumps(rain.to_dict()))["images"][0]["file"]}
    assert files <= {str(folder / "a.png"), str(folder / "more" / "b.png")}


def test_both_files_are_drawn_and_all_rain_brightens(folder: Path) -> None:
    config = RainConfig(
        sparse_weight=0, dense_weight=0, video_weight=0, driving_weight=0, overlay_weight=1, overlays=str(folder),
        overlay=OverlayRanges(haze_share=0.0),
    )  # fmt: skip
    clean = torch.full((3, 64, 64), 0.3)
    drawn = [draw_rain(config, np.random.default_rng(seed)) for seed in range(20)]

    assert len({image.file for rain in drawn for image in rain.images}) == 2
    for rain in drawn:
        rainy = apply_rain(clean, rain)
        assert (rainy - clean).min() >= -1e-6
        assert rainy.max() > clean.max()


def test_severity_is_brightness(folder: Path) -> None:
    ranges = OverlayRanges(brightness=(0.2, 1.0))
    for severity, brightness in ((0.0, 0.2), (0.5, 0.6), (1.0, 1.0)):
        images = draw_overlays(str(folder), ranges, np.random.default_rng(0), severity)
        assert [image.brightness for image in images] == pytest.approx([brightness] * len(images))


def test_without_a_folder_there_is_no_such_rain(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="overlay_weight=1 needs a folder of streaks in overlays"):
        RainConfig(overlay_weight=1)
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ValueError, match=folder.name):
            draw_overlays(str(folder), OverlayRanges(), np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"images": (0, 2)},
        {"scale": (0, 1)},
        {"turn_deg": 100},
        {"brightness": (1, 0.5)},
        {"light_share": 1.5},
    ],
)
def test_wrong_ranges_are_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OverlayRanges(**wrong)  # type: ignore[arg-type]
