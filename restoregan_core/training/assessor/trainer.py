# SPDX-License-Identifier: Apache-2.0
"""Trains the assessor: samples made once, then many passes, then calibration on what was held out."""

import json
import logging
import math
import time
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restoregan_core.data.assessment import AssessmentSource
from restoregan_core.metrics.calibration import auroc
from restoregan_core.models.assessor import EVENTS, AssessorNetwork
from restoregan_core.stop_signal import StopSignal
from restoregan_core.training.assessor.calibration import calibrate, grid_samples
from restoregan_core.training.assessor.config import AssessorTrainConfig
from restoregan_core.training.assessor.samples import Samples, patchwork, samples_of
from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint
from restoregan_core.training.config import differing_sections
from restoregan_core.training.ema import make_ema, set_steps
from restoregan_core.training.learner import NonFiniteLossError
from restoregan_core.training.monitor import Monitor
from restoregan_core.training.optimisers import MuonWithAdamW
from restoregan_core.zoo import load_assessor_network, save_assessor

_LOG = logging.getLogger(__name__)
_WARM_UP_STEPS = 100
_HELD_OUT_STREAM = 1


class AssessorTrainer:
    """Trains one assessor by one recipe. A run folder that holds a checkpoint is resumed.

    Args:
        config: the recipe.

    Raises:
        ValueError: folders of images are missing; the run folder holds a run of another recipe; the network to
            start from has another shape.
    """

    def __init__(self, config: AssessorTrainConfig) -> None:
        self.config = config
        if config.threads:
            torch.set_num_threads(config.threads)
        is_cuda = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
        self.device = torch.device("cuda" if is_cuda else "cpu")
        self.source = AssessmentSource(config.data, config.seed)
        held_out = replace(config.data, sharp=config.held_out, pairs=[])
        self.held_out_source = AssessmentSource(held_out, config.seed + _HELD_OUT_STREAM)
        torch.manual_seed(config.seed)
        self.network = self._first_network().to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = make_ema(self.network, config.ema_decay)
        self.optimiser: torch.optim.Optimizer
        make = MuonWithAdamW if config.optimiser == "muon" else torch.optim.AdamW
        self.optimiser = make(
            self.network.parameters(), config.learning_rate, (0.9, 0.95), weight_decay=config.weight_decay
        )
        self.step, self.position, self.elapsed_s = 0, 0, 0.0
        self._resume()

    def _first_network(self) -> AssessorNetwork:
        if not self.config.start_from:
            return AssessorNetwork(self.config.network)
        loaded = load_assessor_network(self.config.start_from)
        if loaded.network.config != self.config.network:
            raise ValueError(
                f"start_from={self.config.start_from!r} has the shape {loaded.network.config.to_dict()}, "
                f"not {self.config.network.to_dict()}"
            )
        return loaded.network

    def run(self) -> int:
        """Train, calibrate, export ``last.safetensors``; 0, or the number of the signal that stopped it.

        Raises:
            NonFiniteLossError: the loss is not a number; the last checkpoint is untouched.
            OSError: the checkpoint could not be written.
        """
        config = self.config
        config.run_dir.mkdir(parents=True, exist_ok=True)
        samples, held_out = (
            samples_of(source, count, config.workers, config.run_dir / name)
            for source, count, name in (
                (self.source, config.samples, "samples.pt"),
                (self.held_out_source, config.held_out_samples, "held_out_samples.pt"),
            )
        )
        started_s, saved_s = time.monotonic() - self.elapsed_s, time.monotonic()
        monitor = Monitor(config.run_dir, config.steps, self.position, self.step, active=True)
        with StopSignal(insist=True) as stop, monitor:
            while self.position < config.steps and not stop:
                figures = self._learn(samples)
                self.step += 1
                self.elapsed_s = time.monotonic() - started_s
                clock = self.elapsed_s / (60 * config.max_minutes) * config.steps if config.max_minutes else 0
                self.position = max(self.position + 1, int(clock))
                monitor.position(self.position)
                if self.step % 20 == 0:
                    monitor.scalars(self.step, figures)
                if self.step % config.validate_every_steps == 0:
                    monitor.scalars(self.step, self._measure(held_out))
                if time.monotonic() - saved_s > 60 * config.checkpoint_minutes:
                    self._save()
                    saved_s = time.monotonic()
        self._save()
        if not stop:
            self._export(held_out)
        return stop.signal_number

    def _learn(self, samples: Samples) -> dict[str, float]:
        config = self.config
        rng = np.random.default_rng([config.seed, self.step])
        chosen = torch.from_numpy(rng.integers(len(samples.frames_NE), size=config.batch_size))
        batch = samples.chosen(chosen)
        if rng.random() < config.patchwork_share:
            batch = patchwork(batch, rng)
        axes = [axis for axis in (2, 3) if rng.random() < 0.5]
        images, tiles, frames = (
            part.to(self.device)
            for part in (batch.images_NCHW.flip(axes), batch.tiles_NERC.flip(axes), batch.frames_NE)
        )
        rate = config.learning_rate * min(1, (self.step + 1) / _WARM_UP_STEPS)
        rate *= 0.5 * (1 + math.cos(math.pi * self.position / config.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        is_mixed = config.precision == "bf16-mixed"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=is_mixed):
            tile_log_odds, frame_log_odds = (y.float() for y in self.network(self._place(images)))
        loss = _loss(tile_log_odds, tiles)
        figures = {"loss/tile": loss.item(), "learning_rate": rate}
        if not torch.isnan(frames).all():
            frame_loss = _loss(frame_log_odds, frames)
            loss = loss + config.frame_weight * frame_loss
            figures["loss/frame"] = frame_loss.item()
        if not torch.isfinite(loss):
            raise NonFiniteLossError(f"step {self.step}: the loss is {float(loss)}")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.ema.update_parameters(self.network)
        return figures

    def _place(self, images_BCHW: Tensor) -> Tensor:
        x = images_BCHW.to(self.device, memory_format=torch.channels_last).float()
        return (x - 127.5) / 127.5

    @torch.no_grad()
    def _predict(self, samples: Samples) -> tuple[Tensor, Tensor]:
        found = [self.ema(self._place(part)) for part in samples.images_NCHW.split(32)]
        return torch.cat([tiles for tiles, _ in found]).cpu(), torch.cat([frame for _, frame in found]).cpu()

    def _measure(self, held_out: Samples) -> dict[str, float]:
        tiles, frames = self._predict(held_out)
        figures = {"held_out/frame_loss": float(_loss(frames, held_out.frames_NE))}
        figures["held_out/tile_loss"] = float(_loss(tiles, held_out.tiles_NERC))
        for number, event in enumerate(EVENTS):
            for name, score, truth in (
                ("frame", frames[:, number], held_out.frames_NE[:, number]),
                ("tile", tiles[:, number], held_out.tiles_NERC[:, number]),
            ):
                known = ~torch.isnan(truth)
                figures[f"auroc_{name}/{event}"] = auroc(score[known].numpy(), truth[known].numpy() > 0.5)
        _LOG.info("step %d: %s", self.step, "  ".join(f"{k} {v:.4f}" for k, v in figures.items()))
        return figures

    def _export(self, held_out: Samples) -> None:
        grid = grid_samples(self.config.data, self.config.held_out, self.config.seed + _HELD_OUT_STREAM)
        calibration = calibrate(self._predict, grid, held_out, self.config.seed + _HELD_OUT_STREAM)
        metadata = {
            "training_data": json.dumps(self.config.training_data),
            "recipe": json.dumps(self.config.recipe()),
            "steps": str(self.step),
            "scores": json.dumps(self._measure(held_out)),
        }
        path = self.config.run_dir / "last.safetensors"
        digest = save_assessor(cast(AssessorNetwork, self.ema.module), calibration, path, metadata)
        _LOG.info("%s: SHA-256 %s", path, digest)

    def _state(self) -> dict[str, Any]:
        return {
            "recipe": self.config.recipe(), "step": self.step, "position": self.position,
            "elapsed_s": self.elapsed_s, "network": self.network.state_dict(),
            "ema": self.ema.module.state_dict(), "optimiser": self.optimiser.state_dict(),
        }  # fmt: skip

    def _save(self) -> None:
        save_checkpoint(self._state(), self.config.run_dir / "last.pt")

    def _resume(self) -> None:
        path = self.config.run_dir / "last.pt"
        if not path.is_file():
            return
        state = load_checkpoint(path, self.device)
        different = differing_sections(state["recipe"], self.config.recipe())
        if different:
            raise ValueError(
                f"{path} is of a run with another {', '.join(different)}: name another --output, "
                "or remove the folder"
            )
        self.step, self.position, self.elapsed_s = state["step"], state["position"], state["elapsed_s"]
        self.network.load_state_dict(state["network"])
        self.ema.module.load_state_dict(state["ema"])
        set_steps(self.ema, self.step)
        self.optimiser.load_state_dict(state["optimiser"])
        _LOG.info("going on from step %d of %s", self.step, path)


def _loss(log_odds: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy against probabilities, over what is known."""
    known = ~torch.isnan(truth)
    return F.binary_cross_entropy_with_logits(log_odds[known], truth[known])
