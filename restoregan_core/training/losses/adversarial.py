# SPDX-License-Identifier: Apache-2.0
"""The game between generator and critic. Every loss is a scalar tensor.

Images are float (B, C, H, W) RGB in [-1, 1], scores (B,).
Sources: Wei et al. 2021, eqs. 4 to 9; Gulrajani et al. 2017 for the gradient penalty.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

AdversarialKind = Literal["wasserstein_sigmoid", "wgan_clip", "wgan_gp", "minimax"]


def critic_loss(kind: AdversarialKind, fake_B: Tensor, real_B: Tensor) -> Tensor:
    """What the critic minimises: E[D(G(degraded))] - E[D(sharp)]; for ``minimax`` the cross-entropy of eq. 5.

    Args:
        kind: ``wasserstein_sigmoid`` is the paper's; it takes scores in (0, 1), the others unbounded ones.
            The constraint of ``wgan_clip`` and ``wgan_gp`` is not in here: see ``clip_weights``,
            ``gradient_penalty``.
        fake_B: scores of restored images.
        real_B: scores of sharp images.
    """
    if kind == "minimax":  # -log D(sharp) - log(1 - D(fake)), with D = sigmoid(score), without overflow
        return F.softplus(-real_B).mean() + F.softplus(fake_B).mean()
    return fake_B.mean() - real_B.mean()


def generator_adversarial_loss(kind: AdversarialKind, fake_B: Tensor) -> Tensor:
    """What the generator minimises: -E[D(G(degraded))]; for ``minimax`` E[log(1 - D)] (eq. 5)."""
    return -F.softplus(fake_B).mean() if kind == "minimax" else -fake_B.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real_BCHW: Tensor, fake_BCHW: Tensor, mix_B: Tensor
) -> Tensor:
    """E[(|dD/dx| - 1)^2] at points between sharp and restored images; WGAN-GP weighs it by 10.

    The norm of each sample's gradient runs over all of C, H and W.

    Args:
        mix_B: share of the sharp image in each point, in [0, 1].
    """
    mix_B111 = mix_B.view(-1, 1, 1, 1)
    point_BCHW = (mix_B111 * real_BCHW + (1 - mix_B111) * fake_BCHW).detach().requires_grad_()
    scores_B = critic(point_BCHW)
    (gradient_BCHW,) = torch.autograd.grad(scores_B.sum(), point_BCHW, create_graph=True)
    norm_B = gradient_BCHW.float().flatten(1).norm(dim=1)
    return (norm_B - 1).square().mean()


@torch.no_grad()
def clip_weights(critic: torch.nn.Module, limit: float) -> None:
    """Clamp every weight to [-limit, limit]: WGAN's way to bound the critic's slope."""
    for weight in critic.parameters():
        weight.clamp_(-limit, limit)
