# SPDX-License-Identifier: Apache-2.0
"""The optimisers a recipe can name: Adam and AdamW as torch has them, and Muon, which wants matrices.

Muon (Jordan et al. 2024) makes every step of a weight matrix equally long in all its directions.
``docs/training_notes.md`` says what it brings.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from restoregan_core.training.config import OptimiserConfig


def make_optimiser(config: OptimiserConfig, module: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser, for the weights of ``module`` that are to be trained."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    if config.kind == "muon":
        return MuonWithAdamW(weights, config.learning_rate, config.betas, config.weight_decay)
    kind = torch.optim.AdamW if config.kind == "adamw" else torch.optim.Adam
    return kind(
        weights, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay, fused=True
    )


class MuonWithAdamW(torch.optim.Optimizer):
    """torch's Muon for convolutions between features, AdamW for all else.

    A convolution's weight (out, in, height, width) counts as a matrix with ``out`` rows. Muon's steps are
    scaled to the length of AdamW's ("match_rms_adamw"), so that one learning rate serves both. The first and
    the last layer, which touch pixels, and the biases go by AdamW, as Muon's authors advise: those are the
    convolutions with fewer than 16 rows or with fewer than 16 input channels.

    Args:
        weights: all of a network.
        betas: AdamW's; Muon has a momentum of 0.95.
    """

    def __init__(
        self, weights: Iterable[Tensor], lr: float, betas: tuple[float, float], weight_decay: float
    ) -> None:
        self._convolutions: list[Tensor] = []
        others: list[Tensor] = []
        for weight in weights:
            is_inner = weight.ndim == 4 and min(weight.shape[:2]) >= 16
            (self._convolutions if is_inner else others).append(weight)
        self._matrices = [nn.Parameter(_as_matrix(weight.detach())) for weight in self._convolutions]
        self._parts: list[torch.optim.Optimizer] = []
        if self._matrices:
            muon = torch.optim.Muon(
                self._matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
            )
            self._parts.append(muon)
        if others:
            adamw = torch.optim.AdamW(others, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
            self._parts.append(adamw)
        super().__init__([{"params": part} for part in (self._convolutions, others) if part], {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step with the learning rates of ``param_groups``. Takes no closure."""
        assert closure is None, "Muon evaluates the loss once"
        for matrix, weight in zip(self._matrices, self._convolutions, strict=True):
            # The weight may have moved to other memory since (``load_state_dict`` leaves it where it is).
            matrix.data = _as_matrix(weight.detach())
            matrix.grad = None if weight.grad is None else _as_matrix(weight.grad)
        for group, part in zip(self.param_groups, self._parts, strict=True):
            for inner in part.param_groups:
                inner["lr"] = group["lr"]
            part.step()
        for matrix, weight in zip(self._matrices, self._convolutions, strict=True):
            matrix.grad = None
            if matrix.data_ptr() != weight.data_ptr():
                weight.copy_(matrix.view_as(weight))

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)


def _as_matrix(weight: Tensor) -> Tensor:
    return weight.reshape(len(weight), -1)
