# SPDX-License-Identifier: Apache-2.0
"""What learns: the generator, its moving average, the critic, their optimisers; one step of all of them.

A step is a pure function of (weights, optimiser state, batch, seed): it keeps no generator of random numbers,
so a checkpoint needs none.
"""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from restoregan_core.data.sequences import SequenceBatch
from restoregan_core.models.critic import Critic
from restoregan_core.models.generator import Generator
from restoregan_core.training import transfer
from restoregan_core.training.config import TrainConfig
from restoregan_core.training.ema import make_ema, set_steps
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.losses import adversarial, pixel
from restoregan_core.training.losses.detector import DetectorFeatures, DetectorLoss
from restoregan_core.training.losses.perceptual import PerceptualLoss, load_vgg16_stand_in, load_vgg19
from restoregan_core.training.optimisers import make_optimiser
from restoregan_core.training.unrolled import Unrolling, without_edge

_HALF_A_LEVEL = 1 / 255
"""Half of a grey level, in the networks' range of -1 to 1."""


class TrainingFailedError(RuntimeError):
    """Going on would be in vain."""


class NonFiniteLossError(TrainingFailedError):
    """A loss or a gradient is NaN or infinite; the step that met it was not taken."""


class SaturatedError(TrainingFailedError):
    """The generator's tanh is saturated everywhere: no gradient comes through, and it will never recover."""


class Learner:
    """Networks and optimisers of one process.

    Args:
        config: the recipe.
        fabric: Lightning's Fabric, launched: devices, precision, processes.

    Raises:
        ValueError: weights to start from, VGG's, or the detector's are missing or do not fit.
    """

    def __init__(self, config: TrainConfig, fabric: Any) -> None:
        self.config, self.fabric = config, fabric
        torch.manual_seed(config.seed)
        generator = Generator(config.generator_config)
        transfer.load_start(generator, config.transfer.start_from)
        transfer.freeze(generator, config.transfer.freeze)
        self.generator: Generator = self.place(generator)
        teacher = transfer.load_teacher(generator, config.transfer.keep)
        self.teacher: Generator | None = self.place(teacher) if teacher else None
        decay = config.optimiser.ema_decay
        self.ema = make_ema(self.generator, decay) if decay else None
        self.wrapped_generator = fabric.setup_module(self.generator)
        self.optimiser = make_optimiser(config.optimiser, self.generator)
        self.critic: Critic | None = None
        self.wrapped_critic: Any = None
        self.critic_optimiser: torch.optim.Optimizer | None = None
        self.perceptual = self._make_perceptual() if config.perceptual_used else None
        self.detector: DetectorLoss | None = None
        if config.detector_used:
            self.detector = self.place(DetectorLoss(DetectorFeatures(config.detector.weights)))

    @property
    def best_generator(self) -> Generator:
        """What is validated and exported: the moving average, or the generator itself."""
        return self.generator if self.ema is None else cast(Generator, self.ema.module)

    def place(self, item: Any) -> Any:
        """A module or a (B, C, H, W) tensor on the device, in the run's memory layout."""
        layout = {"memory_format": torch.channels_last} if self.config.channels_last else {}
        return item.to(self.fabric.device, non_blocking=True, **layout)

    def begin_stage(self, loss: LossConfig, restart: bool, seed: int) -> None:
        """Networks and optimisers as a stage begins. The generator's weights are always kept.

        Args:
            restart: throw the critic and both optimisers away (the paper's progressive restart).
            seed: of a new critic's weights.
        """
        if restart:
            self.optimiser = make_optimiser(self.config.optimiser, self.generator)
        if not loss.adversarial_weight:
            self.critic = self.wrapped_critic = self.critic_optimiser = None
            return
        sigmoid = loss.adversarial == "wasserstein_sigmoid"
        if restart or self.critic is None or self.critic.sigmoid != sigmoid:
            torch.manual_seed(seed)
            self.critic = self.place(Critic(self.config.critic_size, sigmoid))
            self.wrapped_critic = self.fabric.setup_module(self.critic)
            self.critic_optimiser = make_optimiser(self.config.optimiser, self.critic)

    def learn(
        self,
        input_BCHW: Tensor,
        target_BCHW: Tensor,
        loss: LossConfig,
        rate: float,
        seed: int,
        kinds: Sequence[str] = (),
    ) -> dict[str, Tensor]:
        """The critic's steps, then one of the generator. Returns what is worth a curve, as scalar tensors.

        Args:
            input_BCHW, target_BCHW: float32 RGB in [0, 1], of this process; the input with its history, if any.
            rate: the learning rate.
            seed: of dropout and of the gradient penalty's points.
            kinds: of the samples, where ``transfer.keep_kinds`` leaves some out.

        Raises:
            NonFiniteLossError: see there.
        """
        torch.manual_seed(seed)
        degraded_BCHW = self.place(input_BCHW).mul(2).sub(1)
        sharp_BCHW = self.place(target_BCHW).mul(2).sub(1)
        if self.teacher is not None:
            is_asked_B = self._is_single(degraded_BCHW) & self._is_of_kept_kind(kinds, len(degraded_BCHW))
            sharp_BCHW = self._kept(degraded_BCHW, sharp_BCHW, is_asked_B)
        restored_BCHW = self.wrapped_generator(degraded_BCHW)
        figures: dict[str, Tensor] = {}
        if loss.adversarial_weight:
            figures |= self._train_critic(loss, rate, restored_BCHW.detach(), sharp_BCHW)
        terms = self._generator_losses(loss, restored_BCHW, sharp_BCHW, degraded_BCHW[:, :3])
        total = torch.stack(list(terms.values())).sum()
        norm = self._descend(self.optimiser, total, rate, self.config.optimiser.clip_norm)
        figures |= {name: term.detach() for name, term in terms.items()}
        return self._learnt(figures, total.detach(), norm)

    def learn_sequences(
        self, batch: SequenceBatch, loss: LossConfig, rate: float, seed: int
    ) -> dict[str, Tensor]:
        """One step of a recurrent generator, which restores the frames of each sequence one after another.

        Its answer to each frame is judged, and is what it sees beside the next one. No gradient runs from one frame to
        another, so there is never more than one frame's graph; their gradients are added up.

        Args: as of ``learn``, and what is returned; losses are means over the frames.
        """
        torch.manual_seed(seed)
        unrolling = Unrolling(batch.to(self.fabric.device))
        self.optimiser.zero_grad(set_to_none=True)
        figures: dict[str, Tensor] = {}
        is_asked_B = unrolling.is_single & self._is_of_kept_kind(batch.kinds, len(batch.origins))
        for number in range(batch.frames):
            degraded_BCHW, sharp_BCHW = (
                self.place(images) for images in (unrolling.input(number), unrolling.wanted(number))
            )
            if self.teacher is not None:
                sharp_BCHW = self._kept(degraded_BCHW, sharp_BCHW, is_asked_B)
            is_last = number == batch.frames - 1
            with self.fabric.no_backward_sync(self.wrapped_generator, enabled=not is_last):
                restored_BCHW = self.wrapped_generator(degraded_BCHW)
                judged = map(without_edge, (restored_BCHW, sharp_BCHW, degraded_BCHW[:, :3]))
                terms = self._generator_losses(loss, *judged)
                self.fabric.backward(torch.stack(list(terms.values())).sum() / batch.frames)
            unrolling.keep(number, restored_BCHW)
            for name, term in terms.items():
                figures[name] = figures.get(name, 0) + term.detach() / batch.frames
        total = torch.stack(list(figures.values())).sum()
        return self._learnt(
            figures, total, self._step(self.optimiser, total, rate, self.config.optimiser.clip_norm)
        )

    def _learnt(self, figures: dict[str, Tensor], total: Tensor, norm: Tensor) -> dict[str, Tensor]:
        """After the generator's step."""
        if self.ema is not None:
            self.ema.update_parameters(self.generator)
        return figures | {"loss/total": total, "gradient_norm": norm}

    def _is_single(self, degraded_BCHW: Tensor) -> Tensor:
        """Which samples' history says nothing new, (B,) bool."""
        repeats = self.config.generator_config.history
        current_BCHW, older_BCHW = degraded_BCHW[:, :3], degraded_BCHW[:, 3 : 3 + 3 * repeats]
        return (older_BCHW == current_BCHW.repeat(1, repeats, 1, 1)).flatten(1).all(1)

    def _is_of_kept_kind(self, kinds: Sequence[str], count: int) -> Tensor:
        """Of which samples the teacher may be asked, (B,) bool; of all whose kinds are not known."""
        asked = [kind in self.config.transfer.keep_kinds for kind in kinds] or [True] * count
        return torch.tensor(asked, device=self.fabric.device)

    @torch.no_grad()
    def _kept(self, degraded_BCHW: Tensor, sharp_BCHW: Tensor, is_asked_B: Tensor) -> Tensor:
        """Ground truth, or what the teacher makes of those degraded samples of which it is asked.

        Clean samples keep their ground truth: of what is to be left alone there is nothing to forget.
        """
        assert self.teacher is not None
        current_BCHW = degraded_BCHW[:, :3]
        is_clean_B = ((current_BCHW - sharp_BCHW).abs() < _HALF_A_LEVEL).flatten(1).all(1)
        is_kept_B = is_asked_B & ~is_clean_B
        if not bool(is_kept_B.any()):
            return sharp_BCHW
        with self.fabric.autocast():
            answers_BCHW = self.teacher(degraded_BCHW[is_kept_B]).float()
        kept_BCHW = sharp_BCHW.clone()
        kept_BCHW[is_kept_B] = answers_BCHW
        return kept_BCHW

    def _generator_losses(
        self, loss: LossConfig, restored_BCHW: Tensor, sharp_BCHW: Tensor, degraded_BCHW: Tensor
    ) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        if loss.pixel_weight:
            terms["loss/pixel"] = loss.pixel_weight * pixel.pixel_loss(loss.pixel, restored_BCHW, sharp_BCHW)
        if loss.degraded_weight:
            difference = pixel.degraded_loss(restored_BCHW, sharp_BCHW, degraded_BCHW)
            terms["loss/degraded"] = loss.degraded_weight * difference
        if loss.fft_weight:
            terms["loss/fft"] = loss.fft_weight * pixel.fft_loss(restored_BCHW, sharp_BCHW)
        if loss.perceptual_weight:
            assert self.perceptual is not None
            with self.fabric.autocast():
                difference = self.perceptual(restored_BCHW, sharp_BCHW)
            terms["loss/perceptual"] = loss.perceptual_weight * difference
        if loss.detector_weight:
            assert self.detector is not None
            with self.fabric.autocast():
                difference = self.detector(restored_BCHW, sharp_BCHW)
            terms["loss/detector"] = loss.detector_weight * difference
        if loss.adversarial_weight:
            assert self.critic is not None
            # Past the DDP wrapper: it would wait for gradients of the critic, which are not wanted here.
            self.critic.requires_grad_(False)
            with self.fabric.autocast():
                scores_B = self.critic(restored_BCHW).float()
            self.critic.requires_grad_(True)
            game = adversarial.generator_adversarial_loss(loss.adversarial, scores_B)
            terms["loss/adversarial"] = loss.adversarial_weight * game
        return terms

    def _train_critic(
        self, loss: LossConfig, rate: float, fake_BCHW: Tensor, real_BCHW: Tensor
    ) -> dict[str, Tensor]:
        assert self.critic is not None
        assert self.critic_optimiser is not None
        for _ in range(loss.critic_steps):
            # One forward for both: a module under DDP may be called only once before its backward.
            fake_B, real_B = self.wrapped_critic(torch.cat((fake_BCHW, real_BCHW))).float().chunk(2)
            objective = adversarial.critic_loss(loss.adversarial, fake_B, real_B)
            if loss.adversarial == "wgan_gp":
                mix_B = torch.rand(len(real_BCHW), device=real_BCHW.device)
                # In full precision, past the wrapper; DDP's hooks are on the weights and average this too.
                penalty = adversarial.gradient_penalty(self.critic, real_BCHW, fake_BCHW, mix_B)
                objective = objective + loss.gradient_penalty_weight * penalty
            self._descend(self.critic_optimiser, objective, rate)
            if loss.adversarial == "wgan_clip":
                adversarial.clip_weights(self.critic, loss.weight_clip)
        return {
            "critic/loss": objective.detach(),
            "critic/score_sharp": real_B.detach().mean(),
            "critic/score_restored": fake_B.detach().mean(),
            "critic/balance": (real_B - fake_B).detach().mean(),
        }

    def _descend(
        self, optimiser: torch.optim.Optimizer, objective: Tensor, rate: float, clip_norm: float = 0.0
    ) -> Tensor:
        """One optimiser step along the objective's gradient; returns its norm."""
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(objective)
        return self._step(optimiser, objective.detach(), rate, clip_norm)

    def _step(
        self, optimiser: torch.optim.Optimizer, objective: Tensor, rate: float, clip_norm: float = 0.0
    ) -> Tensor:
        """A step along the gradient that is there, refused if it or the objective is not finite."""
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        norm = nn.utils.clip_grad_norm_(weights, clip_norm or math.inf)
        if not bool(torch.isfinite(norm + objective)):
            raise NonFiniteLossError(f"loss {float(objective):g}, gradient norm {float(norm):g}")
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        return norm

    def _make_perceptual(self) -> PerceptualLoss:
        c = self.config.perceptual
        network = load_vgg16_stand_in(c.weights) if c.network == "vgg16_stand_in" else load_vgg19(c.weights)
        module: PerceptualLoss = self.place(PerceptualLoss(network, c.channels))
        return module

    def state(self) -> dict[str, Any]:
        """Weights and optimisers, fit for ``weights_only`` reading."""
        ema, critic, critic_optimiser = self.ema, self.critic, self.critic_optimiser
        return {
            "generator": self.generator.state_dict(),
            "ema": None if ema is None else ema.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "critic": None if critic is None else critic.state_dict(),
            "critic_optimiser": None if critic_optimiser is None else critic_optimiser.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """The inverse of ``state``, in the stage that it was taken in (see ``begin_stage``)."""
        self.generator.load_state_dict(state["generator"])
        if self.ema is not None:
            self.ema.module.load_state_dict(state["ema"])
            set_steps(self.ema, state["step"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.critic is not None and self.critic_optimiser is not None:
            self.critic.load_state_dict(state["critic"])
            self.critic_optimiser.load_state_dict(state["critic_optimiser"])
