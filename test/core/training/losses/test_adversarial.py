# SPDX-License-Identifier: Apache-2.0
"""The adversarial losses against values by hand, their own derivatives, and known mistakes."""

import math

import pytest
import torch
from torch import nn

from restoregan_core.training.losses import adversarial

FAKE_B = torch.tensor([0.2, 0.4])
REAL_B = torch.tensor([0.9, 0.5])


@pytest.mark.parametrize("kind", ["wasserstein_sigmoid", "wgan_clip", "wgan_gp"])
def test_wasserstein_losses_are_differences_of_mean_scores(kind: adversarial.AdversarialKind) -> None:
    assert float(adversarial.critic_loss(kind, FAKE_B, REAL_B)) == pytest.approx(0.3 - 0.7)
    assert float(adversarial.generator_adversarial_loss(kind, FAKE_B)) == pytest.approx(-0.3)


def test_minimax_is_the_cross_entropy_of_equation_5() -> None:
    fake_B, real_B = (
        torch.tensor([0.0, math.log(3)]),
        torch.tensor([math.log(3), 0.0]),
    )  # D: 1/2, 3/4; 3/4, 1/2
    critic = (-math.log(3 / 4) - math.log(1 / 2)) / 2 + (-math.log(1 / 2) - math.log(1 / 4)) / 2
    assert float(adversarial.critic_loss("minimax", fake_B, real_B)) == pytest.approx(critic)
    generator = (math.log(1 / 2) + math.log(1 / 4)) / 2
    assert float(adversarial.generator_adversarial_loss("minimax", fake_B)) == pytest.approx(generator)


def test_minimax_stays_finite_for_scores_far_out() -> None:
    far_B = torch.tensor([1e4, -1e4])
    assert torch.isfinite(adversarial.critic_loss("minimax", far_B, -far_B))


def test_critic_and_generator_pull_the_score_of_restored_images_in_opposite_directions() -> None:
    for kind in ("wasserstein_sigmoid", "wgan_clip", "wgan_gp", "minimax"):
        fake_B = torch.tensor([0.3], requires_grad=True)
        (by_critic,) = torch.autograd.grad(adversarial.critic_loss(kind, fake_B, REAL_B), fake_B)
        (by_generator,) = torch.autograd.grad(adversarial.generator_adversarial_loss(kind, fake_B), fake_B)
        assert by_critic > 0 > by_generator


def test_gradient_penalty_takes_the_norm_over_channels_rows_and_columns() -> None:
    """A critic with slope 1/4 in each of 3 x 4 x 4 inputs: the norm is sqrt(48)/4; over channels alone sqrt(3)/4."""
    real_BCHW, fake_BCHW = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    penalty = adversarial.gradient_penalty(
        lambda x_BCHW: x_BCHW.flatten(1).sum(1) / 4, real_BCHW, fake_BCHW, torch.tensor([0.3, 0.8])
    )
    assert float(penalty) == pytest.approx((math.sqrt(48) / 4 - 1) ** 2, rel=1e-5)


def test_gradient_penalty_is_taken_between_the_images_and_reaches_the_critic() -> None:
    """D(x) = w/2 sum(x^2) has gradient w x: at the middle of 0 and 1, of one pixel, it is w / 2."""
    weight = nn.Parameter(torch.tensor(6.0))
    penalty = adversarial.gradient_penalty(
        lambda x_BCHW: weight / 2 * x_BCHW.square().flatten(1).sum(1),
        torch.ones(1, 1, 1, 1),
        torch.zeros(1, 1, 1, 1),
        torch.tensor([0.5]),
    )
    penalty.backward()
    assert float(penalty.detach()) == pytest.approx((3 - 1) ** 2)
    assert float(weight.grad) == pytest.approx(2 * (3 - 1) / 2)  # type: ignore[arg-type]


def test_each_sample_has_a_penalty_of_its_own() -> None:
    """Slopes 1 and 3: the mean of 0 and 4, not the square of a mean slope."""
    slope_B = torch.tensor([1.0, 3.0])
    penalty = adversarial.gradient_penalty(
        lambda x_BCHW: slope_B * x_BCHW.flatten(1).sum(1),
        torch.zeros(2, 1, 1, 1),
        torch.ones(2, 1, 1, 1),
        torch.tensor([0.1, 0.9]),
    )
    assert float(penalty) == pytest.approx(2.0)


def test_weight_clipping_bounds_every_weight_and_leaves_small_ones() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[5.0, 0.004]]))
        layer.bias.fill_(-3)
    adversarial.clip_weights(layer, 0.01)
    assert torch.equal(layer.weight, torch.tensor([[0.01, 0.004]]))
    assert layer.bias.item() == pytest.approx(-0.01)


def test_second_derivatives_of_the_gradient_penalty_are_right() -> None:
    torch.manual_seed(0)
    weight = torch.randn(5, 12, dtype=torch.float64, requires_grad=True)
    real_BCHW, fake_BCHW = (torch.rand(2, 3, 2, 2, dtype=torch.float64) for _ in range(2))
    mix_B = torch.tensor([0.2, 0.7], dtype=torch.float64)

    def penalty(w: torch.Tensor) -> torch.Tensor:
        return adversarial.gradient_penalty(
            lambda x_BCHW: torch.tanh(x_BCHW.flatten(1) @ w.T).sum(1), real_BCHW, fake_BCHW, mix_B
        )

    assert torch.autograd.gradcheck(penalty, weight, eps=1e-3, atol=1e-2, rtol=1e-2)
