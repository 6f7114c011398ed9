# SPDX-License-Identifier: Apache-2.0
"""Promises about ``restoregan synthesize``: pairs, repeatable, resumed, nobody's files overwritten."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.cli import main as restoregan
from restoregan_core.commands.synthesize import main
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.images.folders import read_rgb


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a.jpg", "b.png", "street/c.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_CUBIC))
    return tmp_path / "photos"


def records(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "params.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["blur", "rain", "drops"])
def test_a_folder_becomes_pairs_that_training_and_evaluation_can_read(
    photos: Path, tmp_path: Path, kind: str
) -> None:
    output = tmp_path / "out"
    assert run(kind, photos, output, "--severity", 0.8) == 0
    pairs = find_pairs(output)
    assert [p.input_path.relative_to(output).as_posix() for p in pairs] == [
        "input/a.png", "input/b.png", "input/street/c.png",
    ]  # fmt: skip
    for pair, source in zip(pairs, ("a.jpg", "b.png", "street/c.png"), strict=True):
        assert np.array_equal(read_rgb(pair.target_path), read_rgb(photos / source))
        assert not np.array_equal(read_rgb(pair.input_path), read_rgb(pair.target_path))
    assert [record["name"] for record in records(output)] == ["a.png", "b.png", "street/c.png"]
    assert all(record["kind"] == kind for record in records(output))


def images(output: Path) -> dict[str, bytes]:
    return {str(p.relative_to(output)): p.read_bytes() for p in sorted(output.rglob("*.png"))}


def test_an_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one(photos: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for output in (whole, broken):
        assert run("rain", photos, output, "--seed", 3, "--count", 2) == 0
    record = broken / "params.jsonl"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(lines[:3]) + lines[3][:20])  # cut off within a line
    for path in sorted((broken / "input").rglob("*.png"))[3:]:
        path.unlink()
    kept = broken / "input" / json.loads(lines[0])["name"]
    before = kept.stat().st_mtime_ns
    assert run("rain", photos, broken, "--seed", 3, "--count", 2) == 0
    assert images(broken) == images(whole)
    assert records(broken) == records(whole)
    assert kept.stat().st_mtime_ns == before, "what was whole is not made again"


def test_count_makes_different_ones_and_seed_makes_others(photos: Path, tmp_path: Path) -> None:
    run("rain", photos / "b.png", tmp_path / "one", "--count", 2)
    run("rain", photos / "b.png", tmp_path / "two", "--count", 2, "--seed", 1)
    made = [
        (tmp_path / folder / f"input/b_{n}.png").read_bytes() for folder in ("one", "two") for n in (0, 1)
    ]
    assert len(set(made)) == 4


def test_files_of_another_origin_are_never_overwritten(photos: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "mine"
    (output / "input").mkdir(parents=True)
    (output / "input/a.png").write_bytes(b"precious")
    assert restoregan(["synthesize", "rain", str(photos), str(output)]) == 2
    assert (output / "input/a.png").read_bytes() == b"precious"
    assert "did not write: give another OUTPUT" in capsys.readouterr().err


def test_a_folder_begun_with_other_options_is_not_mixed(photos: Path, tmp_path: Path, capsys) -> None:
    output = tmp_path / "out"
    assert run("rain", photos, output) == 0
    before = images(output)
    assert restoregan(["synthesize", "rain", str(photos), str(output), "--seed", "5"]) == 2
    assert "made with another seed" in capsys.readouterr().err
    assert images(output) == before


@pytest.mark.parametrize("damage", [b"{", b"[]", b"\xff{}", b"[" * 100_000])
@pytest.mark.parametrize("name", ["synthesize.json", "params.jsonl"])
def test_a_damaged_folder_is_refused_by_name(
    photos: Path, tmp_path: Path, capsys, name: str, damage: bytes
) -> None:
    output = tmp_path / "out"
    assert run("rain", photos, output) == 0
    (output / name).write_bytes(damage + b"\n")
    assert restoregan(["synthesize", "rain", str(photos), str(output)]) == 2
    assert f"{output / name}" in capsys.readouterr().err


def frames_of(photos: Path, folder: Path, count: int) -> Path:
    folder.mkdir()
    still = cv2.imread(str(photos / "b.png"))
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03d}.png"), np.roll(still, 2 * number, axis=1))
    return folder


def test_rain_falls_on_from_frame_to_frame(photos: Path, tmp_path: Path) -> None:
    frames = frames_of(photos, tmp_path / "frames", 3)
    assert run("rain", frames, tmp_path / "out", "--sequence", "--severity", 0.7) == 0
    drawn = records(tmp_path / "out")
    assert [record["frame"] for record in drawn] == [0, 1, 2]
    assert len({record["seed"] for record in drawn}) == 1, "one rain for the whole video"
    added = [
        read_rgb(p.input_path).astype(int) - read_rgb(p.target_path) for p in find_pairs(tmp_path / "out")
    ]
    assert not np.array_equal(added[0], added[1])


def test_drops_stay_on_the_lens(photos: Path, tmp_path: Path) -> None:
    frames = frames_of(photos, tmp_path / "frames", 2)
    assert run("drops", frames, tmp_path / "out", "--sequence") == 0
    first, second = records(tmp_path / "out")
    assert first["drops"] == second["drops"]


def test_blur_of_a_sequence_averages_its_frames_around_the_clean_one(photos: Path, tmp_path: Path) -> None:
    frames = frames_of(photos, tmp_path / "frames", 7)
    assert run("blur", frames, tmp_path / "out", "--sequence", "--window", 3) == 0
    assert [record["frame"] for record in records(tmp_path / "out")] == [1, 4]
    for pair, frame in zip(find_pairs(tmp_path / "out"), (1, 4), strict=True):
        assert np.array_equal(read_rgb(pair.target_path), read_rgb(frames / f"{frame:03d}.png"))
        detail = [
            np.abs(np.diff(read_rgb(p).astype(int), axis=1)).mean()
            for p in (pair.input_path, pair.target_path)
        ]
        assert detail[0] < detail[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--severity", "2"), "--severity 2.0 must lie between 0 and 1"),
        (("--count", "0"), "--count 0 must be at least 1"),
        (("--window", "4"), "--window 4 must be odd"),
        (("--sequence", "--count", "2"), "--count is for single images"),
    ],
)
def test_a_wrong_option_is_one_clear_line_and_exit_2(
    photos: Path, tmp_path: Path, capsys, arguments, message
) -> None:
    assert restoregan(["synthesize", "rain", str(photos), str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
