# SPDX-License-Identifier: Apache-2.0
"""Samples a second of each kind, and what loading costs a training step.

    python benchmarks/data_loading.py --sharp photos/ --pairs pairs/

Prints, for one core, the milliseconds of CPU time that a sample of each kind takes; then trains the ``lite``
network for some steps with samples made ahead in worker processes, and again with one batch held in memory,
in turns, so that whatever else the machine does falls on both. The difference is what loading costs.
"""

import argparse
import os
import time
from pathlib import Path

import cv2
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from restoregan_core.data.config import DataConfig, Folder, PairFolder
from restoregan_core.data.degrade import Shares
from restoregan_core.data.sources import Batch, TrainingSource
from restoregan_core.zoo import build_generator

KINDS = ("blur", "rain", "blur_rain", "drops", "clean", "pair")


def main() -> None:
    arguments = parse()
    folders = {
        "sharp": [Folder(path=path) for path in arguments.sharp],
        "pairs": [PairFolder(path=path) for path in arguments.pairs],
    }
    console = Console()
    table = Table("kind", "CPU ms / sample", "samples / s and core", title=f"patches of {arguments.patch} px")
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    default = Shares()
    kinds = [kind for kind in KINDS if folders["pairs"] or kind != "pair"]
    mean_ms = 0.0
    for kind in track(kinds, "one core", transient=True):
        shares = Shares(**{name: float(name == kind) for name in KINDS})
        source = TrainingSource(DataConfig(**folders, shares=shares), seed=0)  # type: ignore[arg-type]
        milliseconds = cpu_ms_per_sample(source, arguments.samples, arguments.patch)
        mean_ms += milliseconds * default.of(tuple(kinds))[kind] / sum(default.of(tuple(kinds)).values())
        table.add_row(kind, f"{milliseconds:.1f}", f"{1000 / milliseconds:.0f}")
    table.add_row("default shares", f"{mean_ms:.1f}", f"{1000 / mean_ms:.0f}", style="bold")
    console.print(table)
    source = TrainingSource(DataConfig(**folders), seed=0)  # type: ignore[arg-type]
    step_share(console, source, arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path("../shared/data/train")
    parser.add_argument(
        "--sharp", nargs="*", default=[str(data / name) for name in ("urban100", "camvid", "bsds500_test")]
    )
    parser.add_argument("--pairs", nargs="*", default=[str(data / "reds_x4")])
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--samples", type=int, default=64, help="of each kind")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8, help="in each of the turns")
    parser.add_argument("--turns", type=int, default=4)
    return parser.parse_args()


def cpu_ms_per_sample(source: TrainingSource, count: int, patch: int) -> float:
    """CPU time, so that other programs on the machine do not count; after a round that fills the cache."""
    source.samples(range(count), patch)
    start = time.process_time()
    source.samples(range(count), patch)
    return (time.process_time() - start) / count * 1000


def step_share(console: Console, source: TrainingSource, arguments: argparse.Namespace) -> None:
    """Wall time of training steps with and without loading, in turns."""
    torch.set_num_threads(os.cpu_count() or 1)
    model = build_generator(arguments.model).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    made_ahead = source.batches(0, arguments.batch_size, 0, 1, arguments.patch, workers=arguments.workers)
    held = next(made_ahead)
    waiting = 0.0

    def step(batch: Batch) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss = (model(batch.input_BCHW * 2 - 1) - (batch.target_BCHW * 2 - 1)).abs().mean()
        loss.backward()
        optimiser.step()

    def train(batches: list[Batch] | None) -> float:
        nonlocal waiting
        start = time.perf_counter()
        for _ in range(arguments.steps):
            before = time.perf_counter()
            batch = next(made_ahead) if batches is None else batches[0]
            waiting += time.perf_counter() - before
            step(batch)
        return time.perf_counter() - start

    step(held)
    loaded = in_memory = 0.0
    for _ in track(range(arguments.turns), f"training {arguments.model}", transient=True):
        loaded += train(None)
        in_memory += train([held])
    crops = arguments.steps * arguments.turns * arguments.batch_size
    console.print(
        f"{arguments.model}, batches of {arguments.batch_size}, {arguments.workers} worker(s), "
        f"{os.cpu_count()} cores: {crops / loaded:.1f} crops/s with loading, "
        f"{crops / in_memory:.1f} without; "
        f"{waiting / loaded:.1%} of a step is waiting for a batch"
    )


if __name__ == "__main__":
    main()
