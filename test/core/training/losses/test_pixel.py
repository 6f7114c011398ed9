# SPDX-License-Identifier: Apache-2.0
"""Pixel losses against values worked out by hand, against their own derivatives, and against known mistakes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.training.losses import pixel


def test_pixel_losses_by_hand() -> None:
    restored_BCHW = torch.tensor([0.0, 0.0, 0.0, 0.2]).view(1, 1, 2, 2)
    target_BCHW = torch.tensor([0.0, 0.4, 0.0, 0.0]).view(1, 1, 2, 2)
    assert float(pixel.pixel_loss("l1", restored_BCHW, target_BCHW)) == pytest.approx(0.6 / 4)
    charbonnier = (2 * 1e-3 + math.hypot(0.4, 1e-3) + math.hypot(0.2, 1e-3)) / 4
    assert float(pixel.pixel_loss("charbonnier", restored_BCHW, target_BCHW)) == pytest.approx(charbonnier)
    mse_of_unit_range = (0.16 + 0.04) / 4 / 4
    assert float(pixel.pixel_loss("psnr", restored_BCHW, target_BCHW)) == pytest.approx(
        10 * math.log10(mse_of_unit_range + 1e-8)
    )


def test_psnr_loss_averages_decibels_over_images_not_errors() -> None:
    target_BCHW = torch.zeros(2, 3, 4, 4)
    restored_BCHW = torch.stack((torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), 0.02)))  # 20 dB, 40 dB
    assert float(pixel.psnr_loss(restored_BCHW, target_BCHW)) == pytest.approx(-30, abs=1e-3)


def test_fft_loss_by_hand() -> None:
    """An impulse of 1 in 4 x 4 has 1/4 in every orthonormal bin: the parts' sizes are |cos|/4 and |sin|/4."""
    impulse_BCHW = torch.zeros(1, 1, 4, 4)
    impulse_BCHW[0, 0, 0, 0] = 1.0
    assert float(pixel.fft_loss(impulse_BCHW, torch.zeros_like(impulse_BCHW))) == pytest.approx(1 / 8)


def test_fft_loss_does_not_grow_with_the_patch() -> None:
    generator = torch.Generator().manual_seed(0)
    small, large = (
        float(pixel.fft_loss(torch.randn(1, 3, side, side, generator=generator), torch.zeros(1)))
        for side in (32, 128)
    )
    assert small == pytest.approx(large, rel=0.05)


def test_fft_loss_takes_bfloat16() -> None:
    x_BCHW = torch.rand(1, 3, 8, 8).bfloat16()
    assert torch.isfinite(pixel.fft_loss(x_BCHW, torch.zeros_like(x_BCHW)))


def test_only_what_is_degraded_counts_in_full_from_eight_levels_on() -> None:
    level = 2 / 255
    target_BCHW = torch.zeros(1, 3, 1, 4)
    restored_BCHW = target_BCHW + 0.5
    degraded_BCHW = target_BCHW.clone()
    degraded_BCHW[0, 1, 0] = torch.tensor([0, 2, 8, 80]) * level  # in one channel: all three count
    loss = pixel.degraded_loss(restored_BCHW, target_BCHW, degraded_BCHW)
    assert float(loss) == pytest.approx(0.5 * (0 + 0.25 + 1 + 1) / 4)


def test_a_pixel_as_it_was_counts_for_nothing_where_it_was_right() -> None:
    target_BCHW = torch.rand(1, 3, 4, 4)
    assert pixel.degraded_loss(target_BCHW + 0.1, target_BCHW, target_BCHW) == 0


@pytest.mark.parametrize("function", [pixel.charbonnier_loss, pixel.psnr_loss, pixel.fft_loss])
def test_derivatives_are_right(function) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    restored_BCHW = torch.randn(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    target_BCHW = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x_BCHW: function(x_BCHW, target_BCHW), restored_BCHW)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from(["l1", "charbonnier", "psnr"]))
def test_no_pixel_loss_is_lower_than_that_of_the_target_itself(seed: int, kind: pixel.PixelKind) -> None:
    generator = torch.Generator().manual_seed(seed)
    target_BCHW = torch.rand(2, 3, 4, 4, generator=generator) * 2 - 1
    other_BCHW = torch.rand(2, 3, 4, 4, generator=generator) * 2 - 1
    assert pixel.pixel_loss(kind, other_BCHW, target_BCHW) > pixel.pixel_loss(kind, target_BCHW, target_BCHW)
    assert pixel.fft_loss(other_BCHW, target_BCHW) > pixel.fft_loss(target_BCHW, target_BCHW) == 0
