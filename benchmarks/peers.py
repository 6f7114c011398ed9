# SPDX-License-Identifier: Apache-2.0
"""What a user would pick instead, for speed only: layer lists written from the papers, RANDOM WEIGHTS.

    python benchmarks/peers.py --size 360x640 --rounds 5

Nothing here says anything about image quality. All networks, ours too, are timed bare: float image in and
out, batch 1, in turn, under the same runtime (OpenVINO with its default precision). With ``int8`` every convolution
takes integers, with one scale for its input, whether or not such a network would still give a good image.

Sources: NAFNet, Chen et al. 2022 (Fig. 2, section 4; 36 blocks); DeblurGAN's generator, Kupyn et al. 2018
(Fig. 3, section 3); MIMO-UNet, Cho et al. 2021 (Fig. 2, section 3; 8 residual blocks a stage).
"""

import argparse
from copy import deepcopy

import numpy as np
import openvino
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from restoregan_core.commands.common import parse_size
from restoregan_core.models.complexity import count_multiply_adds, count_parameters
from restoregan_core.runtimes.timing import device_name, time_interleaved
from restoregan_core.zoo import CONFIGS, build_generator


class NafBlock(nn.Module):
    """LayerNorm, 1x1, depthwise 3x3, gate, channel attention, 1x1; then LayerNorm, 1x1, gate, 1x1."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(1, c), nn.GroupNorm(1, c)
        self.expand, self.project = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(c, c, 1)
        self.depthwise = nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        self.attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1))
        self.expand2, self.project2 = nn.Conv2d(c, 2 * c, 1), nn.Conv2d(c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.depthwise(self.expand(self.norm1(x))).chunk(2, 1)
        y = a * b
        x = x + self.project(y * self.attention(y))
        a, b = self.expand2(self.norm2(x)).chunk(2, 1)
        return x + self.project2(a * b)


class NafNet(nn.Module):
    """U-shape of NAFBlocks: 1, 1, 1, 28 in the encoder, 1 in the middle, 1 at each decoder scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(5)]
        self.first, self.last = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)
        self.encoder = nn.ModuleList(
            nn.Sequential(*(NafBlock(c) for _ in range(n)))
            for c, n in zip(widths, (1, 1, 1, 28), strict=False)
        )
        self.down = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in widths[:4])
        self.middle = NafBlock(widths[4])
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * c, 4 * c, 1, bias=False), nn.PixelShuffle(2)) for c in widths[3::-1]
        )
        self.decoder = nn.ModuleList(NafBlock(c) for c in widths[3::-1])

    def forward(self, x: Tensor) -> Tensor:
        y, skips = self.first(x), []
        for encode, down in zip(self.encoder, self.down, strict=True):
            y = encode(y)
            skips.append(y)
            y = down(y)
        y = self.middle(y)
        for up, decode in zip(self.up, self.decoder, strict=True):
            y = decode(up(y) + skips.pop())
        return x + self.last(y)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, norm: bool = False) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)]
    return nn.Sequential(*layers, *([nn.InstanceNorm2d(outputs)] if norm else []), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, c: int, norm: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(c, c, norm=norm), *conv(c, c, norm=norm)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class DeblurGan(nn.Module):
    """7x7-64, two strided 3x3, nine residual blocks of 256 with instance norm, two transposed 3x3, 7x7-3."""

    def __init__(self) -> None:
        super().__init__()

        def up(inputs: int, outputs: int) -> nn.Sequential:
            layer = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
            return nn.Sequential(layer, nn.InstanceNorm2d(outputs), nn.ReLU())

        self.body = nn.Sequential(
            conv(3, 64, 7, norm=True), conv(64, 128, stride=2, norm=True), conv(128, 256, stride=2, norm=True),
            *(Residual(256, norm=True) for _ in range(9)),
            up(256, 128), up(128, 64), nn.Conv2d(64, 3, 7, padding=3), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.body(x)).clamp(-1, 1)


class Shallow(nn.Module):
    """Features of a downscaled input: 3x3, 1x1, 3x3, 1x1, then joined with the input by a 1x1."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, c // 4), conv(c // 4, c // 2, 1), conv(c // 2, c // 2), conv(c // 2, c - 3, 1)
        )
        self.join = nn.Conv2d(c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat([x, self.body(x)], 1))


class MimoUnet(nn.Module):
    """Three scales of 32, 64, 128 channels; each encoder and decoder stage holds 8 residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 64, 128)
        self.first, self.last = conv(3, 32), nn.Conv2d(32, 3, 3, padding=1)
        self.encoder = nn.ModuleList(nn.Sequential(*(Residual(c) for _ in range(8))) for c in widths)
        self.decoder = nn.ModuleList(nn.Sequential(*(Residual(c) for _ in range(8))) for c in widths)
        self.down = nn.ModuleList([conv(32, 64, stride=2), conv(64, 128, stride=2)])
        self.up = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(2 * c, c, 4, stride=2, padding=1), nn.ReLU()) for c in (32, 64)
        )
        self.shallow = nn.ModuleList([Shallow(64), Shallow(128)])
        self.attend = nn.ModuleList([nn.Conv2d(c, c, 3, padding=1) for c in (64, 128)])
        self.fuse = nn.ModuleList(
            nn.Sequential(conv(224, c, 1), nn.Conv2d(c, c, 3, padding=1)) for c in (32, 64)
        )
        self.join = nn.ModuleList([nn.Conv2d(2 * c, c, 1) for c in (32, 64)])

    def forward(self, x: Tensor) -> Tensor:
        half, quarter = F.avg_pool2d(x, 2), F.avg_pool2d(x, 4)
        a = self.encoder[0](self.first(x))
        b, z = self.down[0](a), self.shallow[0](half)
        b = self.encoder[1](b + self.attend[0](b * z))
        c, z = self.down[1](b), self.shallow[1](quarter)
        c = self.encoder[2](c + self.attend[1](c * z))
        fused_b = self.fuse[1](torch.cat([F.avg_pool2d(a, 2), b, F.interpolate(c, scale_factor=2.0)], 1))
        wide_b, wide_c = F.interpolate(b, scale_factor=2.0), F.interpolate(c, scale_factor=4.0)
        fused_a = self.fuse[0](torch.cat([a, wide_b, wide_c], 1))
        y = self.up[1](self.decoder[2](c))
        y = self.up[0](self.decoder[1](self.join[1](torch.cat([y, fused_b], 1))))
        return x + self.last(self.decoder[0](self.join[0](torch.cat([y, fused_a], 1))))


class RoundedWeight(nn.Module):
    """Weights on the 255 levels of each output channel."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.abs().amax((1, 2, 3)) / 127
        zeros = torch.zeros(scale.shape[0], dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -128, 127)


def on_integers(network: nn.Module) -> nn.Module:
    """A copy with every convolution on integers; the scale of their inputs is any."""
    network = deepcopy(network)
    for layer in [module for module in network.modules() if isinstance(module, nn.Conv2d)]:
        parametrize.register_parametrization(layer, "weight", RoundedWeight())
        layer.register_forward_pre_hook(
            lambda _, inputs: (torch.fake_quantize_per_tensor_affine(inputs[0], 0.02, 0, -128, 127),)
        )
    return network


ON_INTEGERS = "lite", "NAFNet width 16", "NAFNet width 32"
PEERS = {
    "NAFNet width 16": lambda: NafNet(16),
    "NAFNet width 32": lambda: NafNet(32),
    "DeblurGAN generator": DeblurGan,
    "MIMO-UNet": MimoUnet,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=parse_size, default=(360, 640))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    # All scales of all networks divide this.
    height, width = (side + -side % 16 for side in args.size)
    image = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    networks = {name: build_generator(name) for name in CONFIGS} | {
        name: make() for name, make in PEERS.items()
    }
    networks |= {f"{name}, int8": on_integers(networks[name].eval()) for name in ON_INTEGERS}
    core, requests = openvino.Core(), {}
    for name, network in networks.items():
        model = openvino.convert_model(network.eval(), example_input=torch.zeros(1, 3, height, width))
        model.reshape([1, 3, height, width])
        compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
        requests[name] = compiled.create_infer_request()
    timings = time_interleaved(
        {name: lambda r=r: r.infer(image) for name, r in requests.items()}, args.rounds, 1
    )
    print(f"{height}x{width}, {device_name(torch.device('cpu'))}; random weights: speed only")
    print("| network | parameters, M | GMAC at 256x256 | median ms | of lite's |\n|---|---|---|---|---|")
    for name in networks:
        ratio = timings[name].median_ms / timings["lite"].median_ms
        floats = networks[name.removesuffix(", int8")]
        gmac = count_multiply_adds(floats, 256, 256) / 1e9
        million = count_parameters(floats) / 1e6
        print(f"| {name} | {million:.2f} | {gmac:.1f} | {timings[name].median_ms:.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    with torch.no_grad():
        main()
