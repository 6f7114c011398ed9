# SPDX-License-Identifier: Apache-2.0
"""Which run may go on from a checkpoint: the same recipe, whatever the version calls what is off."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint
from restoregan_core.training.config import TrainConfig, ValidationConfig, differing_sections
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.trainer import Trainer

MakeConfig = Callable[..., TrainConfig]
MakeTrainer = Callable[[TrainConfig], Trainer]

PIXELS = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1)


def test_another_recipe_is_not_mixed_into_a_run(make_config: MakeConfig, make_trainer: MakeTrainer) -> None:
    config = make_config()
    make_trainer(config).run()
    with pytest.raises(ValueError, match=r"another loss: name another --output"):
        make_trainer(replace(config, loss=PIXELS))
    assert make_trainer(replace(config, validation=ValidationConfig(), threads=1)).step == 8


def test_a_run_goes_on_under_a_version_that_knows_one_more_loss(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    config = make_config()
    make_trainer(config).run()
    last = config.run_dir / "last.pt"
    state = load_checkpoint(last)
    assert state["recipe"]["loss"].pop("detector_weight") == 0
    save_checkpoint(state, last)
    assert make_trainer(config).step == 8
    with pytest.raises(ValueError, match="another loss"):
        make_trainer(replace(config, loss=replace(PIXELS, fft_weight=0.5)))


def test_a_checkpoint_that_calls_the_moving_average_otherwise_is_gone_on_from(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    config = make_config()
    whole = make_trainer(config)
    whole.run()
    last = config.run_dir / "last.pt"
    state = load_checkpoint(last)
    state["average"] = state.pop("ema")
    save_checkpoint(state, last)
    resumed = make_trainer(config)
    assert whole.learner.ema is not None
    assert resumed.learner.ema is not None
    for key, weight in whole.learner.ema.state_dict().items():
        assert torch.equal(weight, resumed.learner.ema.state_dict()[key]), key


def test_off_is_as_good_as_absent_and_on_is_not() -> None:
    stages = [{"steps": 5, "loss": None}]
    assert (
        differing_sections({"schedule": {"stages": stages}}, {"schedule": {"stages": [{"steps": 5}]}}) == []
    )
    assert differing_sections({"loss": {"pixel": 1.0}}, {"loss": {"pixel": 1.0, "new": 0.5}}) == ["loss"]
    assert differing_sections({"loss": {"pixel": 1.0, "gone": 0.5}}, {"loss": {"pixel": 1.0}}) == ["loss"]
    assert differing_sections({}, {"detector": {"share": 0.0}, "seed": 1}) == ["seed"]
