# SPDX-License-Identifier: Apache-2.0
"""The generator against the paper's formula, and the family around it."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from restoregan_core.images.blur_path import SAMPLES
from restoregan_core.models.complexity import count_multiply_adds, count_parameters
from restoregan_core.models.generator import (
    Generator,
    GeneratorConfig,
    ResidualBlock,
    SameConv2d,
    same_padding,
)
from restoregan_core.models.receptive_field import receptive_field
from restoregan_core.zoo import CONFIGS, build_generator

SMALL = GeneratorConfig(base_width=4, blocks=1)


def test_the_paper_has_18_459_139_parameters_and_85_8_giga_multiply_adds() -> None:
    generator = build_generator("paper")
    assert count_parameters(generator) == 18_459_139
    assert round(count_multiply_adds(generator, 256, 256) / 1e9, 1) == 85.8


@pytest.mark.parametrize(("name", "gmac", "megabytes"), [("vehicle", 15, 15), ("lite", 3.5, 6)])
def test_vehicle_networks_keep_their_budget(name: str, gmac: float, megabytes: float) -> None:
    generator = build_generator(name)
    assert count_multiply_adds(generator, 256, 256) <= gmac * 1e9
    assert 2 * count_parameters(generator) <= megabytes * 1e6
    assert all(width % 8 == 0 for width in generator.config.widths)


def test_layers_follow_the_formula_of_the_paper() -> None:
    """C7S1-64, C3S2-128, C3S2-256, RB256 x 10, UC3-128, UC3-64, C7S1-3."""
    generator = Generator()
    plan = []
    for module in generator.modules():
        if isinstance(module, nn.Conv2d):  # in the order in which they run
            module.register_forward_hook(
                lambda m, *_: plan.append((m.kernel_size[0], m.stride[0], m.out_channels))
            )
    generator(torch.zeros(1, 3, 8, 8))
    head, tail = [(7, 1, 64), (3, 2, 128), (3, 2, 256)], [(3, 1, 128), (3, 1, 64), (7, 1, 3)]
    assert plan == head + [(3, 1, 256)] * 30 + tail
    assert not any("Norm" in type(m).__name__ for m in generator.modules())


def test_a_residual_block_is_conv_leaky_dropout_conv_leaky_conv() -> None:
    block = ResidualBlock(8, 3, 0.2, 0.5)
    kinds = [type(layer).__name__ for layer in block.body]
    assert kinds == ["SameConv2d", "LeakyReLU", "Dropout", "SameConv2d", "LeakyReLU", "SameConv2d"]
    assert block.body[1].negative_slope == 0.2
    assert block.body[2].p == 0.5


@pytest.mark.parametrize("convolutions", [2, 3])
def test_a_residual_block_really_holds_its_convolutions_and_its_skip(convolutions: int) -> None:
    """With identity kernels of weight 2 (and positive inputs) the body multiplies by 2 ^ convolutions."""
    block = ResidualBlock(1, convolutions, 0.2, 0.0)
    for layer in block.body:
        if isinstance(layer, SameConv2d):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            with torch.no_grad():
                layer.weight[0, 0, 1, 1] = 2.0
    x_BCHW = torch.rand(1, 1, 5, 5)
    torch.testing.assert_close(block(x_BCHW), x_BCHW * (1 + 2**convolutions))


@pytest.mark.parametrize(
    ("kernel_size", "stride", "before", "after"),
    [(3, 2, 0, 1), (3, 1, 1, 1), (7, 1, 3, 3), (4, 2, 1, 1), (4, 1, 1, 2)],
)
def test_padding_is_tensorflows_same(kernel_size: int, stride: int, before: int, after: int) -> None:
    assert same_padding(kernel_size, stride) == (before, after, before, after)


def test_a_strided_convolution_starts_at_the_first_pixel() -> None:
    """TensorFlow pads a stride-2 3x3 layer by (0, 1): its first output is centred on pixel 1, not on pixel 0."""
    conv = SameConv2d(1, 1, 3, stride=2)
    nn.init.constant_(conv.weight, 0.0)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        conv.weight[0, 0, 1, 1] = 1.0
    ramp_BCHW = torch.arange(16.0).view(1, 1, 4, 4)
    assert conv(ramp_BCHW).flatten().tolist() == [5, 7, 13, 15]


def test_dropout_is_on_in_training_and_off_in_eval() -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL)
    x_BCHW = torch.rand(1, 3, 16, 16)
    assert not torch.equal(generator(x_BCHW), generator(x_BCHW))
    generator.eval()
    assert torch.equal(generator(x_BCHW), generator(x_BCHW))


def test_output_is_clamped_in_eval_only_so_that_training_keeps_its_gradients() -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=4, blocks=1, dropout=0.0))
    nn.init.constant_(generator.head.bias, 3.0)  # type: ignore[arg-type]
    white_BCHW = torch.ones(1, 3, 16, 16)
    assert generator(white_BCHW).max() > 1.5
    assert generator.eval()(white_BCHW).max() == 1.0


def test_average_skip_is_half_of_the_sum() -> None:
    torch.manual_seed(0)
    add = Generator(GeneratorConfig(base_width=4, blocks=1, dropout=0.0))
    average = Generator(GeneratorConfig(base_width=4, blocks=1, dropout=0.0, output_skip="average"))
    average.load_state_dict(add.state_dict())
    x_BCHW = torch.rand(1, 3, 8, 8) * 2 - 1
    torch.testing.assert_close(average(x_BCHW) * 2, add(x_BCHW))
    torch.testing.assert_close(add(x_BCHW) - x_BCHW, add.residual(x_BCHW))


def test_identity_start_returns_the_input() -> None:
    generator = Generator(CONFIGS["lite"])
    x_BCHW = torch.rand(1, 3, 16, 32) * 2 - 1
    assert torch.equal(generator(x_BCHW), x_BCHW)


@settings(max_examples=25, deadline=None)
@given(
    upsampling=st.sampled_from(["nearest", "transposed", "shuffle"]),
    unet_skips=st.booleans(),
    pixel_unshuffle=st.sampled_from([1, 2]),
    blocks=st.integers(0, 2),
    multipliers=st.sampled_from([(1,), (1, 2), (1, 2, 4)]),
    cells=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_every_switch_keeps_the_size_of_the_image(
    upsampling: str,
    unet_skips: bool,
    pixel_unshuffle: int,
    blocks: int,
    multipliers: tuple[int, ...],
    cells: tuple[int, int],
) -> None:
    config = GeneratorConfig(
        base_width=2,
        width_multipliers=multipliers,
        outer_blocks=(1,) * (len(multipliers) - 1),
        blocks=blocks,
        upsampling=upsampling,  # type: ignore[arg-type]
        unet_skips=unet_skips,
        pixel_unshuffle=pixel_unshuffle,
    )
    height, width = (n * config.size_multiple for n in cells)
    assert Generator(config)(torch.zeros(2, 3, height, width)).shape == (2, 3, height, width)


@pytest.mark.parametrize(
    "config",
    [
        GeneratorConfig(base_width=2, blocks=1, dropout=0.0),
        GeneratorConfig(base_width=2, blocks=1, dropout=0.0, upsampling="transposed"),
        GeneratorConfig(
            base_width=2, blocks=1, dropout=0.0, upsampling="shuffle", pixel_unshuffle=2, unet_skips=True,
            kernel_size=3, block_convolutions=2, outer_blocks=(1, 1),
        ),
    ],
)  # fmt: skip
def test_no_pixel_outside_the_receptive_field_matters(config: GeneratorConfig) -> None:
    """The gradient of each output pixel of one cell stays within half the field; and the bound is not idle."""
    torch.manual_seed(0)
    field, cell = receptive_field(config), config.size_multiple
    side = (2 * field // cell + 2) * cell
    generator = Generator(config).double()
    for weight in generator.parameters():
        nn.init.uniform_(weight, 0.01, 0.02)  # positive: nothing is cut by a ReLU
    x_BCHW = torch.full((1, 3, side, side), 0.01, dtype=torch.float64, requires_grad=True)
    residual_BCHW = generator.residual(x_BCHW)
    middle = side // 2 // cell * cell
    widest = 0
    for offset in range(cell):
        pixel = middle + offset
        (gradient_BCHW,) = torch.autograd.grad(residual_BCHW[0, 0, pixel, pixel], x_BCHW, retain_graph=True)
        touched = gradient_BCHW[0].abs().sum(0).nonzero()
        reach = int(torch.max(touched.max() - pixel, pixel - touched.min()))
        assert reach <= field // 2
        widest = max(widest, reach)
    assert widest > 0.7 * (field // 2)


def test_config_survives_json() -> None:
    for config in CONFIGS.values():
        assert GeneratorConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(ValueError, match="unknown settings depth"):
        GeneratorConfig.from_dict({"depth": 3})


@pytest.mark.parametrize(
    ("field", "value"),
    [("base_width", 0), ("blocks", -1), ("dropout", 1.0), ("kernel_size", 4), ("outer_blocks", (1,)),
     ("upsampling", "bicubic"), ("output_skip", "none"), ("pixel_unshuffle", 0), ("block_convolutions", 1)],
)  # fmt: skip
def test_a_wrong_setting_is_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        GeneratorConfig(**{field: value})  # type: ignore[arg-type]


HISTORY = GeneratorConfig(
    base_width=8,
    width_multipliers=(1, 2),
    blocks=1,
    outer_blocks=(1,),
    pixel_unshuffle=2,
    dropout=0.0,
    history=2,
)


def with_history(has_median: bool = False) -> Generator:
    torch.manual_seed(0)
    net = Generator(replace(HISTORY, history_median=has_median)).eval()
    nn.init.normal_(net.head.weight, std=0.05)
    return net


@pytest.mark.parametrize("has_median", [False, True])
def test_a_history_of_copies_is_a_single_image(has_median: bool) -> None:
    net = with_history(has_median)
    image = torch.rand(2, 3, 16, 24) * 2 - 1
    torch.testing.assert_close(net(image), net(image.repeat(1, 3, 1, 1)))


def test_the_frames_before_change_the_result_and_each_counts() -> None:
    net = with_history()
    current, older, oldest = torch.rand(3, 1, 3, 16, 24) * 2 - 1
    results = [
        net(torch.cat(frames, 1))
        for frames in ((current, older, oldest), (current, oldest, older), (current,) * 3)
    ]
    assert all((a - b).abs().max() > 1e-3 for a, b in pairwise(results))


def test_a_network_that_trusts_a_frame_fully_gives_that_frame() -> None:
    net = Generator(HISTORY).eval()
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        net.head.bias[12:] = torch.tensor([-40.0] * 4 + [40.0] * 4)
    frames = torch.rand(1, 9, 16, 24) * 2 - 1
    torch.testing.assert_close(net(frames), frames[:, 6:], atol=1e-5, rtol=0)


def test_a_network_that_trusts_the_median_fully_gives_the_median_of_three_frames() -> None:
    net = Generator(replace(HISTORY, history_median=True)).eval()
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        net.head.bias[12:] = torch.tensor([-40.0] * 8 + [40.0] * 4)
    frames = torch.rand(1, 9, 16, 24) * 2 - 1
    median = frames.view(1, 3, 3, 16, 24).median(1).values
    torch.testing.assert_close(net(frames), median, atol=1e-5, rtol=0)


def test_a_median_of_another_history_is_refused() -> None:
    with pytest.raises(ValueError, match="history_median=True is for history=2, not history=1"):
        replace(HISTORY, history=1, history_median=True)


def test_what_it_made_of_the_frame_before_takes_the_place_of_the_older_of_two_frames() -> None:
    with pytest.raises(ValueError, match="recurrent=True is for history=2, not history=1"):
        GeneratorConfig(history=1, recurrent=True)
    seen = GeneratorConfig(history=2)
    assert replace(seen, recurrent=True).input_channels == seen.input_channels


def test_a_path_that_leads_nowhere_says_nothing() -> None:
    torch.manual_seed(0)
    net = Generator(replace(HISTORY, path=True)).eval()
    nn.init.normal_(net.head.weight, std=0.05)
    # Grey, and equal in blocks of two by two, so that rounding the brightness loses nothing.
    levels = torch.randint(0, 256, (2, 1, 8, 12)).repeat_interleave(2, 2).repeat_interleave(2, 3).float()
    frame = levels.repeat(1, 3, 1, 1) / 127.5 - 1
    path = functional.pixel_unshuffle(frame, 2)
    path[:, SAMPLES:] = 0
    still = torch.cat([frame.repeat(1, 3, 1, 1), functional.pixel_shuffle(path, 2)], 1)
    torch.testing.assert_close(net(still), net(frame), atol=1e-5, rtol=0)
    path[:, :SAMPLES] += 0.2
    moved = torch.cat([frame.repeat(1, 3, 1, 1), functional.pixel_shuffle(path, 2)], 1)
    assert (net(moved) - net(frame)).abs().max() > 1e-3


@pytest.mark.parametrize("wrong", [{"history": 0}, {"pixel_unshuffle": 1}])
def test_a_path_of_a_network_that_cannot_take_it_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="path=True is for a network with history and pixel_unshuffle=2"):
        replace(HISTORY, path=True, **wrong)


def test_a_history_costs_less_than_a_tenth() -> None:
    for name in ("lite", "vehicle"):
        alone = Generator(
            replace(CONFIGS[name], history=0, history_median=False, path=False, recurrent=False)
        )
        assert count_multiply_adds(Generator(CONFIGS[name]), 256, 256) < 1.1 * count_multiply_adds(
            alone, 256, 256
        )
