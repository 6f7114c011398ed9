# SPDX-License-Identifier: Apache-2.0
"""Training speed: crops/s of paper and lite, beside a plain loop; what data loading costs; two processes.

    python benchmarks/training_speed.py --data ../shared/data/train/urban100 \
        --markdown docs/benchmarks/training_speed.md

The trainer and a plain hand-written PyTorch loop train the same network on the same crops, in turns of a few
steps each within one process, so that whatever else the machine does burdens both alike. Ratios are therefore
worth more than rates.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from pages import replace_table
from rich.progress import track
from torch.nn import functional as F

from restoregan_core.data.config import DataConfig, Folder
from restoregan_core.data.sources import Batch, TrainingSource
from restoregan_core.training.config import OptimiserConfig, ScheduleConfig, StageConfig, TrainConfig
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.trainer import Trainer
from restoregan_core.zoo import build_generator

PIXELS = LossConfig(perceptual_weight=0, adversarial_weight=0, pixel_weight=1)
CASES = {"lite": (8, 128), "paper": (1, 128)}  # crops in a batch, their side in pixels


def make_config(
    model: str, data: DataConfig, output: str, precision: str, workers: int, threads: int
) -> TrainConfig:
    batch_size, patch_size = CASES[model]
    return TrainConfig(
        name=model,
        model=model,  # type: ignore[arg-type]
        data=data,
        schedule=ScheduleConfig(
            stages=[StageConfig(steps=10**6, batch_size=batch_size, patch_size=patch_size)]
        ),
        loss=PIXELS,
        optimiser=OptimiserConfig(kind="adamw", clip_norm=1.0, ema_decay=0.999),
        output=output,
        precision=precision,  # type: ignore[arg-type]
        workers=workers,
        threads=threads,
    )


def plain_step(model: str, precision: str, device: torch.device) -> Callable[[Batch], None]:
    """What one would write by hand: the same network, loss, optimiser and precision, nothing around."""
    generator = build_generator(model).to(device=device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(generator.parameters(), lr=1e-4, fused=True)

    def step(batch: Batch) -> None:
        degraded_BCHW = batch.input_BCHW.to(device, memory_format=torch.channels_last) * 2 - 1
        sharp_BCHW = batch.target_BCHW.to(device, memory_format=torch.channels_last) * 2 - 1
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            restored_BCHW = generator(degraded_BCHW)
        loss = F.l1_loss(restored_BCHW.float(), sharp_BCHW)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def compare(
    model: str, data: DataConfig, precision: str, turns: int, steps: int, threads: int
) -> dict[str, float]:
    """Median step times of trainer and plain loop in alternating turns, on batches made beforehand."""
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(model, data, folder, precision, workers=0, threads=threads)
        trainer = Trainer(config, TrainingSource(data, 0))
        stage = trainer.stages[0]
        trainer._begin(stage)
        device = trainer.fabric.device
        by_hand = plain_step(model, precision, device)

        def ours(batch: Batch) -> None:
            trainer._learn(batch, stage)
            trainer.step += 1

        batch_size, patch_size = CASES[model]
        make_s = []
        for number in range(9):
            started_s = time.perf_counter()
            batch = trainer.source.samples(range(number * batch_size, (number + 1) * batch_size), patch_size)
            make_s.append(time.perf_counter() - started_s)
        make_batch_s = statistics.median(make_s[1:])  # the first one opens files and warms up
        times: dict[str, list[float]] = {"ours": [], "by_hand": []}
        for turn in track(range(turns + 1), f"{model}, trainer and plain loop in turns"):
            for name, step in (("ours", ours), ("by_hand", by_hand)):
                for _ in range(steps):
                    started_s = time.perf_counter()
                    step(batch)
                    if device.type == "cuda":
                        torch.cuda.synchronize()
                    if turn > 0:  # the first turn warms up
                        times[name].append(time.perf_counter() - started_s)
        ours_s, by_hand_s = statistics.median(times["ours"]), statistics.median(times["by_hand"])
        return {
            "crops_per_s": batch_size / ours_s,
            "by_hand_crops_per_s": batch_size / by_hand_s,
            "ratio": by_hand_s / ours_s,
            "make_crops_per_s": batch_size / make_batch_s,
        }


def loading_share(model: str, data: DataConfig, precision: str, steps: int, threads: int) -> float:
    """Share of the time that the trainer waits for its one data worker, after the first batches."""
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(model, data, folder, precision, workers=1, threads=threads)
        trainer = Trainer(config, TrainingSource(data, 0))
        stage = trainer.stages[0]
        trainer._begin(stage)
        batches = trainer._batches(stage)
        for _ in range(3):
            trainer._learn(next(batches), stage)
        waited_s, started_s = 0.0, time.perf_counter()
        for _ in track(range(steps), f"{model}, with data loading"):
            asked_s = time.perf_counter()
            batch = next(batches)
            waited_s += time.perf_counter() - asked_s
            trainer._learn(batch, stage)
            trainer.step += 1
        return waited_s / (time.perf_counter() - started_s)


def processes_rate(count: int, data: str, steps: int) -> float:
    """Crops/s of lite in ``count`` processes of one thread each, batch 8 in each of them."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        f"--nproc_per_node={count}",
        "--master_port=29511",
    ]
    command = command if count > 1 else [sys.executable]
    run = subprocess.run(
        [*command, __file__, "--data", data, "--one-rate", str(steps)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(next(line.split()[1] for line in run.stdout.splitlines() if line.startswith("RATE")))


def one_rate(data: DataConfig, steps: int) -> None:
    """In each process of ``processes_rate``: rank 0 prints the crops/s of all processes together."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    with tempfile.TemporaryDirectory() as folder:
        config = make_config("lite", data, folder, "bf16-mixed", workers=0, threads=1)
        stage_config = replace(config.schedule.stages[0], batch_size=8 * world_size)
        config = replace(config, schedule=ScheduleConfig(stages=[stage_config]), device="cpu")
        trainer = Trainer(config, TrainingSource(data, 0))
        trainer._begin(trainer.stages[0])
        batch = trainer.source.samples(range(8), 128)
        times = []
        for _ in range(steps):
            started_s = time.perf_counter()
            trainer._learn(batch, trainer.stages[0])
            trainer.step += 1
            times.append(time.perf_counter() - started_s)
        if trainer.fabric.is_global_zero:
            print("RATE", 8 * world_size / statistics.median(times[2:]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", required=True, help="a folder with sharp images, searched with its subfolders"
    )
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of each turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="bf16-mixed", choices=["bf16-mixed", "32-true"])
    parser.add_argument("--markdown", help="write the table here too")
    parser.add_argument("--one-rate", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    data = DataConfig(sharp=[Folder(path=arguments.data)])
    if arguments.one_rate:
        one_rate(data, arguments.one_rate)
        return
    torch.set_num_threads(arguments.threads)
    lines = [
        "| model | crops | trainer, crops/s | plain loop, crops/s | ratio | data made, crops/s and core "
        "| waiting for data |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, (batch_size, patch_size) in CASES.items():
        row = compare(model, data, arguments.precision, arguments.turns, arguments.steps, arguments.threads)
        share = loading_share(model, data, arguments.precision, 4 * arguments.steps, arguments.threads)
        lines.append(
            f"| {model} | {batch_size} x {patch_size} px | {row['crops_per_s']:.2f} "
            f"| {row['by_hand_crops_per_s']:.2f} | {row['ratio']:.2f} | {row['make_crops_per_s']:.1f} | {share:.1%} |"
        )
        print(lines[-1], flush=True)
    one, two = (processes_rate(count, arguments.data, 4 * arguments.steps) for count in (1, 2))
    lines += [
        "",
        f"lite in one process of one thread: {one:.1f} crops/s; in two, by gloo: {two:.1f} crops/s, "
        f"{two / one:.2f} times.",
    ]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    lines += ["", f"{device}, {platform.machine()}, torch {torch.__version__}, {arguments.precision}."]
    print("\n".join(lines))
    if arguments.markdown:
        replace_table(Path(arguments.markdown), "\n".join(lines))


if __name__ == "__main__":
    main()
