# SPDX-License-Identifier: Apache-2.0
"""The critic of Wei et al. 2021 (Table 1): six convolutions, two dense layers, no normalisation."""

import torch
from torch import Tensor, nn

from restoregan_core.models.generator import SameConv2d

_PLAN = ((64, 2), (64, 2), (128, 2), (256, 2), (512, 1), (1, 1))
"""(filters, stride) of Table 1's layers 2 to 7; every kernel is 4 x 4."""


class Critic(nn.Module):
    """Scores how sharp an image looks: one number each, higher is sharper.

    Layers 6 and 7 pad (1, 2), as TensorFlow's "same" does: with (1, 1) they would shrink to 14 x 14 and the
    dense layer's 256 inputs would not fit. A tanh stands between the dense layers, without which the two
    would collapse into one. The dense layers tie the critic to one image size.

    Args:
        input_size_px: side of the square images, a multiple of 16; the paper's is 256.
        sigmoid: end with a sigmoid (the paper); without it the scores are unbounded (WGAN) or logits (GAN).

    Shape: (B, 3, input_size_px, input_size_px) RGB in [-1, 1] -> (B,).

    Raises:
        ValueError: ``input_size_px`` is not a positive multiple of 16, or images of another size come in.
    """

    def __init__(self, input_size_px: int = 256, sigmoid: bool = True) -> None:
        super().__init__()
        if input_size_px < 16 or input_size_px % 16:
            raise ValueError(f"the critic's images must be a multiple of 16 pixels wide, not {input_size_px}")
        self.input_size_px = input_size_px
        self.sigmoid = sigmoid
        layers: list[nn.Module] = []
        channels = 3
        for filters, stride in _PLAN:
            layers.append(SameConv2d(channels, filters, 4, stride))
            if filters != 1:
                layers.append(nn.LeakyReLU(0.2))
            channels = filters
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Linear((input_size_px // 16) ** 2, 1024), nn.Tanh(), nn.Linear(1024, 1))

    def forward(self, image_BCHW: Tensor) -> Tensor:
        if image_BCHW.shape[-2:] != (self.input_size_px, self.input_size_px):
            raise ValueError(
                f"the critic was built for {self.input_size_px}x{self.input_size_px} images, "
                f"not {image_BCHW.shape[-2]}x{image_BCHW.shape[-1]}"
            )
        score_B = self.dense(self.convolutions(image_BCHW).flatten(1)).squeeze(1)
        return torch.sigmoid(score_B) if self.sigmoid else score_B
