# SPDX-License-Identifier: Apache-2.0
"""A training run in which a detector has a say."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from restoregan_core.models.generator import GeneratorConfig
from restoregan_core.training.config import OptimiserConfig, ScheduleConfig, StageConfig, TrainConfig
from restoregan_core.training.loss_config import DetectorConfig, LossConfig
from restoregan_core.training.trainer import Trainer

MakeConfig = Callable[..., TrainConfig]
MakeTrainer = Callable[[TrainConfig], Trainer]


def test_a_detector_can_say_what_is_worth_restoring(
    make_config: MakeConfig, make_trainer: MakeTrainer, tiny_detector: Path
) -> None:
    """Trained on nothing but its features, the network leads them towards those of the sharp images."""
    config = make_config(
        schedule=ScheduleConfig(stages=[StageConfig(steps=150, patch_size=32, batch_size=2)]),
        loss=LossConfig(perceptual_weight=0, adversarial_weight=0, detector_weight=1),
        detector=DetectorConfig(weights=str(tiny_detector)),
        generator=GeneratorConfig(base_width=8, blocks=1, dropout=0.0, identity_start=True),
        optimiser=OptimiserConfig(kind="adamw", learning_rate=5e-3, decay="cosine", clip_norm=1.0),
    )
    trainer = make_trainer(config)
    batch = trainer.source.samples(list(range(8)), 32)
    assert trainer.learner.detector is not None
    seen, wanted = batch.input_BCHW * 2 - 1, batch.target_BCHW * 2 - 1
    before = float(trainer.learner.detector(seen, wanted))
    trainer.run()
    with torch.no_grad():
        restored = trainer.learner.generator.eval()(seen)
        after = float(trainer.learner.detector(restored, wanted))
    assert after < 0.8 * before


def test_a_detector_that_is_not_there_stops_at_the_start(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    loss = LossConfig(perceptual_weight=0, adversarial_weight=0, detector_weight=1)
    with pytest.raises(ValueError, match="patch_size=16 must be a multiple of 32 for a detector"):
        make_config(loss=loss)
    stages = [StageConfig(steps=1, patch_size=32)]
    with pytest.raises(ValueError, match=r"no detector at '': set detector\.weights"):
        make_trainer(make_config(loss=loss, schedule=ScheduleConfig(stages=stages)))
