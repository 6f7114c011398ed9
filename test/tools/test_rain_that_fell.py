# SPDX-License-Identifier: Apache-2.0
"""From a filmed rain to training data: ground truth of it, and its streaks as overlays."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.data.rain import draw_rain, streak_layer
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.images.folders import read_rgb

ROOT = Path(__file__).resolve().parents[2]


def run(tool: str, *folders: Path) -> None:
    subprocess.run(
        [sys.executable, f"tools/{tool}.py", *map(str, folders)], cwd=ROOT, check=True, timeout=120
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A camera that stands, seven frames; in each one other streaks, and a leaf that moves."""
    folder = tmp_path_factory.mktemp("rain")
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(20, 130, (15, 20, 3)), np.ones((8, 8, 1)))  # what flow holds on to
    scene = cv2.GaussianBlur(blocks + rng.integers(0, 30, blocks.shape), (0, 0), 1).astype(np.uint8)
    (folder / "clip").mkdir()
    for number in range(7):
        streaks = np.zeros_like(scene)
        for x in range(12, 160, 24):
            top = 5 + (26 * number + 31 * x) % 65  # no place twice in five frames
            ends = (x + number % 3, top), (x + 2 + number % 3, top + 12)
            cv2.line(streaks, *ends, (45, 45, 45), 1, cv2.LINE_AA)
        frame = cv2.add(scene, streaks)
        cv2.circle(frame, (20 + 15 * number, 105), 6, (40, 220, 60), -1)
        cv2.imwrite(str(folder / "clip" / f"{number:03d}.png"), frame)
    cv2.imwrite(str(folder / "scene.png"), scene)
    run("rain_ground_truth", folder / "clip", folder / "pairs")
    run("rain_overlays", folder / "pairs", folder / "overlays")
    return {name: folder / name for name in ("clip", "pairs", "overlays", "scene.png")}


def test_ground_truth_is_the_scene_without_its_streaks(made: dict[str, Path]) -> None:
    scene = read_rgb(made["scene.png"])[:95].astype(int)  # above the leaf's way
    names = [file.name for file in sorted((made["pairs"] / "input").iterdir())]

    assert names == [f"{number:03d}.png" for number in range(2, 5)]
    for name in names:
        rainy = read_rgb(made["pairs"] / "input" / name)
        assert (rainy == read_rgb(made["clip"] / name)).all()
        fell = (rainy[:95] - scene).mean(axis=2)
        left = (read_rgb(made["pairs"] / "target" / name)[:95] - scene).mean(axis=2)
        assert left[fell > 25].mean() < 0.25 * fell[fell > 25].mean()


def test_overlays_hold_the_streaks_and_not_the_leaf(made: dict[str, Path]) -> None:
    files = sorted(made["overlays"].iterdir())

    assert [file.name for file in files] == ["002.png", "003.png", "004.png"]
    for file in files:
        streaks = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        fell = read_rgb(made["clip"] / file.name).astype(int) - read_rgb(made["scene.png"])
        is_streak = fell[:95].min(axis=2) > 25

        assert streaks.shape == (120, 160)
        assert (streaks[:95][is_streak] > 15).mean() > 0.8
        assert not streaks[99:112].any()
        assert (streaks[:95] > 0).mean() < 4 * is_streak.mean()


def test_a_recipe_draws_rain_of_them(made: dict[str, Path]) -> None:
    config = RainConfig(
        sparse_weight=0, dense_weight=0, video_weight=0, driving_weight=0, overlay_weight=1,
        overlays=str(made["overlays"]),
    )  # fmt: skip
    assert streak_layer(draw_rain(config, np.random.default_rng(1)), 90, 90).max() > 0.05
