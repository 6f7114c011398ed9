# SPDX-License-Identifier: Apache-2.0
"""The generator of Wei et al. 2021 (Fig. 3) and the family of smaller networks built on its plan.

The paper's network is ``GeneratorConfig()``: ``C7S1-64, C3S2-128, C3S2-256, RB256 x 10, UC3-128, UC3-64,
C7S1-3`` and a global skip from the input. The vehicle networks keep the plan (stem, strided encoder, residual
blocks at the coarsest scale, decoder, residual output) and change what costs time: width, depth, where the
depth sits, and the resolution that the stem works at.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.images.blur_path import SAMPLES
from restoregan_core.models.generator_config import GeneratorConfig as GeneratorConfig


def same_padding(kernel_size: int, stride: int) -> tuple[int, int, int, int]:
    """Zero padding (left, right, top, bottom) of TensorFlow's "same" for sizes that ``stride`` divides.

    torch's ``padding=1`` on a 3x3 stride-2 convolution pads (1, 1) where TensorFlow pads (0, 1): another
    network. torch's own ``padding="same"`` refuses strides.
    """
    total = max(kernel_size - stride, 0)
    return (total // 2, total - total // 2) * 2


TRUST_BIAS = -3.0
"""Added to the head's maps of trust before their sigmoid: a network that has not learnt otherwise takes over 5 %."""


GREY = (0.299, 0.587, 0.114)
"""Share of red, green and blue in brightness (ITU-R BT.601), as OpenCV has them."""
MOTION_GAIN = 4.0
"""Makes usual motions as large as usual differences of brightness."""


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's "same" zero padding.

    Shape: (B, C_in, H, W) -> (B, C_out, H / stride, W / stride), H and W multiples of the stride.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride)
        self.same_padding = same_padding(kernel_size, stride)
        left, right, top, bottom = self.same_padding
        # Symmetric padding inside the convolution spares a copy of the feature map.
        self.symmetric = left == right and top == bottom
        if self.symmetric:
            self.padding = (top, left)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return super().forward(x_BCHW if self.symmetric else F.pad(x_BCHW, self.same_padding))


class ResidualBlock(nn.Module):
    """RB of the paper: conv3 - LeakyReLU - dropout - conv3 - LeakyReLU - conv3, plus the input. No norm layer.

    Shape: (B, C, H, W) -> the same.
    """

    def __init__(self, channels: int, convolutions: int, leaky_slope: float, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(convolutions):
            layers.append(SameConv2d(channels, channels, 3))
            if i < convolutions - 1:
                layers.append(nn.LeakyReLU(leaky_slope))
            if i == 0 and dropout > 0:
                layers.append(nn.Dropout(dropout))
        self.body = nn.Sequential(*layers)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW + self.body(x_BCHW)


def _upsample(in_channels: int, out_channels: int, kind: str) -> nn.Sequential:
    if kind == "nearest":
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), SameConv2d(in_channels, out_channels, 3), nn.ReLU()
        )
    if kind == "transposed":
        conv = nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
        return nn.Sequential(conv, nn.ReLU())
    return nn.Sequential(nn.Conv2d(in_channels, 4 * out_channels, 1), nn.PixelShuffle(2), nn.ReLU())


def _median_change(one_BCHW: Tensor, other_BCHW: Tensor) -> Tensor:
    """What the median of three images has more than the first, from what the other two have more than it."""
    return torch.maximum(one_BCHW, other_BCHW).clamp_max(0) + torch.minimum(one_BCHW, other_BCHW).clamp_min(0)


class Generator(nn.Module):
    """Degraded image in, restored image out; RGB, values in [-1, 1].

    Fully convolutional. In training mode the output is not clamped (a clamp kills gradients); in eval mode it
    is, to [-1, 1].

    With ``config.history`` frames before the current one, each aligned to it, the network is told how they differ
    from it and predicts, for each pixel, how much of each difference to take over: output = input + G + sum of
    trust_k * (frame_k - input), with ``config.history_median`` also of their
    median. A history of copies of the current frame differs in nothing: a single image.

    Shape: (B, ``config.input_channels``, H, W) -> (B, 3, H, W), H and W multiples of ``config.size_multiple``.
        (B, 3, H, W), without history, is taken as well.

    Source: Wei et al. 2021, section 3.1 and Fig. 3; the history is ours.

    Example:
        >>> net = Generator(GeneratorConfig(base_width=8, blocks=1)).eval()
        >>> net(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 3, 32, 32])
    """

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or GeneratorConfig()
        widths = c.widths
        unshuffled = c.pixel_unshuffle**2

        def residual_blocks(channels: int, count: int) -> nn.Sequential:
            return nn.Sequential(
                *(
                    ResidualBlock(channels, c.block_convolutions, c.leaky_slope, c.dropout)
                    for _ in range(count)
                )
            )

        self.stem = nn.Sequential(
            SameConv2d(c.input_channels * unshuffled, widths[0], c.kernel_size), nn.ReLU()
        )
        self.encoder = nn.ModuleList(
            residual_blocks(w, n) for w, n in zip(widths, c.outer_blocks, strict=False)
        )
        self.down = nn.ModuleList(
            nn.Sequential(SameConv2d(fine, coarse, 3, stride=2), nn.ReLU())
            for fine, coarse in pairwise(widths)
        )
        self.body = residual_blocks(widths[-1], c.blocks)
        self.up = nn.ModuleList(_upsample(coarse, fine, c.upsampling) for fine, coarse in pairwise(widths))
        self.decoder = nn.ModuleList(
            residual_blocks(w, n) for w, n in zip(widths, c.outer_blocks, strict=False)
        )
        self.head = SameConv2d(widths[0], (3 + c.blended_images) * unshuffled, c.kernel_size)
        if c.identity_start:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def residual(self, degraded_BCHW: Tensor) -> Tensor:
        """G(input), what is added to the current frame before the global skip's clamp.

        Shape: (B, 3, H, W) or (B, ``config.input_channels``, H, W) in [-1, 1] -> (B, 3, H, W).
        """
        r = self.config.pixel_unshuffle
        x_BCHW = F.pixel_unshuffle(degraded_BCHW, r) if r > 1 else degraded_BCHW
        current, *beside = x_BCHW.split(3 * r * r, 1)
        added = self.unshuffled_residual(current, self.changes(current, beside))
        return F.pixel_shuffle(added, r) if r > 1 else added

    def changes(
        self, current_BCHW: Tensor, beside_BCHW: Sequence[Tensor], zero: float = 0.0, scale: float = 1.0
    ) -> list[Tensor]:
        """What the images beside the current frame have more than it, which is what the network is told of them.

        Args:
            current_BCHW, beside_BCHW: each (B, 3 * r * r, H / r, W / r); all of ``config.images_beside``, or none.
            zero, scale: what stands for 0, and for 1 more than that, in them.

        Returns:
            As many, of the same shape, whatever the scale.
        """
        images = beside_BCHW[: self.config.history]
        found = [(image_BCHW - current_BCHW) / scale for image_BCHW in images]
        for path_BCHW in beside_BCHW[self.config.history :]:
            samples, motion = path_BCHW.split((SAMPLES, 2), 1)
            colours = current_BCHW.split(self.config.pixel_unshuffle**2, 1)
            shares = (share * colour for share, colour in zip(GREY, colours, strict=True))
            grey = torch.cat(list(shares), 1).mean(1, keepdim=True) * len(GREY)
            motion = (motion - zero) * (MOTION_GAIN / scale)
            found.append(torch.cat([(samples - grey) / scale, motion], 1))
        return found

    def unshuffled_residual(self, current_BCHW: Tensor, changes_BCHW: list[Tensor]) -> Tensor:
        """``residual`` between pixel_unshuffle and pixel_shuffle, for callers that move the pixels themselves.

        Args:
            current_BCHW: (B, 3 * r * r, H / r, W / r) in [-1, 1], with r the ``config.pixel_unshuffle``.
            changes_BCHW: ``changes``; none for a single image.

        Returns:
            (B, 3 * r * r, H / r, W / r).
        """
        pixels, history = self.config.pixel_unshuffle**2, self.config.history
        changes = changes_BCHW or [torch.zeros_like(current_BCHW)] * self.config.images_beside
        maps_BCHW = self.maps(torch.cat([current_BCHW, *changes], 1) if history else current_BCHW)
        trusts: list[Tensor] = []
        if history:
            trust = torch.sigmoid(maps_BCHW[:, 3 * pixels :] + TRUST_BIAS)
            # One map for all three colours of a frame.
            trusts = [torch.cat([own, own, own], 1) for own in trust.split(pixels, 1)]
        return self.blended(maps_BCHW[:, : 3 * pixels], trusts, changes[:history])

    def maps(self, x_BCHW: Tensor) -> Tensor:
        """What the last convolution gives: the change before its tanh, then each blended image's trust before its bias.

        Shape: (B, ``config.input_channels`` * r * r, H / r, W / r) -> (B, (3 + ``config.blended_images``) * r * r,
            H / r, W / r).
        """
        x = self.stem(x_BCHW)
        features = []
        for encode, down in zip(self.encoder, self.down, strict=True):
            x = encode(x)
            features.append(x)
            x = down(x)
        x = self.body(x)
        for up, decode in zip(reversed(self.up), reversed(self.decoder), strict=True):
            x = up(x)
            feature = features.pop()
            if self.config.unet_skips:
                x = x + feature
            x = decode(x)
        return cast(Tensor, self.head(x))

    def blended(self, change: Tensor, trusts: Sequence[Tensor], changes: Sequence[Tensor]) -> Tensor:
        """The residual: the network's own change, and of each image that may be taken over as much as it is trusted.

        Args:
            change: of any shape, before its tanh.
            trusts: in [0, 1], of each frame of the history and of their median, if the network has one.
            changes: what each frame of the history has more than the current one, of the shape of ``change``.
        """
        added = torch.tanh(change)
        images = [*changes, _median_change(*changes)] if self.config.history_median else changes
        for trust, image in zip(trusts, images, strict=True):
            added = added + trust * image
        return added

    def forward(self, degraded_BCHW: Tensor) -> Tensor:
        restored = degraded_BCHW[:, :3] + self.residual(degraded_BCHW)
        if self.config.output_skip == "average":
            restored = restored / 2
        return restored if self.training else restored.clamp(-1, 1)
