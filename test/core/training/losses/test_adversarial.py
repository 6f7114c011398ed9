"""Losses against values worked out by hand, against their own derivatives, and against known mistakes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


def test_critic_and_generator_pull_the_score_of_restored_pictures_in_opposite_directions() -> None:
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


def test_gradient_penalty_is_taken_between_the_pictures_and_reaches_the_critic() -> None:
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


def test_pixel_losses_by_hand() -> None:
    restored_BCHW = torch.tensor([0.0, 0.0, 0.0, 0.2]).view(1, 1, 2, 2)
    target_BCHW = torch.tensor([0.0, 0.4, 0.0, 0.0]).view(1, 1, 2, 2)
    assert float(adversarial.pixel_loss("l1", restored_BCHW, target_BCHW)) == pytest.approx(0.6 / 4)
    charbonnier = (2 * 1e-3 + math.hypot(0.4, 1e-3) + math.hypot(0.2, 1e-3)) / 4
    assert float(adversarial.pixel_loss("charbonnier", restored_BCHW, target_BCHW)) == pytest.approx(
        charbonnier
    )
    mse_of_unit_range = (0.16 + 0.04) / 4 / 4
    assert float(adversarial.pixel_loss("psnr", restored_BCHW, target_BCHW)) == pytest.approx(
        10 * math.log10(mse_of_unit_range + 1e-8)
    )


def test_psnr_loss_averages_decibels_over_pictures_not_errors() -> None:
    target_BCHW = torch.zeros(2, 3, 4, 4)
    restored_BCHW = torch.stack((torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), 0.02)))  # 20 dB, 40 dB
    assert float(adversarial.psnr_loss(restored_BCHW, target_BCHW)) == pytest.approx(-30, abs=1e-3)


def test_fft_loss_by_hand() -> None:
    """An impulse of 1 in 4 x 4 has 1/4 in every orthonormal bin: the parts' sizes are |cos|/4 and |sin|/4."""
    impulse_BCHW = torch.zeros(1, 1, 4, 4)
    impulse_BCHW[0, 0, 0, 0] = 1.0
    assert float(adversarial.fft_loss(impulse_BCHW, torch.zeros_like(impulse_BCHW))) == pytest.approx(1 / 8)


def test_fft_loss_does_not_grow_with_the_patch() -> None:
    generator = torch.Generator().manual_seed(0)
    small, large = (
        float(adversarial.fft_loss(torch.randn(1, 3, side, side, generator=generator), torch.zeros(1)))
        for side in (32, 128)
    )
    assert small == pytest.approx(large, rel=0.05)


def test_fft_loss_takes_bfloat16() -> None:
    x_BCHW = torch.rand(1, 3, 8, 8).bfloat16()
    assert torch.isfinite(adversarial.fft_loss(x_BCHW, torch.zeros_like(x_BCHW)))


@pytest.mark.parametrize(
    "function", [adversarial.charbonnier_loss, adversarial.psnr_loss, adversarial.fft_loss]
)
def test_derivatives_are_right(function) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    restored_BCHW = torch.randn(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    target_BCHW = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x_BCHW: function(x_BCHW, target_BCHW), restored_BCHW)


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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from(["l1", "charbonnier", "psnr"]))
def test_no_pixel_loss_is_lower_than_that_of_the_target_itself(
    seed: int, kind: adversarial.PixelKind
) -> None:
    generator = torch.Generator().manual_seed(seed)
    target_BCHW = torch.rand(2, 3, 4, 4, generator=generator) * 2 - 1
    other_BCHW = torch.rand(2, 3, 4, 4, generator=generator) * 2 - 1
    assert adversarial.pixel_loss(kind, other_BCHW, target_BCHW) > adversarial.pixel_loss(
        kind, target_BCHW, target_BCHW
    )
    assert adversarial.fft_loss(other_BCHW, target_BCHW) > adversarial.fft_loss(target_BCHW, target_BCHW) == 0
