# SPDX-License-Identifier: Apache-2.0
"""A run that was stopped goes on to the bit, if it is of the same recipe, whatever the version calls what is off."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_state import assert_same_state

from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig
from restoregan_core.data.sources import Batch, TrainingSource
from restoregan_core.models.generator import GeneratorConfig
from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint
from restoregan_core.training.config import (
    ScheduleConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
    differing_sections,
)
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.trainer import Trainer
from restoregan_core.zoo import load_generator

MakeConfig = Callable[..., TrainConfig]
MakeTrainer = Callable[[TrainConfig], Trainer]

PIXELS = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1)


class StoppingSource(TrainingSource):
    """Really sends this process a signal when a step's batch is asked for."""

    def __init__(self, config: DataConfig, seed: int, at_step: int, number: int = signal.SIGTERM) -> None:
        super().__init__(config, seed)
        self.at_step, self.number = at_step, number

    def batches(self, start_step: int, *args: Any, **kwargs: Any) -> Iterator[Batch]:
        for step, batch in enumerate(super().batches(start_step, *args, **kwargs), start_step):
            if step == self.at_step:
                os.kill(os.getpid(), self.number)
            yield batch


@pytest.mark.parametrize("stop_at", [1, 2])
def test_a_run_that_sigterm_interrupts_and_that_goes_on_ends_as_if_it_had_never_stopped(
    stop_at: int, make_config: MakeConfig, make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    """In the middle of a stage and at its very end; with dropout, noise, critic, average and a restart."""
    stages = [StageConfig(steps=3, patch_size=16, batch_size=2, restart=restart) for restart in (False, True)]
    schedule = ScheduleConfig(stages=stages)
    whole = make_trainer(make_config(schedule=schedule, output=str(tmp_path / "whole")))
    assert whole.run() == 0
    config = make_config(schedule=schedule, output=str(tmp_path / "parts"))
    assert Trainer(config, StoppingSource(config.data, config.seed, stop_at)).run() == signal.SIGTERM
    assert load_checkpoint(config.run_dir / "last.pt")["step"] == stop_at + 1
    resumed = make_trainer(config)
    assert resumed.step == stop_at + 1
    assert resumed.run() == 0
    assert_same_state(whole.state(), resumed.state())


def test_a_run_on_sequences_goes_on_to_the_bit_too(
    make_config: MakeConfig, make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    data = make_config().data
    clips = ClipConfig(unrolled=2, spared_share=0.5, failed_share=0.5)
    changes: dict[str, Any] = {
        "generator": GeneratorConfig(base_width=4, blocks=1, history=2, recurrent=True),
        "data": replace(data, pairs=[replace(data.pairs[0], consecutive=True)], clips=clips),
        "schedule": ScheduleConfig(stages=[StageConfig(steps=4, patch_size=32, batch_size=2)]),
        "loss": PIXELS,
        "validation": ValidationConfig(videos=[data.pairs[0].path], every_steps=4, crop=32),
    }
    whole = make_trainer(make_config(**changes, output=str(tmp_path / "whole")))
    assert whole.run() == 0
    (score,) = whole.scores.values()
    assert score.psnr_db > 0
    config = make_config(**changes, output=str(tmp_path / "parts"))
    assert Trainer(config, StoppingSource(config.data, config.seed, 1)).run() == signal.SIGTERM
    resumed = make_trainer(config)
    assert (resumed.step, resumed.run()) == (2, 0)
    assert_same_state(whole.state(), resumed.state())
    assert load_generator(config.run_dir / "last.safetensors").config.recurrent


def test_ctrl_c_saves_too(make_config: MakeConfig) -> None:
    config = make_config()
    trainer = Trainer(config, StoppingSource(config.data, config.seed, 1, signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    assert trainer.run() == signal.SIGINT
    assert load_checkpoint(config.run_dir / "last.pt")["step"] == 2
    assert signal.getsignal(signal.SIGINT) is before


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
