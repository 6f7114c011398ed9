# SPDX-License-Identifier: Apache-2.0
"""The critic against Table 1, number by number."""

import pytest
import torch
from torch import nn

from restoregan_core.models.complexity import count_parameters
from restoregan_core.models.critic import Critic

TABLE_1 = [  # parameters, output side, channels, receptive field of what follows
    (3_136, 128, 64, 142),
    (65_600, 64, 64, 70),
    (131_200, 32, 128, 34),
    (524_544, 16, 256, 16),
    (2_097_664, 16, 512, 7),
    (8_193, 16, 1, 4),
]


def convolutions(critic: Critic) -> list[nn.Conv2d]:
    return [layer for layer in critic.convolutions if isinstance(layer, nn.Conv2d)]


def test_parameters_of_every_layer_are_those_of_table_1() -> None:
    critic = Critic()
    assert [count_parameters(layer) for layer in convolutions(critic)] == [row[0] for row in TABLE_1]
    dense = [layer for layer in critic.dense if isinstance(layer, nn.Linear)]
    assert [count_parameters(layer) for layer in dense] == [263_168, 1_025]
    assert count_parameters(critic) == sum(row[0] for row in TABLE_1) + 263_168 + 1_025


def test_output_sizes_of_every_layer_are_those_of_table_1() -> None:
    x_BCHW = torch.zeros(1, 3, 256, 256)
    shapes = []
    for layer in Critic().convolutions:
        x_BCHW = layer(x_BCHW)
        if isinstance(layer, nn.Conv2d):
            shapes.append(tuple(x_BCHW.shape[1:]))
    assert shapes == [(channels, side, side) for _, side, channels, _ in TABLE_1]


@pytest.mark.parametrize("first", range(6))
def test_receptive_fields_are_those_of_table_1(first: int) -> None:
    """Of one middle output of layer 7, at the input of layer ``first + 2``, by what its gradient touches."""
    layers = convolutions(Critic(256))[first:]
    side = 256 if first == 0 else TABLE_1[first - 1][1]
    x_BCHW = torch.zeros(1, layers[0].in_channels, side, side, requires_grad=True)
    y_BCHW = x_BCHW
    for layer in layers:
        nn.init.constant_(layer.weight, 1.0)
        y_BCHW = layer(y_BCHW)
    (gradient_BCHW,) = torch.autograd.grad(y_BCHW[0, 0, 8, 8], x_BCHW)
    touched = gradient_BCHW[0, 0].nonzero()
    extent = (touched.max(0).values - touched.min(0).values + 1).tolist()
    assert extent == [TABLE_1[first][3]] * 2


def test_leaky_relu_follows_layers_2_to_6_and_nothing_follows_7() -> None:
    critic = Critic()
    kinds = [type(layer).__name__ for layer in critic.convolutions]
    assert kinds == ["SameConv2d", "LeakyReLU"] * 5 + ["SameConv2d"]
    assert {layer.negative_slope for layer in critic.convolutions if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert [type(layer).__name__ for layer in critic.dense] == ["Linear", "Tanh", "Linear"]
    assert not any("Norm" in type(layer).__name__ for layer in critic.modules())


def test_scores_lie_between_0_and_1_with_the_sigmoid_and_are_its_logits_without() -> None:
    torch.manual_seed(0)
    with_sigmoid, without = Critic(32), Critic(32, sigmoid=False)
    without.load_state_dict(with_sigmoid.state_dict())
    x_BCHW = torch.rand(3, 3, 32, 32) * 2 - 1
    scores_B = with_sigmoid(x_BCHW)
    assert scores_B.shape == (3,)
    assert ((scores_B > 0) & (scores_B < 1)).all()
    torch.testing.assert_close(torch.sigmoid(without(x_BCHW)), scores_B)


def test_a_score_depends_on_its_own_image_alone() -> None:
    """So that sharp and restored images can share one forward pass."""
    torch.manual_seed(0)
    critic = Critic(32)
    x_BCHW = torch.rand(4, 3, 32, 32)
    torch.testing.assert_close(critic(x_BCHW)[1:2], critic(x_BCHW[1:2]))


def test_images_of_another_size_are_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"256x256 images, not 128x256"):
        Critic()(torch.zeros(1, 3, 128, 256))
    with pytest.raises(ValueError, match="multiple of 16"):
        Critic(100)
