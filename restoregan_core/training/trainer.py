"""The training loop: read ``Trainer.run`` first.

One step is a pure function of (weights, optimiser state, step number): data and dropout are drawn from seeds
made of the step, so a checkpoint needs no generator states, and an interrupted run goes on to the bit.
"""

import copy
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from restoregan_core import losses
from restoregan_core.models.critic import Critic
from restoregan_core.models.generator import Generator
from restoregan_core.models.perceptual import PerceptualLoss, load_vgg16_stand_in, load_vgg19
from restoregan_core.training import transfer
from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint
from restoregan_core.training.config import LossConfig, TrainConfig
from restoregan_core.training.export import export_weights
from restoregan_core.training.monitor import Monitor
from restoregan_core.training.plan import Stage, ema_decay_at, learning_rate, plan_stages, stage_at
from restoregan_core.training.signals import StopRequest
from restoregan_core.training.validation import Score, Validation

_LOG = logging.getLogger(__name__)
_CALIBRATION_CROPS = 8


class PictureBatch(Protocol):
    """float32 (B, 3, P, P) RGB in [0, 1]."""

    input_BCHW: Tensor
    target_BCHW: Tensor


class Source(Protocol):
    """Where crops come from: ``restoregan_core.data.sources.TrainingSource``, or anything like it."""

    def samples(self, indices: Any, patch_size: int, device: Any = "cpu") -> PictureBatch: ...

    def batches(
        self,
        start_step: int,
        batch_size: int,
        rank: int,
        world_size: int,
        patch_size_of_step: Callable[[int], int],
        workers: int = 2,
        prefetch: int = 4,
    ) -> Iterator[PictureBatch]: ...


class NonFiniteLossError(RuntimeError):
    """A loss or a gradient is NaN or infinite; the batch was saved for inspection."""


class Trainer:
    """Trains one generator by one recipe. A run folder that holds a checkpoint is resumed.

    Args:
        config: the recipe.
        source: of crops.

    Raises:
        ValueError: the folder holds a run of another recipe; weights to start from, VGG weights or validation
            pairs are missing or broken; the batch does not divide by the number of processes.
    """

    def __init__(self, config: TrainConfig, source: Source) -> None:
        self.config, self.source = config, source
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = _make_fabric(config)
        self.stages = plan_stages(config.schedule)
        world_size = self.fabric.world_size
        for stage in self.stages:
            if stage.config.batch_size % world_size:
                raise ValueError(
                    f"batch_size={stage.config.batch_size} must be a multiple of the {world_size} processes"
                )
        self.step = 0  # generator steps done
        self.position = 0  # place in the plan; beyond ``step`` where the clock runs ahead
        self.stage_index = -1
        self.stage_step = 0  # steps done in this stage
        self.elapsed_s = 0.0
        self.best_psnr_db = -math.inf
        self.scores: dict[str, Score] = {}
        self.validation = Validation(config.validation, config.generator_config.size_multiple)

        torch.manual_seed(config.seed)
        raw_generator = Generator(config.generator_config)
        transfer.load_start(raw_generator, config.transfer.start_from)
        transfer.freeze(raw_generator, config.transfer.freeze)
        self.raw_generator = self._place(raw_generator)
        self.average = copy.deepcopy(self.raw_generator).eval() if config.optimiser.ema_decay else None
        self.generator = self.fabric.setup_module(self.raw_generator)
        self.optimiser = self._make_optimiser(self.raw_generator)
        self.raw_critic: Critic | None = None
        self.critic: Any = None
        self.critic_optimiser: torch.optim.Optimizer | None = None
        self.perceptual = self._make_perceptual() if config.perceptual_used else None
        self._resume()

    # ---- the loop

    def run(self) -> int:
        """Train to the end of the plan, or until SIGTERM or Ctrl-C, then save.

        Returns:
            0, or the number of the signal that ended the run early.

        Raises:
            NonFiniteLossError: see there.
            OSError: the final checkpoint could not be written.
        """
        self.config.run_dir.mkdir(parents=True, exist_ok=True)
        total = self.stages[-1].end_step
        started_s = time.monotonic() - self.elapsed_s
        saved_s = time.monotonic()
        batches: Iterator[PictureBatch] | None = None
        monitor = Monitor(self.config.run_dir, total, self.position, self.step, self.fabric.is_global_zero)
        with StopRequest() as stop, monitor:
            while self.position < total:
                stage = stage_at(self.stages, self.position)
                if stage.index != self.stage_index or batches is None:
                    self._enter(stage, monitor)
                    batches = self._batches(stage)
                waited_from_s = time.monotonic()
                batch = next(batches)
                data_s = time.monotonic() - waited_from_s
                terms = self.train_step(batch, stage)
                if self.step % self.config.log_every_steps == 0:
                    values = {name: float(value) for name, value in terms.items()}
                    step_s = time.monotonic() - waited_from_s
                    values |= {
                        "speed/crops_per_s": stage.config.batch_size / step_s,
                        "speed/data_share": data_s / step_s,
                    }
                    monitor.scalars(self.step, values)
                self.elapsed_s = time.monotonic() - started_s
                self._advance(stop)
                monitor.position(self.position)
                if self.validation.folders and (
                    self.step % self.config.validation.every_steps == 0 or self.position >= total
                ):
                    self._validate(monitor)
                if self.position >= stage.end_step:
                    self._save(f"stage-{stage.index + 1}.pt")
                if stop.signal_number:
                    break
                if self._agree(time.monotonic() - saved_s > 60 * self.config.checkpoint_minutes):
                    self._save("last.pt")
                    saved_s = time.monotonic()
            self._save("last.pt", must_succeed=True)
        return stop.signal_number

    def train_step(self, batch: PictureBatch, stage: Stage) -> dict[str, Tensor | float]:
        """One step of the generator, and the critic's steps before it. Returns what is worth a curve.

        Raises:
            NonFiniteLossError: see there; the weights are as they were before the step.
        """
        loss = self.config.loss_of(stage.config)
        rate = learning_rate(self.config.optimiser, self.stages, self.position)
        torch.manual_seed(_step_seed(self.config.seed, self.step, self.fabric.global_rank))
        degraded_BCHW, target_BCHW = (
            self._place(picture_BCHW).mul(2).sub(1) for picture_BCHW in (batch.input_BCHW, batch.target_BCHW)
        )
        restored_BCHW = self.generator(degraded_BCHW)
        terms: dict[str, Tensor | float] = {"learning_rate": rate}
        if loss.adversarial_weight:
            terms |= self._train_critic(loss, rate, restored_BCHW.detach(), target_BCHW, batch)
        generator_terms = self._generator_losses(loss, restored_BCHW, target_BCHW)
        total = torch.stack(list(generator_terms.values())).sum()
        terms |= generator_terms
        terms["loss/total"] = total.detach()
        terms["gradient_norm"] = self._descend(
            self.optimiser, total, rate, batch, self.config.optimiser.clip_norm
        )
        self.step += 1
        self.stage_step += 1
        self._update_average()
        return terms

    def _generator_losses(
        self, loss: LossConfig, restored_BCHW: Tensor, target_BCHW: Tensor
    ) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        if loss.pixel_weight:
            terms["loss/pixel"] = loss.pixel_weight * losses.pixel_loss(
                loss.pixel, restored_BCHW, target_BCHW
            )
        if loss.fft_weight:
            terms["loss/fft"] = loss.fft_weight * losses.fft_loss(restored_BCHW, target_BCHW)
        if loss.perceptual_weight and self.perceptual is not None:
            with self.fabric.autocast():
                difference = self.perceptual(restored_BCHW, target_BCHW)
            terms["loss/perceptual"] = loss.perceptual_weight * difference
        if loss.adversarial_weight and self.raw_critic is not None:
            # Past the DDP wrapper: it would wait for gradients of the critic, which are not wanted here.
            self.raw_critic.requires_grad_(False)
            with self.fabric.autocast():
                scores_B = self.raw_critic(restored_BCHW)
            self.raw_critic.requires_grad_(True)
            adversarial = losses.generator_adversarial_loss(loss.adversarial, scores_B.float())
            terms["loss/adversarial"] = loss.adversarial_weight * adversarial
        return terms

    def _train_critic(
        self, loss: LossConfig, rate: float, fake_BCHW: Tensor, real_BCHW: Tensor, batch: PictureBatch
    ) -> dict[str, Tensor]:
        assert self.raw_critic is not None and self.critic_optimiser is not None
        for _ in range(loss.critic_steps):
            # One forward for both: a module under DDP may be called only once before its backward.
            scores_2B = self.critic(torch.cat((fake_BCHW, real_BCHW))).float()
            fake_B, real_B = scores_2B.chunk(2)
            objective = losses.critic_loss(loss.adversarial, fake_B, real_B)
            if loss.adversarial == "wgan_gp":
                mix_B = torch.rand(len(real_BCHW), device=real_BCHW.device)
                # In full precision, and past the DDP wrapper, whose backward below averages these gradients too.
                penalty = losses.gradient_penalty(self.raw_critic, real_BCHW, fake_BCHW, mix_B)
                objective = objective + loss.gradient_penalty_weight * penalty
            self._descend(self.critic_optimiser, objective, rate, batch)
            if loss.adversarial == "wgan_clip":
                losses.clip_weights(self.raw_critic, loss.weight_clip)
        return {
            "critic/loss": objective.detach(),
            "critic/score_sharp": real_B.detach().mean(),
            "critic/score_restored": fake_B.detach().mean(),
            "critic/balance": (real_B - fake_B).detach().mean(),
        }

    def _descend(
        self,
        optimiser: torch.optim.Optimizer,
        objective: Tensor,
        rate: float,
        batch: PictureBatch,
        clip_norm: float = 0.0,
    ) -> Tensor:
        """One optimiser step, refused if the objective or its gradient is not finite. Returns the gradient norm."""
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(objective)
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        norm = nn.utils.clip_grad_norm_(weights, clip_norm or math.inf)
        if not bool(torch.isfinite(norm + objective.detach())):
            self._refuse(batch, float(objective), float(norm))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        return norm

    def _refuse(self, batch: PictureBatch, objective: float, norm: float) -> None:
        path = self.config.run_dir / f"non-finite-step-{self.step}-rank-{self.fabric.global_rank}.pt"
        try:
            save_checkpoint({"step": self.step, "input": batch.input_BCHW, "target": batch.target_BCHW}, path)
            where = f"the batch is in {path}"
        except OSError as error:
            where = f"the batch could not be saved ({error})"
        raise NonFiniteLossError(f"step {self.step}: loss {objective}, gradient norm {norm}; {where}")

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.average is not None:
            decay = ema_decay_at(self.config.optimiser.ema_decay, self.step)
            averaged, current = list(self.average.parameters()), list(self.raw_generator.parameters())
            torch._foreach_lerp_(averaged, current, 1 - decay)

    def _advance(self, stop: StopRequest) -> None:
        """Move along the plan, by the same amount in all processes, and learn of a signal to any of them."""
        clock = 0.0
        if self.config.schedule.max_minutes:
            clock = self.elapsed_s / (60 * self.config.schedule.max_minutes) * self.stages[-1].end_step
        wish = torch.tensor([clock, float(stop.signal_number)], dtype=torch.float64)
        if self.fabric.world_size > 1:
            wish = self._all_reduce_max(wish)
        self.position = max(self.position + 1, int(wish[0]))
        stop.signal_number = int(wish[1])

    def _agree(self, wish: bool) -> bool:
        """Whether rank 0 wishes: it alone writes, but all ranks must come to the same collectives."""
        return wish and self.fabric.is_global_zero

    def _all_reduce_max(self, values: Tensor) -> Tensor:
        values = values.float() if self.fabric.device.type == "mps" else values
        on_device = values.to(self.fabric.device)
        torch.distributed.all_reduce(on_device, op=torch.distributed.ReduceOp.MAX)
        return on_device.cpu()

    # ---- stages

    def _enter(self, stage: Stage, monitor: Monitor) -> None:
        """Begin a stage, or go on in the one that a checkpoint was taken in."""
        if stage.index != self.stage_index:
            self._prepare(stage)
            self.stage_index, self.stage_step = stage.index, 0
        c = stage.config
        monitor.stage(
            stage.index + 1, len(self.stages), f"{stage.steps} steps of {c.batch_size} x {c.patch_size} px"
        )

    def _prepare(self, stage: Stage) -> None:
        """Networks and optimisers as the stage begins. Its generator is always the one before it."""
        loss = self.config.loss_of(stage.config)
        restart = stage.config.restart and stage.index > 0
        if restart:
            self.optimiser = self._make_optimiser(self.raw_generator)
        if not loss.adversarial_weight:
            self.raw_critic = self.critic = self.critic_optimiser = None
            return
        sigmoid = loss.adversarial == "wasserstein_sigmoid"
        if restart or self.raw_critic is None or self.raw_critic.sigmoid != sigmoid:
            torch.manual_seed(_step_seed(self.config.seed, -1 - stage.index, 0))
            self.raw_critic = self._place(Critic(self.config.critic_size, sigmoid))
            self.critic = self.fabric.setup_module(self.raw_critic)
            self.critic_optimiser = self._make_optimiser(self.raw_critic)

    def _batches(self, stage: Stage) -> Iterator[PictureBatch]:
        """Batches from here on; no stage repeats the sample numbers of another."""
        used = sum(s.steps * s.config.batch_size for s in self.stages[: stage.index])
        first = -(-used // stage.config.batch_size) + self.stage_step
        patch_size = stage.config.patch_size
        return self.source.batches(
            first,
            stage.config.batch_size,
            self.fabric.global_rank,
            self.fabric.world_size,
            lambda step: patch_size,
            workers=self.config.workers,
        )

    # ---- parts

    def _place(self, item: Any) -> Any:
        kwargs = {"memory_format": torch.channels_last} if self.config.channels_last else {}
        return item.to(self.fabric.device, non_blocking=True, **kwargs)

    def _make_optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        c = self.config.optimiser
        kind = torch.optim.AdamW if c.kind == "adamw" else torch.optim.Adam
        weights = [weight for weight in module.parameters() if weight.requires_grad]
        return kind(weights, lr=c.learning_rate, betas=c.betas, weight_decay=c.weight_decay, fused=True)

    def _make_perceptual(self) -> PerceptualLoss:
        c = self.config.perceptual
        stand_in = c.network == "vgg16_stand_in"
        network = load_vgg16_stand_in(c.weights) if stand_in else load_vgg19(c.weights)
        module: PerceptualLoss = self._place(PerceptualLoss(network, c.channels))
        if stand_in:
            crops = self.source.samples(range(_CALIBRATION_CROPS), self.stages[-1].config.patch_size)
            module.calibrate(self._place(crops.target_BCHW) * 2 - 1)
        return module

    # ---- validation and files

    @property
    def best_generator(self) -> Generator:
        """What is validated and exported: the moving average, or the generator itself."""
        return self.average if self.average is not None else self.raw_generator

    def _validate(self, monitor: Monitor) -> None:
        if not self.fabric.is_global_zero:
            return
        generator = self.best_generator.eval()
        with self.fabric.autocast():
            self.scores, samples = self.validation.measure(generator, self.fabric.device)
        self.raw_generator.train()
        monitor.scores(self.step, self.scores, samples)
        psnr_db = sum(score.psnr_db for score in self.scores.values()) / len(self.scores)
        if psnr_db > self.best_psnr_db:
            self.best_psnr_db = psnr_db
            self._save("best.pt")

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs, fit for ``weights_only`` reading."""
        critic, critic_optimiser, average = self.raw_critic, self.critic_optimiser, self.average
        return {
            "recipe": self.config.recipe(),
            "step": self.step,
            "position": self.position,
            "stage_index": self.stage_index,
            "stage_step": self.stage_step,
            "elapsed_s": self.elapsed_s,
            "best_psnr_db": self.best_psnr_db,
            "generator": self.raw_generator.state_dict(),
            "average": average.state_dict() if average is not None else None,
            "optimiser": self.optimiser.state_dict(),
            "critic": critic.state_dict() if critic is not None else None,
            "critic_optimiser": critic_optimiser.state_dict() if critic_optimiser is not None else None,
        }

    def _save(self, name: str, must_succeed: bool = False) -> None:
        """Write a checkpoint and its weights from rank 0. A failure costs the file, not the run."""
        if not self.fabric.is_global_zero:
            return
        path = self.config.run_dir / name
        try:
            save_checkpoint(self.state(), path)
            export_weights(
                self.config, self.best_generator, self.step, self.scores, path.with_suffix(".safetensors")
            )
        except OSError as error:
            if must_succeed:
                raise
            _LOG.error(
                "%s was not written (%s); the one before it is untouched, training goes on", path, error
            )

    def _resume(self) -> None:
        path = self.config.run_dir / "last.pt"
        if not path.is_file():
            return
        state = load_checkpoint(path, self.fabric.device)
        theirs, ours = state["recipe"], self.config.recipe()
        different = [key for key in ours if theirs.get(key) != ours[key]]
        if different:
            raise ValueError(
                f"{path} is of a run with another {', '.join(different)}: name another --output, or remove the folder"
            )
        self.step, self.position = state["step"], state["position"]
        self.stage_index, self.stage_step = state["stage_index"], state["stage_step"]
        self.elapsed_s, self.best_psnr_db = state["elapsed_s"], state["best_psnr_db"]
        self.raw_generator.load_state_dict(state["generator"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.stage_index >= 0:
            self._prepare(self.stages[self.stage_index])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.raw_critic is not None and self.critic_optimiser is not None:
            self.raw_critic.load_state_dict(state["critic"])
            self.critic_optimiser.load_state_dict(state["critic_optimiser"])
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
