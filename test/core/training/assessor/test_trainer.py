# SPDX-License-Identifier: Apache-2.0
"""Promises of assessor training: it resumes to the bit, refuses another recipe, exports what loads and judges."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.commands.train import parse
from restoregan_core.data.assessment import AssessmentDataConfig
from restoregan_core.data.config import Folder
from restoregan_core.data.degrade import Shares
from restoregan_core.models.assessor_config import AssessorConfig
from restoregan_core.training.assessor.config import AssessorTrainConfig
from restoregan_core.training.assessor.trainer import AssessorTrainer
from restoregan_core.zoo import load_assessor_network


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sharp")
    for seed in range(6):
        coarse = np.random.default_rng(seed).integers(0, 256, (48, 52, 3), np.uint8)
        cv2.imwrite(str(folder / f"{seed}.png"), cv2.resize(coarse, (312, 288), interpolation=cv2.INTER_AREA))
    return folder


@pytest.fixture
def make_config(images: Path, tmp_path: Path) -> Callable[..., AssessorTrainConfig]:
    def make(**changes: Any) -> AssessorTrainConfig:
        config = AssessorTrainConfig(
            name="tiny",
            data=AssessmentDataConfig(
                sharp=[Folder(path=str(images), part=(0, 0.7))],
                shares=Shares(blur=1, rain=1, blur_rain=0, drops=1, clean=1, pair=0),
            ),
            held_out=[Folder(path=str(images), part=(0.7, 1))],
            network=AssessorConfig(widths=(4, 4, 6, 6), head_width=8),
            samples=8, held_out_samples=16, steps=6, batch_size=4, workers=0, threads=1,
            validate_every_steps=3, output=str(tmp_path / "run"),
        )  # fmt: skip
        return replace(config, **changes)

    return make


def test_an_interrupted_run_goes_on_to_the_bit(make_config, tmp_path: Path, monkeypatch) -> None:
    whole = AssessorTrainer(make_config(output=str(tmp_path / "whole")))
    assert whole.run() == 0

    parts = make_config()
    first = AssessorTrainer(parts)
    learn = first._learn

    def learn_and_be_stopped(samples: Any) -> dict[str, float]:
        import os
        import signal

        if first.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return learn(samples)

    monkeypatch.setattr(first, "_learn", learn_and_be_stopped)
    assert first.run() == 15
    assert not (parts.run_dir / "last.safetensors").exists()
    second = AssessorTrainer(parts)
    assert 0 < second.step < 6
    assert second.run() == 0
    for name, value in whole.ema.state_dict().items():
        assert torch.equal(value, second.ema.state_dict()[name]), name


def test_what_is_exported_loads_and_judges_frames_of_any_size(make_config) -> None:
    config = make_config(training_data=["made"])
    AssessorTrainer(config).run()
    loaded = load_assessor_network(config.run_dir / "last.safetensors")
    assert json.loads(loaded.metadata["training_data"]) == ["made"]
    found = LearnedAssessor(loaded).assess(np.random.default_rng(0).integers(0, 256, (70, 130, 3), np.uint8))
    assert found.blur_grid.shape == found.rain_grid.shape == (2, 3)
    for value in (found.blur_probability, found.rain_probability):
        assert 0 <= value <= 1


def test_a_run_of_another_recipe_is_refused(make_config) -> None:
    AssessorTrainer(make_config(steps=1)).run()
    with pytest.raises(ValueError, match="another learning_rate"):
        AssessorTrainer(make_config(steps=1, learning_rate=1e-4))


def test_training_lowers_the_loss(make_config) -> None:
    network = AssessorConfig(widths=(8, 12, 16, 16), head_width=32)
    config = make_config(steps=120, learning_rate=5e-3, validate_every_steps=200, network=network)
    trainer = AssessorTrainer(config)
    losses: list[float] = []
    learn = trainer._learn

    def remember(samples: Any) -> dict[str, float]:
        figures = learn(samples)
        losses.append(figures["loss/tile"])
        return figures

    trainer._learn = remember  # type: ignore[method-assign]
    trainer.run()
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])


def test_the_command_knows_the_assessors_recipe(tmp_path: Path) -> None:
    config = parse(["--config", "config/train/assessor.yaml", "--steps", "5"])
    assert isinstance(config, AssessorTrainConfig)
    assert config.steps == 5
    with pytest.raises(ValueError, match="stepps"):
        parse(["--config", "config/train/assessor.yaml", "--stepps", "5"])
    with pytest.raises(ValueError, match="held_out is empty"):
        parse(["--model", "assessor", "--name", "x", "--held_out", "[]", "--data", "{}"])


def test_a_run_starts_from_the_weights_that_it_is_given(make_config, tmp_path: Path) -> None:
    first = make_config()
    AssessorTrainer(first).run()
    trained = str(first.run_dir / "last.safetensors")
    second = AssessorTrainer(make_config(start_from=trained, output=str(tmp_path / "second")))
    expected = load_assessor_network(trained).network.state_dict()
    for name, value in second.network.state_dict().items():
        assert torch.equal(value, expected[name]), name
    with pytest.raises(ValueError, match="shape"):
        AssessorTrainer(
            make_config(start_from=trained, network=AssessorConfig(), output=str(tmp_path / "third"))
        )
