# SPDX-License-Identifier: Apache-2.0
"""Does an error feed on itself where a network sees its own last answer?

    python benchmarks/drift.py --data ../shared/data/eval --output docs/benchmarks/drift.md

Clips are played to and fro for many frames, every frame forced through the network with those before it: PSNR (RGB)
against ground truth at the beginning and after ever longer times, and the mean change of brightness at both ends.
"""

import argparse
from collections.abc import Iterator
from itertools import chain, cycle, islice
from pathlib import Path

import cv2
import numpy as np
import torch
from pages import replace_table
from rich.progress import track

from restoregan_core import load_restorer
from restoregan_core.data.video import read_frames
from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.runtimes.timing import device_name

Pairs = Iterator[tuple[RgbImage, RgbImage]]
BLOCK = 40
"""Frames that are averaged, from each of ``STARTS`` on: the length of the shorter clips."""
STARTS = 0, 40, 120, 360, 960


def to_and_fro(images: list[RgbImage]) -> Iterator[RgbImage]:
    return cycle(chain(images, images[-2:0:-1]))


def noisy(image: RgbImage, deviation: float) -> Iterator[RgbImage]:
    rng = np.random.default_rng(0)
    while True:
        levels = image + rng.normal(0, deviation, image.shape)
        yield levels.round().clip(0, 255).astype(np.uint8)


def clips(data: Path) -> Iterator[tuple[str, Pairs]]:
    """Name, then what the camera sent and the ground truth, without end."""
    for name in ("nturain_a1", "gopro_video", "reds_x4"):
        sides = [[read_rgb(path) for path in find_frames(data / name / side)] for side in ("input", "target")]
        yield name, zip(*map(to_and_fro, sides), strict=False)
        if name == "nturain_a1":
            yield f"{name}, clean", zip(to_and_fro(sides[1]), to_and_fro(sides[1]), strict=False)
    path = data / "driving_video" / "solidWhiteRight.mp4"
    drive = [np.asarray(cv2.resize(frame, (640, 360)), np.uint8) for frame in read_frames(path)]
    yield f"{path.stem}, clean", zip(to_and_fro(drive), to_and_fro(drive), strict=False)
    still = np.ascontiguousarray(read_rgb(find_frames(data / "kitti_boxes" / "images")[0])[:320, :640])
    yield "a still scene, clean", zip(cycle([still]), cycle([still]), strict=False)
    for deviation in (2.0, 8.0):
        noise = noisy(still, deviation)
        yield f"a still scene, noise of {deviation:g} grey levels", zip(noise, cycle([still]), strict=False)


def row(name: str, pairs: Pairs, restore: VideoRestorer, frames: int) -> str:
    figures, shifts = [], []
    for seen, truth in track(islice(pairs, frames), name, total=frames):
        answer = restore(seen)
        figures.append(psnr_rgb(answer, truth))
        shifts.append(float(answer.mean() - seen.mean()))
    starts = [start for start in STARTS if start + BLOCK <= frames]
    means = [f"{np.mean(figures[start : start + BLOCK]):.2f}" for start in starts]
    cells = [
        name,
        *means,
        f"{min(figures):.2f}",
        f"{np.mean(shifts[:BLOCK]):+.2f}",
        f"{np.mean(shifts[-BLOCK:]):+.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite", help="name or .safetensors file")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation sets")
    parser.add_argument("--frames", type=int, default=1000, help="of each clip")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    restorer = load_restorer(given.model, device="cpu")
    blocks = [f"{start}" for start in STARTS if start + BLOCK <= given.frames]
    heads = ["clip", *(f"from frame {b}" for b in blocks), "lowest frame", "shift at first", "at last"]
    rows = [row(name, pairs, VideoRestorer(restorer), given.frames) for name, pairs in clips(given.data)]
    table = "\n".join(["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|", *rows])
    what = f"`{restorer.name}`, {restorer.describe()}, on {device_name(torch.device('cpu'))}."
    print(f"{what}\n\n{table}")
    if given.output:
        replace_table(given.output, f"{what}\n\n{table}")


if __name__ == "__main__":
    main()
