# SPDX-License-Identifier: Apache-2.0
"""The promises of a training run: stages, restarts, and files that can be trusted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from training_state import flat

from restoregan_core.data.config import DataConfig, PairFolder
from restoregan_core.data.sources import Batch, TrainingSource
from restoregan_core.models.generator import GeneratorConfig
from restoregan_core.training.checkpoint import load_checkpoint
from restoregan_core.training.config import (
    OptimiserConfig,
    ScheduleConfig,
    StageConfig,
    TrainConfig,
    TransferConfig,
    ValidationConfig,
)
from restoregan_core.training.learner import NonFiniteLossError, SaturatedError
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.trainer import Trainer
from restoregan_core.zoo import load_generator

PIXELS = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1, fft_weight=0.1)
MakeConfig = Callable[..., TrainConfig]
MakeTrainer = Callable[[TrainConfig], Trainer]


def test_progressive_restart_keeps_the_generator_and_throws_the_rest_away(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    trainer = make_trainer(make_config())
    stages = trainer.stages
    batch = trainer.source.samples([0, 1], 16)
    trainer._begin(stages[0])
    for _ in range(3):
        trainer._learn(batch, stages[0])
    before = flat({key: value for key, value in trainer.state().items() if key != "recipe"})
    trainer._begin(stages[1])
    after = flat(trainer.state())
    assert all(
        torch.equal(after[key], before[key]) for key in after if key.startswith(("/generator", "/ema"))
    )
    weights = [key for key in after if key.startswith("/critic/") and key.endswith("weight")]
    assert len(weights) == 8
    assert not any(torch.equal(after[key], before[key]) for key in weights)
    assert any(key.startswith("/optimiser/state/") for key in before)
    assert not any(key.startswith(("/optimiser/state/", "/critic_optimiser/state/")) for key in after)


def test_a_stage_without_restart_keeps_critic_and_optimisers(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    stage = StageConfig(steps=4, patch_size=16, batch_size=2)
    trainer = make_trainer(make_config(schedule=ScheduleConfig(stages=[stage, stage])))
    trainer._begin(trainer.stages[0])
    trainer._learn(trainer.source.samples([0, 1], 16), trainer.stages[0])
    before = flat(trainer.state())
    trainer._begin(trainer.stages[1])
    after = flat(trainer.state())
    assert after.keys() == before.keys()
    assert all(torch.equal(after[k], v) for k, v in before.items() if isinstance(v, Tensor))


def test_the_papers_six_stages_are_walked_through_with_epochs_scaled_down(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    epochs = [500, 200, 200, 200, 200, 200]
    stages = [StageConfig(epochs=n, patch_size=16, restart=i > 0) for i, n in enumerate(epochs)]
    schedule = ScheduleConfig(stages=stages, samples_per_epoch=3, epoch_scale=0.002)
    config = make_config(schedule=schedule)
    trainer = make_trainer(config)
    assert trainer.run() == 0
    assert trainer.step == trainer.stages[-1].end_step == 3 + 5 * 1
    names = sorted(path.name for path in config.run_dir.glob("*.pt"))
    assert names == ["best.pt", "last.pt", *(f"stage-{i}.pt" for i in range(1, 7))]
    # Stage 2 did not train stage 1's critic on: one Adam step moves a weight by its rate at most.
    first, second = (load_checkpoint(config.run_dir / f"stage-{i}.pt")["critic"] for i in (1, 2))
    assert (
        first["dense.0.weight"] - second["dense.0.weight"]
    ).abs().max() > 10 * 1e-3 * config.loss.critic_steps


def test_curves_and_images_are_in_tensorboard(make_config: MakeConfig, make_trainer: MakeTrainer) -> None:
    config = make_config()
    make_trainer(config).run()
    events = EventAccumulator(str(config.run_dir / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    folder = Path(config.validation.folders[0]).name
    assert {
        "loss/total", "loss/pixel", "loss/adversarial", "learning_rate", "gradient_norm", "critic/balance",
        "critic/score_sharp", "speed/data_share", f"validation_psnr_db/{folder}", f"validation_ssim/{folder}",
    } <= set(tags["scalars"])  # fmt: skip
    assert [event.step for event in events.Scalars("loss/total")] == list(range(1, 9))
    assert len(tags["images"]) == 1


def test_weights_are_exported_with_where_they_come_from(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    config = make_config(training_data=["Little squares: CC0"])
    trainer = make_trainer(config)
    trainer.run()
    loaded = load_generator(config.run_dir / "last.safetensors")
    assert json.loads(loaded.metadata["training_data"]) == ["Little squares: CC0"]
    assert loaded.metadata["steps"] == "8"
    assert json.loads(loaded.metadata["recipe"])["optimiser"]["kind"] == "adam"
    assert "psnr_db" in loaded.metadata["scores"]
    assert loaded.metadata["code_version"]
    ema = trainer.learner.ema
    assert ema is not None
    for key, weight in loaded.generator.state_dict().items():
        torch.testing.assert_close(weight, ema.module.state_dict()[key], rtol=1e-3, atol=1e-6)


def test_the_average_is_what_its_definition_says(make_config: MakeConfig, make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(make_config(loss=PIXELS))
    trainer._begin(trainer.stages[0])
    key = "head.weight"
    wanted = trainer.learner.generator.state_dict()[key].clone()
    for step in range(4):
        trainer._learn(trainer.source.samples([0, 1], 16), trainer.stages[0])
        trainer.step += 1
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * trainer.learner.generator.state_dict()[key]
    assert trainer.learner.ema is not None
    torch.testing.assert_close(trainer.learner.ema.module.state_dict()[key], wanted)


def test_nan_stops_the_run_and_keeps_batch_and_checkpoint(make_config: MakeConfig) -> None:
    class BrokenSource(TrainingSource):
        def batches(self, start_step: int, *args: Any, **kwargs: Any) -> Iterator[Batch]:
            for step, batch in enumerate(super().batches(start_step, *args, **kwargs), start_step):
                if step == 2:
                    batch.input_BCHW[1, 0, 3, 3] = float("nan")
                yield batch

    config = make_config(checkpoint_minutes=1e-9)
    trainer = Trainer(config, BrokenSource(config.data, config.seed))
    with pytest.raises(NonFiniteLossError, match=r"step 2: loss nan.*non-finite-step-2-rank-0.pt"):
        trainer.run()
    kept = load_checkpoint(config.run_dir / "non-finite-step-2-rank-0.pt")
    assert kept["input"].isnan().nonzero().tolist() == [[1, 0, 3, 3]]
    good = load_checkpoint(config.run_dir / "last.pt")
    assert good["step"] == 2
    assert all(weight.isfinite().all() for weight in good["generator"].values())


def test_a_saturated_generator_stops_the_run_instead_of_wasting_it(make_config: MakeConfig) -> None:
    config = make_config(checkpoint_minutes=1e9)
    trainer = Trainer(config, TrainingSource(config.data, config.seed))
    with torch.no_grad():
        assert trainer.learner.generator.head.bias is not None
        trainer.learner.generator.head.bias.fill_(1e3)
    with pytest.raises(SaturatedError, match=r"step 1: the gradient has vanished .*learning_rate"):
        trainer.run()
    assert not (config.run_dir / "last.pt").exists(), "the last good checkpoint is not overwritten"


def test_a_run_that_cannot_write_goes_on_and_keeps_its_last_good_checkpoint(
    make_config: MakeConfig, make_trainer: MakeTrainer, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory in the way of the temporary file, as refused by the kernel as a full disk is."""
    config = make_config(checkpoint_minutes=1e-9)
    trainer = make_trainer(config)
    trainer._begin(trainer.stages[0])
    trainer._save("last.pt")
    (config.run_dir / "last.pt.part").mkdir()
    trainer.step = 5
    trainer._save("last.pt")
    assert "last.pt" in caplog.text
    assert "training goes on" in caplog.text
    assert load_checkpoint(config.run_dir / "last.pt")["step"] == 0
    with pytest.raises(OSError, match=r"last.pt.part"):
        trainer._save("last.pt", must_succeed=True)


def test_frozen_parts_stay_and_the_others_learn(make_config: MakeConfig, make_trainer: MakeTrainer) -> None:
    config = make_config(transfer=TransferConfig(freeze=["stem", "down"]), loss=PIXELS)
    trainer = make_trainer(config)
    before = {key: value.clone() for key, value in trainer.learner.generator.state_dict().items()}
    trainer.run()
    after = trainer.learner.generator.state_dict()
    frozen = {key for key in before if key.startswith(("stem", "down"))}
    assert frozen
    assert all(torch.equal(after[key], before[key]) == (key in frozen) for key in before)


@pytest.mark.parametrize("file", ["last.pt", "last.safetensors"])
def test_training_starts_from_trained_weights(
    file: str, make_config: MakeConfig, make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    first = make_trainer(make_config(output=str(tmp_path / "blur")))
    first.run()
    start = str(tmp_path / "blur" / file)
    second = make_trainer(
        make_config(output=str(tmp_path / "rain"), transfer=TransferConfig(start_from=start))
    )
    assert first.learner.ema is not None
    for key, weight in first.learner.ema.module.state_dict().items():
        torch.testing.assert_close(second.learner.generator.state_dict()[key], weight, rtol=1e-3, atol=1e-6)
    other = GeneratorConfig(base_width=8, blocks=1)
    with pytest.raises(ValueError, match="of another shape"):
        make_trainer(make_config(output="", generator=other, transfer=TransferConfig(start_from=start)))
    with pytest.raises(ValueError, match=r"nowhere\.pt"):
        make_trainer(make_config(output="", transfer=TransferConfig(start_from=str(tmp_path / "nowhere.pt"))))


@pytest.mark.parametrize("kind", ["wasserstein_sigmoid", "wgan_clip", "wgan_gp", "minimax"])
def test_every_game_trains_its_critic_to_tell_sharp_from_restored(
    kind: Any, make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    loss = replace(make_config().loss, adversarial=kind, weight_clip=0.1)
    config = make_config(loss=loss, optimiser=OptimiserConfig(learning_rate=1e-3, final_learning_rate=1e-3))
    trainer = make_trainer(config)
    stage = trainer.stages[0]
    trainer._begin(stage)
    batch = trainer.source.samples([0, 1, 2, 3], 16)
    balance = [float(trainer._learn(batch, stage)["critic/balance"]) for _ in range(6)]
    assert balance[-1] > balance[0]
    critic = trainer.learner.critic
    assert critic is not None
    assert critic.sigmoid == (kind == "wasserstein_sigmoid")
    if kind == "wgan_clip":
        assert all(weight.abs().max() <= 0.1 for weight in critic.parameters())


def test_pixel_training_learns(make_config: MakeConfig, make_trainer: MakeTrainer) -> None:
    stage = StageConfig(steps=80, patch_size=16, batch_size=4)
    config = make_config(
        schedule=ScheduleConfig(stages=[stage]),
        loss=PIXELS,
        generator=GeneratorConfig(base_width=8, blocks=1, dropout=0.0, identity_start=True),
        optimiser=OptimiserConfig(
            kind="adamw", learning_rate=5e-3, decay="cosine", clip_norm=1.0, ema_decay=0.9
        ),
        validation=ValidationConfig(folders=make_config().validation.folders, every_steps=1000),
    )
    trainer = make_trainer(config)
    trainer.run()
    (score,) = trainer.scores.values()
    assert score.psnr_db > score.input_psnr_db + 1


def test_patches_grow_from_stage_to_stage_and_no_crop_comes_twice(make_config: MakeConfig) -> None:
    class Recording(TrainingSource):
        def __init__(self, config: DataConfig, seed: int) -> None:
            super().__init__(config, seed)
            self.seen: list[tuple[int, ...]] = []

        def samples(self, indices: Any, patch_size: int, device: Any = "cpu") -> Batch:
            self.seen += [(patch_size, index) for index in indices]
            return super().samples(indices, patch_size, device)

    stages = [
        StageConfig(steps=3, patch_size=16, batch_size=3),
        StageConfig(steps=2, patch_size=24, batch_size=2),
        StageConfig(steps=2, patch_size=32, batch_size=1),
    ]
    config = make_config(schedule=ScheduleConfig(stages=stages), loss=PIXELS)
    source = Recording(config.data, config.seed)
    trainer = Trainer(config, source)
    trainer.run()
    used = [entry for entry in source.seen if entry]
    assert [size for size, _ in used] == [16] * 9 + [24] * 4 + [32] * 2
    indices = [index for _, index in used]
    assert len(set(indices)) == len(indices)


def test_the_clock_can_run_the_plan(make_config: MakeConfig, make_trainer: MakeTrainer) -> None:
    """A plan of a million steps with next to no minutes ends at once, at its last stage and lowest rate."""
    stages = [StageConfig(steps=10**6, patch_size=16), StageConfig(steps=10, patch_size=16)]
    config = make_config(schedule=ScheduleConfig(stages=stages, max_minutes=0.02), loss=PIXELS)
    trainer = make_trainer(config)
    assert trainer.run() == 0
    assert trainer.step < 10**6
    assert trainer.position >= 10**6 + 10
    assert load_checkpoint(config.run_dir / "last.pt")["elapsed_s"] >= 1.2


def test_perceptual_loss_without_weights_stops_at_the_start(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    from restoregan_core.training.loss_config import PerceptualConfig

    config = make_config(loss=LossConfig(), perceptual=PerceptualConfig(weights="nowhere.pth"))
    with pytest.raises(ValueError, match=r"no VGG19 weights at 'nowhere.pth'"):
        make_trainer(config)


def test_a_second_folder_of_the_same_name_is_refused(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    folder = make_config().validation.folders[0]
    with pytest.raises(ValueError, match="two folders are called"):
        make_trainer(make_config(validation=ValidationConfig(folders=[folder, folder])))


def test_missing_training_images_stop_at_the_start(
    make_config: MakeConfig, make_trainer: MakeTrainer
) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        make_trainer(make_config(data=DataConfig(pairs=[PairFolder(path="nowhere")])))
