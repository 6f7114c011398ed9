# SPDX-License-Identifier: Apache-2.0
"""The loop around ``learner.py``: stages, data, clock, validation, files. Read ``Trainer.run`` first.

Data and dropout are drawn from seeds made of the step number, so an interrupted run goes on to the bit (on a
CPU), and several processes see together what one would.
"""

import logging
import math
import os
import time
from collections.abc import Iterator
from typing import Any

import torch

from restoregan_core.data.sequences import SequenceBatch
from restoregan_core.data.sources import Batch, TrainingSource
from restoregan_core.stop_signal import StopSignal
from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint
from restoregan_core.training.config import TrainConfig, differing_sections
from restoregan_core.training.export import export_weights
from restoregan_core.training.learner import Learner, NonFiniteLossError, SaturatedError
from restoregan_core.training.monitor import Monitor
from restoregan_core.training.plan import Stage, learning_rate, plan_stages, stage_at
from restoregan_core.training.validation import Score, Validation

_LOG = logging.getLogger(__name__)
_CALIBRATION_CROPS = 8
_VANISHED_NORM = 1e-6
"""Norm of the generator's gradient below which it has saturated; while it learns the norm is 0.01 to 1."""


class Trainer:
    """Trains one generator by one recipe. A run folder that holds a checkpoint is resumed.

    Args:
        config: the recipe.
        source: of crops.

    Raises:
        ValueError: the folder holds a run of another recipe; weights to start from, VGG weights or validation
            pairs are missing or broken; the batch does not divide by the number of processes.
    """

    def __init__(self, config: TrainConfig, source: TrainingSource) -> None:
        self.config, self.source = config, source
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = _make_fabric(config)
        self.stages = plan_stages(config.schedule)
        processes = self.fabric.world_size
        for stage in self.stages:
            if stage.config.batch_size % processes:
                raise ValueError(
                    f"batch_size={stage.config.batch_size} must be a multiple of the {processes} processes"
                )
        self.step = 0  # generator steps done
        self.position = 0  # place in the plan; beyond ``step`` where the clock runs ahead
        self.stage_index = -1
        self.stage_step = 0  # steps done in this stage
        self.elapsed_s = 0.0
        self.best_psnr_db = -math.inf
        self.scores: dict[str, Score] = {}
        self.validation = Validation(config.validation, config.generator_config)
        self.learner = Learner(config, self.fabric)
        if self.learner.perceptual is not None and config.perceptual.network == "vgg16_stand_in":
            crops = source.batch(range(_CALIBRATION_CROPS), self.stages[-1].config.patch_size)
            self.learner.perceptual.calibrate(self.learner.place(crops.target_BCHW) * 2 - 1)
        self._resume()

    def run(self) -> int:
        """Train to the end of the plan, or until SIGTERM or Ctrl-C, then save.

        Returns:
            0, or the number of the signal that ended the run early.

        Raises:
            NonFiniteLossError: the batch was saved for inspection, the last checkpoint is untouched.
            SaturatedError: the gradient has vanished; the last checkpoint is untouched.
            OSError: the final checkpoint could not be written.
        """
        self.config.run_dir.mkdir(parents=True, exist_ok=True)
        total = self.stages[-1].end_step
        started_s = time.monotonic() - self.elapsed_s
        saved_s = time.monotonic()
        batches: Iterator[Batch | SequenceBatch] | None = None
        monitor = Monitor(self.config.run_dir, total, self.position, self.step, self.fabric.is_global_zero)
        with StopSignal(insist=True) as stop, monitor:
            while self.position < total and not stop:
                stage = stage_at(self.stages, self.position)
                if stage.index != self.stage_index or batches is None:
                    self._enter(stage, monitor)
                    batches = self._batches(stage)
                asked_s = time.monotonic()
                batch = next(batches)
                waited_s = time.monotonic() - asked_s
                figures = self._learn(batch, stage)
                self.step += 1
                self.stage_step += 1
                if self.step % self.config.log_every_steps == 0:
                    values = {name: float(value) for name, value in figures.items()}
                    if values["gradient_norm"] < _VANISHED_NORM < abs(values["loss/total"]):
                        raise SaturatedError(
                            f"step {self.step}: the gradient has vanished (norm {values['gradient_norm']:g}); go "
                            "back to best.pt or a stage's checkpoint, with a lower optimiser.learning_rate"
                        )
                    step_s = time.monotonic() - asked_s
                    values["speed/crops_per_s"] = stage.config.batch_size * self.config.unrolled / step_s
                    values["speed/data_share"] = waited_s / step_s
                    monitor.scalars(self.step, values)
                self.elapsed_s = time.monotonic() - started_s
                self._advance(stop)
                monitor.position(self.position)
                validation_due = self.step % self.config.validation.every_steps == 0 or self.position >= total
                if self.validation.names and validation_due:
                    self._validate(monitor)
                if self.position >= stage.end_step:
                    self._save(f"stage-{stage.index + 1}.pt")
                if time.monotonic() - saved_s > 60 * self.config.checkpoint_minutes:
                    self._save("last.pt")
                    saved_s = time.monotonic()
            self._save("last.pt", must_succeed=True)
        return stop.signal_number

    def _learn(self, batch: Batch | SequenceBatch, stage: Stage) -> dict[str, Any]:
        rate = learning_rate(self.config.optimiser, self.stages, self.position)
        loss = self.config.loss_of(stage.config)
        seed = _step_seed(self.config.seed, self.step, self.fabric.global_rank)
        try:
            if isinstance(batch, SequenceBatch):
                figures = self.learner.learn_sequences(batch, loss, rate, seed)
            else:
                figures = self.learner.learn(
                    batch.input_BCHW, batch.target_BCHW, loss, rate, seed, batch.kinds
                )
        except NonFiniteLossError as error:
            raise NonFiniteLossError(f"step {self.step}: {error}; {self._keep(batch)}") from error
        return {**figures, "learning_rate": rate}

    def _keep(self, batch: Batch | SequenceBatch) -> str:
        """Write a batch that broke the training; says where."""
        path = self.config.run_dir / f"non-finite-step-{self.step}-rank-{self.fabric.global_rank}.pt"
        try:
            save_checkpoint({"step": self.step, **batch.tensors()}, path)
        except OSError as error:
            return f"the batch could not be saved ({error})"
        return f"the batch is in {path}"

    def _advance(self, stop: StopSignal) -> None:
        """Move along the plan, equally in all processes, and learn of a signal to any of them."""
        clock = 0.0
        if self.config.schedule.max_minutes:
            clock = self.elapsed_s / (60 * self.config.schedule.max_minutes) * self.stages[-1].end_step
        if self.fabric.world_size > 1:
            wishes = torch.tensor([clock, float(stop.signal_number)], device=self.fabric.device)
            torch.distributed.all_reduce(wishes, op=torch.distributed.ReduceOp.MAX)
            clock, stop.signal_number = float(wishes[0]), int(wishes[1])
        self.position = max(self.position + 1, int(clock))

    def _enter(self, stage: Stage, monitor: Monitor) -> None:
        """Begin a stage, or go on in the one that a checkpoint was taken in."""
        if stage.index != self.stage_index:
            self._begin(stage)
            self.stage_index, self.stage_step = stage.index, 0
        c = stage.config
        each = f"{self.config.unrolled} x " if self.config.unrolled > 1 else ""
        description = f"{stage.steps} steps of {c.batch_size} x {each}{c.patch_size} px"
        monitor.stage(stage.index + 1, len(self.stages), description)

    def _begin(self, stage: Stage) -> None:
        restart = stage.config.restart and stage.index > 0
        seed = _step_seed(self.config.seed, -1 - stage.index, 0)
        self.learner.begin_stage(self.config.loss_of(stage.config), restart, seed)

    def _batches(self, stage: Stage) -> Iterator[Batch | SequenceBatch]:
        """Batches from here on; no stage repeats the sample numbers of another."""
        used = 0
        for earlier in self.stages[: stage.index]:
            used = (-(-used // earlier.config.batch_size) + earlier.steps) * earlier.config.batch_size
        first = -(-used // stage.config.batch_size)
        return self.source.batches(
            first + self.stage_step,
            stage.config.batch_size,
            self.fabric.global_rank,
            self.fabric.world_size,
            stage.config.patch_size,
            workers=self.config.workers,
        )

    def _validate(self, monitor: Monitor) -> None:
        if not self.fabric.is_global_zero:
            return
        generator = self.learner.best_generator.eval()
        with self.fabric.autocast():
            self.scores, samples = self.validation.measure(generator, self.fabric.device)
        self.learner.generator.train()
        monitor.scores(self.step, self.scores, samples)
        psnr_db = sum(score.psnr_db for score in self.scores.values()) / len(self.scores)
        if psnr_db > self.best_psnr_db:
            self.best_psnr_db = psnr_db
            self._save("best.pt")

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, fit for ``weights_only`` reading."""
        return {
            "recipe": self.config.recipe(),
            "step": self.step,
            "position": self.position,
            "stage_index": self.stage_index,
            "stage_step": self.stage_step,
            "elapsed_s": self.elapsed_s,
            "best_psnr_db": self.best_psnr_db,
            **self.learner.state(),
        }

    def _save(self, name: str, must_succeed: bool = False) -> None:
        """Write a checkpoint and its weights from rank 0. A failure costs the file, not the run."""
        if not self.fabric.is_global_zero:
            return
        path = self.config.run_dir / name
        weights_path = path.with_suffix(".safetensors")
        try:
            save_checkpoint(self.state(), path)
            export_weights(self.config, self.learner.best_generator, self.step, self.scores, weights_path)
        except OSError as error:
            if must_succeed:
                raise
            _LOG.error("%s: %s; what was there is untouched, training goes on", path, error)

    def _resume(self) -> None:
        path = self.config.run_dir / "last.pt"
        if not path.is_file():
            return
        state = load_checkpoint(path, self.fabric.device)
        different = differing_sections(state["recipe"], self.config.recipe())
        if different:
            raise ValueError(
                f"{path} is of a run with another {', '.join(different)}: name another --output, "
                "or remove the folder"
            )
        self.step, self.position = state["step"], state["position"]
        self.stage_index, self.stage_step = state["stage_index"], state["stage_step"]
        self.elapsed_s, self.best_psnr_db = state["elapsed_s"], state["best_psnr_db"]
        if self.stage_index >= 0:
            self._begin(self.stages[self.stage_index])
        self.learner.load_state(state)
        if self.fabric.is_global_zero:
            _LOG.info("going on from step %d of %s", self.step, path)


def _make_fabric(config: TrainConfig) -> Any:
    from lightning_fabric import Fabric  # heavy, and only training needs it

    # torchrun starts the processes and tells each about itself; alone, Fabric must not start more.
    local_processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    fabric = Fabric(
        accelerator=config.device,
        devices=local_processes,
        num_nodes=processes // local_processes,
        strategy="ddp" if processes > 1 else "auto",
        precision=config.precision,
    )
    fabric.launch()
    return fabric


def _step_seed(seed: int, step: int, rank: int) -> int:
    return ((seed * 1_000_003 + step) * 4099 + rank) % 2**63
