# SPDX-License-Identifier: Apache-2.0
"""Do several cameras slow each other beyond their frames? One pipeline that serves one, and six, in turn.

    python benchmarks/cameras.py --images ../shared/data/eval/nturain_a1/input --output docs/benchmarks/cameras.md

Each turn gives both pipelines the same number of frames, all of them restored, history and alignment included: one
camera's frames in a row, or those of six cameras that take turns. What a frame costs is the median over the turns, in
wall time and in CPU time of all threads. Memory is what the pipeline remembers of its cameras.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from restoregan_core import load_pipeline
from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.pipeline import RestorationPipeline

SIZES = ((640, 360), (1280, 720))
CAMERAS = 6
TURNS = 8
COMMAND = (
    "python benchmarks/cameras.py --images ../shared/data/eval/nturain_a1/input \\\n"
    "        --output docs/benchmarks/cameras.md"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="consecutive frames")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    images = [read_rgb(path) for path in find_frames(given.images)]
    rows = [row(images, *size) for size in SIZES]
    text = page(rows)
    print(text)
    if given.output:
        given.output.write_text(text)


def row(images: list[RgbImage], width: int, height: int) -> str:
    frames = [np.asarray(cv2.resize(image, (width, height)), np.uint8) for image in images]
    one, many = pipeline(), pipeline()
    for number in range(2 * CAMERAS):  # graphs are compiled, and every camera has its history
        one.process(frames[number % len(frames)], camera="0")
        many.process(frames[number % len(frames)], camera=str(number % CAMERAS))
    seconds: dict[int, list[tuple[float, float]]] = {1: [], CAMERAS: []}
    for turn in range(TURNS):
        for cameras, served in ((1, one), (CAMERAS, many)):
            wall, cpu = time.perf_counter(), time.process_time()
            for number in range(2 * CAMERAS):
                frame = frames[(2 * turn + number // cameras) % len(frames)]
                served.process(frame, camera=str(number % cameras))
            taken = time.perf_counter() - wall, time.process_time() - cpu
            seconds[cameras].append((taken[0] / (2 * CAMERAS), taken[1] / (2 * CAMERAS)))
    (one_wall, one_cpu), (six_wall, six_cpu) = (np.median(taken, 0) for taken in seconds.values())
    remembered = sum(array.nbytes for array in many.state().values()) / CAMERAS
    return (
        f"| {width}x{height} | {one_wall * 1e3:.0f} ms | {six_wall * 1e3:.0f} ms | **{six_wall / one_wall:.2f}** | "
        f"**{six_cpu / one_cpu:.2f}** | {remembered / 2**20:.1f} MB |"
    )


def pipeline() -> RestorationPipeline:
    return load_pipeline("lite", preset="always", device="cpu")


def page(rows: list[str]) -> str:
    lines = [
        "# Several cameras", "", "Made by", "", f"    {COMMAND}", "",
        f"What a frame costs where one pipeline restores the frames of {CAMERAS} cameras in turn, beside as many",
        "frames of one camera, in the same run; history and alignment included. 1.00: cameras cost their frames alone.",
        "", f"| size | one camera | {CAMERAS} cameras | wall time, ratio | CPU time, ratio | state kept, a camera |",
        "|---|---|---|---|---|---|", *rows,
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
