# SPDX-License-Identifier: Apache-2.0
"""The loop over a folder of pairs: order, names, errors, worst cases."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.evaluation.measure import EvaluationSet, ImageScores, SetScores, check_set, measure
from restoregan_core.metrics.protocols import score


def write_pairs(root: Path, count: int = 5, side: int = 16) -> EvaluationSet:
    for folder in ("input", "target"):
        (root / folder).mkdir(parents=True)
        for index in range(count):
            seed = index if folder == "input" else index + 100
            image = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
            cv2.imwrite(str(root / folder / f"{index}.png"), image)
    return EvaluationSet(root.name, tuple(find_pairs(root)))


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_every_image_is_scored_once_in_order_as_by_hand(tmp_path: Path):
    evaluation_set = write_pairs(tmp_path / "set")
    measured = []
    scores = measure(evaluation_set, [np.copy, np.invert], on_measured=lambda: measured.append(1))
    assert [p.file for p in scores.images] == [f"{i}.png" for i in range(5)]
    assert len(measured) == 5
    for pair, image in zip(evaluation_set.pairs, scores.images, strict=True):
        source, target = read(pair.input_path), read(pair.target_path)
        assert image.input == score(source, target)
        assert image.outputs == (score(source, target), score(np.invert(source), target))


def test_restorers_see_one_image_at_a_time_in_the_callers_thread(tmp_path: Path):
    threads = set()

    def restore(image: np.ndarray) -> np.ndarray:
        threads.add(threading.current_thread())
        return image

    measure(write_pairs(tmp_path / "set"), [restore])
    assert threads == {threading.current_thread()}


def test_a_restorer_that_changes_the_size_is_named_with_the_file(tmp_path: Path):
    with pytest.raises(ValueError, match=r"0\.png: .*differ in size"):
        measure(write_pairs(tmp_path / "set"), [lambda image: image[:-1]])


def test_further_metrics_are_measured_of_input_and_outputs(tmp_path: Path):
    scores = measure(write_pairs(tmp_path / "set"), [np.copy], extra=[lambda a, b: {"zero": 0.0}])
    assert all(p.input["zero"] == p.outputs[0]["zero"] == 0.0 for p in scores.images)


def test_mismatched_pairs_are_found_before_anything_is_restored(tmp_path: Path):
    evaluation_set = write_pairs(tmp_path / "set")
    cv2.imwrite(str(tmp_path / "set/input/3.png"), np.zeros((16, 17, 3), np.uint8))
    with pytest.raises(ValueError, match=r"3\.png"):
        check_set(evaluation_set)


def test_a_file_that_is_not_an_image_is_named(tmp_path: Path):
    evaluation_set = write_pairs(tmp_path / "set")
    (tmp_path / "set/target/2.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"target/2\.png is not a readable image"):
        check_set(evaluation_set)


def test_files_of_the_same_name_in_several_scenes_are_told_apart():
    pairs = tuple(Pair(Path(f"/d/{s}/blur/1.png"), Path(f"/d/{s}/sharp/1.png")) for s in ("a", "b"))
    assert EvaluationSet("d", pairs).files() == ["a/blur/1.png", "b/blur/1.png"]
    assert EvaluationSet("d", pairs[:1]).files() == ["1.png"]


def test_the_worst_are_those_that_lose_most():
    images = tuple(
        ImageScores(name, {"psnr_rgb": 20.0}, ({"psnr_rgb": after},))
        for name, after in (("a", 21.0), ("b", 18.5), ("c", 20.0))
    )
    assert SetScores("s", images).worst(2) == [("b", -1.5), ("c", 0.0)]
    assert SetScores("s", images).mean_output() == {"psnr_rgb": pytest.approx(59.5 / 3)}
