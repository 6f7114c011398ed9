# SPDX-License-Identifier: Apache-2.0
"""Promises about the samples that the assessor learns from."""

from pathlib import Path

import numpy as np
import pytest

from restoregan_core.data.assessment import AssessmentDataConfig, AssessmentSource
from restoregan_core.data.config import DataConfig, Folder, PairFolder
from restoregan_core.data.sources import TrainingSource


def test_a_sample_is_a_function_of_its_number(tmp_path: Path, write_image) -> None:
    for i in range(4):
        write_image(tmp_path / "sharp" / f"{i}.png", seed=i, height=200, width=240)
        write_image(tmp_path / "pairs" / "target" / f"{i}.png", seed=i, height=200, width=240)
        write_image(tmp_path / "pairs" / "input" / f"{i}.png", seed=i + 9, height=200, width=240)
    config = AssessmentDataConfig(
        sharp=[Folder(path=str(tmp_path / "sharp"))], pairs=[PairFolder(path=str(tmp_path / "pairs"))]
    )
    first, second = AssessmentSource(config, 3), AssessmentSource(config, 3)
    events = set()
    for number in (5, 2, 9, 11, 17, 23, 24, 31, 40):
        one, two = first.sample(number, 128), second.sample(number, 128)
        np.testing.assert_array_equal(one.image_CHW, two.image_CHW)
        np.testing.assert_array_equal(one.tiles, two.tiles)
        assert one.image_CHW.shape == (3, 128, 128)
        assert one.tiles.shape == (3, 2, 2)
        events.add(tuple(np.round(one.frame)))
    assert len(events) >= 3


def test_parts_of_a_folder_do_not_overlap(tmp_path: Path, write_image) -> None:
    for i in range(10):
        write_image(tmp_path / f"{i}.png", seed=i, height=200, width=240)

    def seen(part: tuple[float, float]) -> set[str]:
        config = DataConfig(sharp=[Folder(path=str(tmp_path), part=part)])
        return {o.file for o in TrainingSource(config, 0).samples(range(40), 32).origins}

    learnt, held_out = seen((0, 0.8)), seen((0.8, 1))
    assert len(learnt) == 8
    assert len(held_out) == 2
    assert not learnt & held_out
    with pytest.raises(ValueError, match="part"):
        Folder(path="x", part=(0.9, 0.1))


def test_a_part_of_real_pairs_is_taken_too(tmp_path: Path, write_image) -> None:
    for side in ("input", "target"):
        for i in range(10):
            write_image(tmp_path / side / f"{i}.png", seed=i, height=64, width=64)
    learnt, held_out = (
        {pair.input_path.name for pair in PairFolder(path=str(tmp_path), part=part).find()}
        for part in ((0, 0.8), (0.8, 1))
    )
    assert (len(learnt), len(held_out)) == (8, 2)
    assert not learnt & held_out
