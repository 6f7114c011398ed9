# SPDX-License-Identifier: Apache-2.0
"""What INT8 saves on a CPU, and what it costs: the runtime's precisions beside each other.

    python benchmarks/int8.py --data ../shared/data/eval
    ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI python benchmarks/int8.py ... --only time --precisions fp32 int8

The second line is a CPU without AMX: OpenVINO's convolutions follow that variable; bf16 would be imitated, slowly.
Times are of one thread's CPU, uint8 to uint8, in turn; PSNR (RGB) is of the open sets, pictures without history and
videos with it, and of clean pictures against themselves.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from restoregan_core.images.blur_path import path_image
from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
from restoregan_core.runtimes.timing import device_name
from restoregan_core.zoo import load_generator

PICTURES = "rain100h", "rain100l", "gopro_crops256", "reds_x4", "gopro"
VIDEOS = "nturain_a1", "gopro_video"
SIZES = (360, 640), (720, 1280)

Frames = npt.NDArray[np.uint8]


def pairs(data: Path, restorer: Restorer, count: int) -> Iterator[tuple[str, Frames, Frames]]:
    """Set, what the network takes, ground truth; of some sets the ground truth itself as input, too.

    A recurrent network sees what the restorer made of the frame before, so all precisions are given the same.
    """
    for name in (*PICTURES, *VIDEOS):
        sides = [find_frames(data / name / side) for side in ("input", "target")]
        for is_clean in (False, True) if name in ("rain100l", *VIDEOS) else (False,):
            camera = VideoRestorer(restorer)
            step = 1 if name in VIDEOS else max(1, len(sides[0]) // count)
            for k, files in enumerate(islice(zip(*sides, strict=True), 0, None, step)):
                shown, target = read_rgb(files[1 if is_clean else 0]), read_rgb(files[1])
                before = [shown] * restorer.history + [path_image(shown, None)] * restorer.path
                if name in VIDEOS:
                    camera(shown)
                    before = camera.beside if k >= restorer.history else []
                    if not before or k % max(1, len(sides[0]) // count):
                        continue
                yield f"{'clean ' if is_clean else ''}{name}", np.concatenate([shown, *before], 2), target


def psnr(one: Frames, other: Frames) -> float:
    """In dB; of equal images 100."""
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else 100.0


def times(runtimes: dict[str, OpenVinoRuntime], channels: int, rounds: int, console: Console) -> None:
    for height, width in SIZES:
        frames_BHWC = np.random.default_rng(0).integers(0, 256, (1, height, width, channels), np.uint8)
        taken: dict[str, list[float]] = {name: [] for name in runtimes}
        for _ in range(rounds + 1):
            for name, runtime in runtimes.items():
                runtime.load(height, width)
                started = time.process_time()
                runtime.run(frames_BHWC)
                taken[name].append(time.process_time() - started)
        row = " | ".join(f"{1e3 * np.median(seconds[1:]):.1f}" for seconds in taken.values())
        console.print(f"| {width}x{height} | {row} |", markup=False)


def scores(
    runtimes: dict[str, OpenVinoRuntime], data: Path, restorer: Restorer, count: int, console: Console
) -> None:
    rows: dict[str, dict[str, list[float]]] = {}
    for name, frames_HWC, target_HWC in pairs(data, restorer, count):
        for label, runtime in runtimes.items():
            restored_HWC = runtime.run(frames_HWC[np.newaxis])[0][0]
            rows.setdefault(name, {}).setdefault(label, []).append(psnr(restored_HWC, target_HWC))
    for name, row in rows.items():
        means = " | ".join(f"{np.mean(values):.2f}" for values in row.values())
        lowest = " | ".join(f"{min(values):.1f}" for values in row.values())
        of_clean = f" (lowest {lowest})" if name.startswith("clean") else ""
        console.print(f"| {name}{of_clean} | {means} |", markup=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite", help="name or .safetensors file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16", "int8"])
    parser.add_argument("--frames", type=int, default=1000, help="most of each evaluation set")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=("time", "psnr"))
    given = parser.parse_args()
    loaded = load_generator(given.model)
    runtimes = {
        name: OpenVinoRuntime(loaded.lazy, precision=name, threads=1, int8=loaded.int8)
        for name in given.precisions
    }
    console = Console(width=160)
    console.print(f"{loaded.name} on {device_name(torch.device('cpu'))}", markup=False)
    console.print(f"| | {' | '.join(runtime.precision for runtime in runtimes.values())} |", markup=False)
    if given.only != "psnr":
        times(runtimes, loaded.config.input_channels, given.rounds, console)
    if given.only != "time":
        restorer = Restorer(loaded, "openvino", precision=given.precisions[0], threads=1)
        scores(runtimes, given.data, restorer, given.frames, console)


if __name__ == "__main__":
    main()
