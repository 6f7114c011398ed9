# SPDX-License-Identifier: Apache-2.0
"""Frame times on devices that were not available: ARITHMETIC, not a measurement.

    python benchmarks/predict.py

Each convolution of the network in fp16 takes the longer of its operations at 70 % of the device's peak and of
its input, output and weights at 80 % of the memory's bandwidth; the sum is the prediction. Nothing is fused,
nothing else is counted, power limits are not. Peaks are entered by hand (dense fp16) and were not checked
against data sheets: check them for your module before you rely on a row.
"""

import torch
from torch import Tensor, nn

from restoregan_core.models.generator import Generator
from restoregan_core.zoo import CONFIGS

DEVICES = {  # dense fp16 TFLOP/s, GB/s
    "AGX Orin 64 GB": (42.5, 204.8),
    "AGX Thor": (258.0, 273.0),
    "RTX 4070 class": (116.0, 504.0),
}


def frame_ms(generator: Generator, height: int, width: int, tflops: float, gb_per_s: float) -> float:
    """Predicted time of one frame, in milliseconds."""
    seconds = 0.0

    def add(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal seconds
        weight = layer.weight
        operations = 2 * output.numel() * weight[0].numel()
        moved_bytes = 2 * (inputs[0].numel() + output.numel() + weight.numel())  # type: ignore[operator]
        seconds += max(operations / (0.7 * tflops * 1e12), moved_bytes / (0.8 * gb_per_s * 1e9))  # type: ignore[operator]

    for module in generator.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(add)  # type: ignore[arg-type]
    generator(torch.empty(1, 3, height, width, device="meta"))
    return seconds * 1e3


def main() -> None:
    print("Arithmetic, not measured: 720x1280, fp16, batch 1; share of the GPU at 30 frames/s a camera")
    print("| network | device | ms a frame | one camera | six cameras |\n|---|---|---|---|---|")
    for name, config in CONFIGS.items():
        for device, (tflops, gb_per_s) in DEVICES.items():
            with torch.device("meta"):
                generator = Generator(config).eval()
            ms = frame_ms(generator, 720, 1280, tflops, gb_per_s)
            print(f"| {name} | {device} | {ms:.1f} | {ms * 30 / 1e3:.0%} | {6 * ms * 30 / 1e3:.0%} |")


if __name__ == "__main__":
    main()
