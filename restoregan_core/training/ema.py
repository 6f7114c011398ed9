# SPDX-License-Identifier: Apache-2.0
"""Exponential moving averages of weights: steadier than the weights themselves."""

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def make_ema(network: nn.Module, decay: float) -> AveragedModel:
    """A copy of ``network`` whose floats, buffers included, follow its own at each ``update_parameters(network)``.

    Args:
        decay: at the end; less at the beginning (``ema_decay_at``).
    """

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        get_ema_multi_avg_fn(ema_decay_at(decay, int(count) - 1))(averaged, current, count)

    ema = AveragedModel(network, multi_avg_fn=update, use_buffers=True)  # type: ignore[arg-type]
    set_steps(ema, 0)
    return ema.eval()


def set_steps(ema: AveragedModel, steps: int) -> None:
    """Say how many updates the weights of ``ema`` have seen, when they come from a checkpoint."""
    # Those it begins with count as one: otherwise the first update would replace them.
    ema.n_averaged.fill_(1 + steps)


def ema_decay_at(decay: float, step: int) -> float:
    """Decay of the moving average at ``step``: less at the beginning, so that the average forgets the random start."""
    return min(decay, (1 + step) / (10 + step))
