# SPDX-License-Identifier: Apache-2.0
"""``restoregan bench``: time networks and runtimes on this machine, uint8 in to uint8 out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from restoregan_core.commands.common import add_device_option, make_parser, output_file, parse_size
from restoregan_core.environment import resident_memory_mb
from restoregan_core.files import write_text
from restoregan_core.models.complexity import count_multiply_adds
from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
from restoregan_core.runtimes.protocol import RUNTIMES, Runtime, RuntimeUnavailableError
from restoregan_core.runtimes.tensorrt_runtime import TensorRtRuntime
from restoregan_core.runtimes.timing import (
    device_name,
    matrix_peak_tflops,
    time_interleaved,
)
from restoregan_core.runtimes.torch_runtime import TorchRuntime, torch_device
from restoregan_core.zoo import CONFIGS, LoadedGenerator, build_generator, load_generator

EAGER_FP32 = ("torch", "fp32")


def main(argv: list[str]) -> int:
    parser = make_parser(
        "bench",
        "Time networks and runtimes on this machine, in turn, from uint8 frame to uint8 frame. "
        "A network without weights is timed with random ones, which take as long.",
        "restoregan bench --model lite --size 360x640 --runtime all --json bench.json",
    )
    parser.add_argument("--model", default="all", help=f"{', '.join(CONFIGS)}, all, or a .safetensors file")
    parser.add_argument("--size", type=parse_size, default=(360, 640), help="HEIGHTxWIDTH (default 360x640)")
    parser.add_argument("--runtime", choices=["all", *RUNTIMES], default="all")
    add_device_option(parser)
    parser.add_argument("--rounds", type=int, default=20, help="timed calls of each (default 20)")
    parser.add_argument("--json", type=output_file, help="write the figures here")
    args = parser.parse_args(argv)
    if args.rounds < 1:
        raise ValueError(f"--rounds {args.rounds}: give at least 1")
    if args.model not in (*CONFIGS, "all") and not Path(args.model).is_file():
        raise ValueError(f"--model {args.model!r} is neither {', '.join(CONFIGS)}, all, nor a file")

    console = Console(stderr=True)
    device = torch_device(args.device)
    models = list(CONFIGS) if args.model == "all" else [args.model]
    rows = []
    with console.status("matrix peak"):
        peak_tflops = matrix_peak_tflops(device)
    for model in models:
        with console.status(f"{model} at {args.size[0]}x{args.size[1]}"):
            rows += _bench_model(model, args.size, args.runtime, device, args.rounds, peak_tflops, console)
    result = {"device": device_name(device), "matrix_peak_tflops": peak_tflops, "rows": rows}
    if args.json:
        write_text(args.json, json.dumps(result, indent=2) + "\n")
    Console().print(_table(result, args.size))
    return 0 if rows else 1


def _bench_model(
    model: str,
    size: tuple[int, int],
    runtime: str,
    device: torch.device,
    rounds: int,
    peak_tflops: float,
    console: Console,
) -> list[dict[str, Any]]:
    loaded, weights = _generator(model)
    generator = loaded.generator
    height, width = size
    multiple = generator.config.size_multiple
    multiply_adds = count_multiply_adds(generator, height + -height % multiple, width + -width % multiple)
    shape = 1, height, width, generator.config.input_channels
    frames_BHWC = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    opened: dict[tuple[str, str], Runtime] = {}
    memory_mb: dict[tuple[str, str], float] = {}
    for (name, precision), open_runtime in _openers(loaded, device).items():
        # Eager fp32 is always timed: it is what the others are divided by.
        if runtime not in ("all", name) and (name, precision) != EAGER_FP32:
            continue
        before_mb = _memory_mb(device)
        try:
            candidate = open_runtime()
            candidate.load(height, width)
        except RuntimeUnavailableError as error:
            console.print(f"{model}, {name}, {precision}: {error}", markup=False, soft_wrap=True)
            continue
        candidate.run(frames_BHWC)
        opened[name, precision] = candidate
        memory_mb[name, precision] = _memory_mb(device) - before_mb
    timings = time_interleaved(
        {" ".join(key): lambda r=value: r.run(frames_BHWC) for key, value in opened.items()},  # type: ignore[misc]
        rounds,
    )
    eager_ms = timings[" ".join(EAGER_FP32)].median_ms
    rows = []
    for (name, precision), candidate in opened.items():
        timing = timings[f"{name} {precision}"]
        rows.append(
            {
                "model": model,
                "weights": weights,
                "size": f"{height}x{width}",
                "runtime": name,
                "precision": precision,
                "description": candidate.describe(),
                "gmac": multiply_adds / 1e9,
                "median_ms": timing.median_ms,
                "p99_ms": timing.p99_ms,
                "memory_mb": memory_mb[name, precision],
                "ratio_to_eager_fp32": eager_ms / timing.median_ms,
                "share_of_matrix_peak": 2 * multiply_adds / (timing.median_ms / 1e3) / (peak_tflops * 1e12),
            }
        )
        candidate.close()
    return rows


def _generator(model: str) -> tuple[LoadedGenerator, str]:
    """The network and the name of its weights, random ones where there are none."""
    try:
        loaded = load_generator(model)
    except ValueError:
        if model not in CONFIGS:
            raise
        random: LazyNetwork[Generator, GeneratorConfig] = LazyNetwork.of(build_generator(model).eval())
        return LoadedGenerator(random, f"{model}, random weights", "", {}), "random"
    return loaded, loaded.name


def _openers(loaded: LoadedGenerator, device: torch.device) -> dict[tuple[str, str], Callable[[], Runtime]]:
    where, generator = str(device), loaded.generator
    if device.type == "cuda":
        return {
            EAGER_FP32: lambda: TorchRuntime(generator, where, precision="fp32"),
            ("torch", "fp16"): lambda: TorchRuntime(generator, where, precision="fp16"),
            ("torch", "fp16 inductor"): lambda: TorchRuntime(
                generator, where, precision="fp16", inductor=True
            ),
            ("tensorrt", "fp16"): lambda: TensorRtRuntime(generator, where, precision="fp16"),
        }
    return {
        EAGER_FP32: lambda: TorchRuntime(generator, where, precision="fp32"),
        ("torch", "bf16"): lambda: TorchRuntime(generator, where, precision="bf16"),
        ("openvino", "fp32"): lambda: OpenVinoRuntime(generator, where, precision="fp32"),
        ("openvino", "bf16"): lambda: OpenVinoRuntime(generator, where, precision="bf16"),
        ("openvino", "int8"): lambda: OpenVinoRuntime(generator, where, precision="int8", int8=loaded.int8),
        ("openvino", "auto"): lambda: OpenVinoRuntime(generator, where, int8=loaded.int8),
        ("tensorrt", "fp16"): lambda: TensorRtRuntime(generator, where),
    }


def _memory_mb(device: torch.device) -> float:
    return torch.cuda.memory_reserved(device) / 1e6 if device.type == "cuda" else resident_memory_mb()


def _table(result: dict[str, Any], size: tuple[int, int]) -> Table:
    """Nothing of it is cut on a terminal of 80 columns."""
    device, peak = result["device"], result["matrix_peak_tflops"]
    title = f"{size[0]}x{size[1]}; {device}; matrix peak {peak:.2f} TFLOP/s"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0))
    for heading in ("model", "runtime", "precision"):
        table.add_column(heading, overflow="fold")
    for heading in ("GMAC", "median\nms", "p99\nms", "x eager\nfp32", "of\npeak", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in result["rows"]:
        table.add_row(
            row["model"],
            row["runtime"],
            row["precision"],
            f"{row['gmac']:.1f}",
            f"{row['median_ms']:.1f}",
            f"{row['p99_ms']:.1f}",
            f"{row['ratio_to_eager_fp32']:.2f}",
            f"{row['share_of_matrix_peak']:.0%}",
            f"{row['memory_mb']:.0f}",
        )
    return table
