# SPDX-License-Identifier: Apache-2.0
"""Convolutions on integers: rounded as they say, and the same weights as before."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_generator import TINY
from torch import nn
from torch.nn import functional as F

from restoregan_core.models.generator import Generator, SameConv2d
from restoregan_core.models.int8 import Int8Conv2d, convolutions, settle, with_int8


def layer(stride=1, bias=True):
    torch.manual_seed(0)
    return SameConv2d(3, 5, 3, stride) if bias else nn.Conv2d(3, 5, 1, bias=False)


@pytest.mark.parametrize("stride", [1, 2])
def test_what_lies_on_the_levels_comes_out_as_from_floats(stride):
    """TensorFlow's padding for a stride of 2 included."""
    convolution = layer(stride)
    levels = torch.randint(-3, 4, convolution.weight.shape).float()
    levels[:, 0, 0, 0] = 127  # so that one level of the weights is 0.01
    convolution.weight.data = levels * 0.01
    x_BCHW = torch.randint(-128, 128, (2, 3, 8, 10)).float() * 0.5
    torch.testing.assert_close(Int8Conv2d(convolution, 0.5)(x_BCHW), convolution(x_BCHW))


@given(scale=st.floats(0.001, 10), value=st.floats(-2000, 2000))
def test_an_input_is_at_most_half_a_level_away_or_clipped(scale, value):
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    convolution.weight.data.fill_(1.0)
    seen = float(Int8Conv2d(convolution, scale)(torch.full((1, 1, 1, 1), value)).detach())
    clipped = min(max(value, -128 * scale), 127 * scale)
    assert abs(seen - clipped) <= scale * 0.5001 + 1e-4


def test_smoothing_changes_what_is_rounded_and_nothing_else():
    convolution = layer(bias=False)
    x_BCHW = torch.randn(1, 3, 6, 6) * torch.tensor([0.01, 1.0, 30.0])[:, None, None]
    smoothing = torch.tensor([0.01, 1.0, 30.0])
    convolution.weight.data /= smoothing[:, None, None]  # each channel counts as much as the others
    exact = convolution(x_BCHW)
    smoothed = (Int8Conv2d(convolution, 4 / 127, smoothing)(x_BCHW) - exact).abs().mean()
    plain = (Int8Conv2d(convolution, 120 / 127)(x_BCHW) - exact).abs().mean()
    assert smoothed < 0.1 * plain


def test_weights_keep_their_names_and_scales_stand_beside_them():
    generator = Generator(TINY)
    names = set(generator.state_dict())
    layers = set(convolutions(generator))
    kept = "head"
    added = set(with_int8(generator, layers - {kept}).state_dict()) - names
    assert added == {f"{name}.{scale}" for name in layers - {kept} for scale in ("input_scale", "smoothing")}
    assert set(convolutions(generator)) == {kept}
    with pytest.raises(ValueError, match="no convolution 'neck'"):
        with_int8(Generator(TINY), ["neck"])


def test_loaded_scales_are_those_that_are_used_also_in_a_copy():
    ours = Generator(TINY).eval()
    with_int8(ours, convolutions(ours))
    state = {
        key: value * 0 + 0.02 if key.endswith("input_scale") else value
        for key, value in ours.state_dict().items()
    }
    theirs = copy.deepcopy(ours)
    theirs.load_state_dict(state)
    x_BCHW = torch.randn(1, 3, 16, 16)
    first = F.conv2d(torch.fake_quantize_per_tensor_affine(F.pixel_unshuffle(x_BCHW, 2), 0.02, 0, -128, 127),
                     ours.stem[0]._smoothed()[0], padding=1, bias=ours.stem[0].bias)  # fmt: skip
    torch.testing.assert_close(theirs.stem[0](F.pixel_unshuffle(x_BCHW, 2)), first, atol=0.02, rtol=0.02)
    assert float(ours.stem[0].input_scale) == 1.0


def test_settled_weights_give_the_same():
    generator = Generator(TINY).eval()
    with_int8(generator, convolutions(generator))
    nn.init.normal_(generator.head.weight, std=0.05)
    x_BCHW = torch.rand(1, 3, 16, 16) * 2 - 1
    before = generator(x_BCHW)
    settle(generator)
    assert torch.equal(generator(x_BCHW), before)
