# SPDX-License-Identifier: Apache-2.0
"""Latency against multiply-adds of generator shapes near lite's and vehicle's, in turn on this machine's CPU.

    python benchmarks/shapes.py --size 360x640 --rounds 10 --markdown docs/benchmarks/shapes.md

Random weights, float image in and out, OpenVINO with its default precision. Capacity stands here for what a
shape may cost: parameters, multiply-adds, receptive field. What a shape learns only training tells.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import torch

from restoregan_core.commands.common import parse_size
from restoregan_core.models.complexity import count_multiply_adds, count_parameters
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.models.receptive_field import receptive_field
from restoregan_core.runtimes.timing import device_name, time_interleaved
from restoregan_core.zoo import CONFIGS

_LITE, _VEHICLE = (
    replace(CONFIGS[name], history=0, history_median=False, path=False, recurrent=False)
    for name in ("lite", "vehicle")
)
"""Without history, which costs the same beside every shape and is not for all of them."""
SHAPES: dict[str, GeneratorConfig] = {
    "lite": _LITE,
    "lite, depth at 1/8 alone": replace(_LITE, width_multipliers=(1, 2, 4), blocks=6, outer_blocks=(1, 1)),
    "lite, wide at 1/16": replace(_LITE, width_multipliers=(1, 2, 4, 6), blocks=6, outer_blocks=(0, 1, 2)),
    "lite, base 24": replace(_LITE, base_width=24),
    "lite, no unshuffle": replace(_LITE, pixel_unshuffle=1),
    "lite, unshuffle 4": replace(
        _LITE, base_width=64, width_multipliers=(1, 2, 2), blocks=4, outer_blocks=(1, 2), pixel_unshuffle=4
    ),
    "lite, transposed convolutions": replace(_LITE, upsampling="transposed"),
    "vehicle": _VEHICLE,
    "vehicle, one scale more": replace(
        _VEHICLE, width_multipliers=(1, 2, 3, 4), blocks=6, outer_blocks=(1, 2, 2)
    ),
    "vehicle, base 48": replace(_VEHICLE, base_width=48),
}


def compiled(generator: Generator, size: tuple[int, int]) -> openvino.CompiledModel:
    image = torch.zeros(1, 3, *size)
    model = openvino.convert_model(generator, example_input=image, input=[image.shape])
    return openvino.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=parse_size, default=(360, 640), help="HEIGHTxWIDTH (default 360x640)")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--markdown", type=Path, help="write the table there")
    given = parser.parse_args()
    rows, calls = {}, {}
    for name, config in SHAPES.items():
        generator = Generator(config).eval()
        size = tuple(side + -side % config.size_multiple for side in given.size)
        network = compiled(generator, size)
        image = np.zeros((1, 3, *size), np.float32)
        calls[name] = lambda network=network, image=image: network(image)
        gmac = count_multiply_adds(generator, *size) / 1e9
        rows[name] = count_parameters(generator) / 1e6, gmac, receptive_field(config)
    timings = time_interleaved(calls, given.rounds)
    lines = [
        "# Shapes near lite's and vehicle's",
        "",
        f"Command: `python benchmarks/shapes.py {' '.join(sys.argv[1:])}`",
        "",
        f"Machine: {device_name(torch.device('cpu'))}. One image of {given.size[0]}x{given.size[1]}, random weights,",
        "no history, OpenVINO, all in turn in one run.",
        "",
        "| shape | parameters | GMAC | receptive field, px | median ms | ms a GMAC |",
        "|---|---|---|---|---|---|",
    ]
    for name, (parameters_m, gmac, field_px) in rows.items():
        median_ms = timings[name].median_ms
        lines.append(
            f"| {name} | {parameters_m:.2f} M | {gmac:.1f} | {field_px} | {median_ms:.1f} | {median_ms / gmac:.1f} |"
        )
    text = "\n".join(lines) + "\n"
    print(text)
    if given.markdown:
        given.markdown.write_text(text)


if __name__ == "__main__":
    main()
