# SPDX-License-Identifier: Apache-2.0
"""What a sample's ground truth is while another network's answers are kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, Folder
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.training.config import TrainConfig, TransferConfig
from restoregan_core.training.learner import Learner
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.zoo import save_generator

MakeConfig = Callable[..., TrainConfig]
PIXELS = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1, pixel="l1")


@pytest.fixture
def learner(make_config: MakeConfig, tmp_path: Path) -> Learner:
    """One that keeps its own answers: its loss is 0 exactly where they take the place of ground truth."""
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=4, blocks=1, history=1, dropout=0))
    weights = str(tmp_path / "kept.safetensors")
    save_generator(generator, weights, {})
    config = make_config(
        generator=generator.config,
        data=DataConfig(clips=ClipConfig(history=1), sharp=[Folder(path=str(tmp_path))]),
        loss=PIXELS,
        transfer=TransferConfig(start_from=weights, keep=weights),
        output="",
    )
    return Learner(config, Fabric(accelerator="cpu", devices=1))


def three_images() -> list[torch.Tensor]:
    """Noise away from black and white, where the teacher's output would be clamped and the learner's not."""
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(1, 3, 16, 16, generator=generator) * 0.4 + 0.3 for _ in range(3)]


def loss_of(learner: Learner, frames: list[torch.Tensor], ground_truth: torch.Tensor) -> float:
    figures = learner.learn(torch.cat(frames, 1), ground_truth, PIXELS, rate=0, seed=0)
    return float(figures["loss/pixel"])


def test_answers_are_kept_for_degraded_samples_without_history_alone(learner: Learner):
    degraded, older, ground_truth = three_images()
    assert loss_of(learner, [degraded, degraded], ground_truth) < 1e-6
    assert loss_of(learner, [degraded, older], ground_truth) > 0.01, "history says something new"
    assert loss_of(learner, [degraded, degraded], degraded) > 0.01, "what is clean is to come back as it is"


def test_answers_are_kept_of_the_kinds_that_the_recipe_names(learner: Learner):
    degraded, _, ground_truth = three_images()
    learner.config.transfer.keep_kinds[:] = ["blur", "pair"]

    def loss_of_kind(kind: str) -> float:
        figures = learner.learn(torch.cat([degraded] * 2, 1), ground_truth, PIXELS, 0, 0, [kind])
        return float(figures["loss/pixel"])

    assert loss_of_kind("blur") < 1e-6
    assert loss_of_kind("rain") > 0.01


def test_each_sample_of_a_batch_is_judged_by_itself(learner: Learner):
    degraded, older, ground_truth = three_images()
    one = loss_of(learner, [degraded, older], ground_truth)
    both = loss_of(
        learner,
        [torch.cat([degraded, degraded]), torch.cat([degraded, older])],
        torch.cat([ground_truth, ground_truth]),
    )
    assert both == pytest.approx(one / 2, rel=1e-3)
