# SPDX-License-Identifier: Apache-2.0
"""A tenth of a frame's tiles beside the whole frame, in turn: what restoring only what was asked for saves.

    python benchmarks/windows.py --images ../shared/data/eval/nturain_a1/input --output docs/benchmarks/windows

Frames are scaled to each size and restored with the frames before them, alignment included, by the runtime that
``auto`` takes. Which tiles are selected is drawn anew for each frame: one block, tiles with their neighbours, as the
gate selects them, or single tiles.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import grid_shape
from restoregan_core.loading import load_restorer
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.runtimes.timing import device_name

SIZES = ((640, 360), (1280, 720), (1920, 1080))
SHARE = 0.1
Tiles = npt.NDArray[np.bool_]


def block(shape: tuple[int, int], rng: np.random.Generator) -> Tiles:
    """One rectangle, anywhere."""
    tiles = np.zeros(shape, bool)
    count = SHARE * tiles.size
    rows = int(np.clip(round(np.sqrt(count)), 1, shape[0]))
    columns = min(shape[1], round(count / rows))
    top, left = rng.integers(0, shape[0] - rows + 1), rng.integers(0, shape[1] - columns + 1)
    tiles[top : top + rows, left : left + columns] = True
    return tiles


def with_neighbours(shape: tuple[int, int], rng: np.random.Generator) -> Tiles:
    """Single tiles and the eight around each, until there are enough."""
    tiles = np.zeros(shape, bool)
    while tiles.mean() < 0.8 * SHARE:  # each adds up to nine
        row, column = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        tiles[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = True
    return tiles


def scattered(shape: tuple[int, int], rng: np.random.Generator) -> Tiles:
    """Each by itself."""
    tiles = np.zeros(shape[0] * shape[1], bool)
    tiles[rng.permutation(tiles.size)[: round(SHARE * tiles.size)]] = True
    return tiles.reshape(shape)


KINDS = {"one block": block, "tiles with their neighbours": with_neighbours, "single tiles": scattered}


def timed(restorer: Restorer, frames: list[RgbImage], tiles: Tiles | None) -> tuple[float, float]:
    """Seconds on the wall, and of all cores, for the last frame."""
    history = FrameHistory(restorer.history, restorer.path, restorer.recurrent)
    for frame in frames:
        history.look_back("camera")  # as in a running node: of each frame one flow is new
        history.take("camera", frame)
    wall, busy = time.perf_counter(), time.process_time()
    windows = [] if tiles is None else restorer.windows(frames[-1], tiles)
    found = history.look_back("camera", parts=[window.read for window in windows])
    assert found is not None
    restorer.restore_aligned(frames[-1], found.beside(frames[-2]), windows)
    return time.perf_counter() - wall, time.process_time() - busy


def measure(model: str, files: list[Path], count: int, threads: int) -> list[dict[str, Any]]:
    """A row a size and kind: ``count`` frames, each restored whole and with windows."""
    rows = []
    for width, height in SIZES:
        restorer = load_restorer(
            model, device="cpu", threads=threads
        )  # anew: each size has a graph of its own
        scaled = [cv2.resize(read_rgb(file), (width, height), interpolation=cv2.INTER_AREA) for file in files]
        frames = [np.asarray(image, np.uint8) for image in scaled]
        restorer.warm_up(height, width)
        for size in restorer.window_sizes(height, width):
            restorer.warm_up(*size)
        for kind, draw in KINDS.items():
            rng, times, cut_out, share = np.random.default_rng(0), [], 0, 0.0
            for number in range(count + 1):
                first = number % max(1, len(frames) - restorer.history)
                shown = frames[first : first + 1 + restorer.history]
                tiles = draw(grid_shape(height, width), rng)
                pair = [timed(restorer, shown, chosen) for chosen in (None, tiles)]
                if number:  # the first one warms up
                    times.append(pair)
                    cut_out += bool(restorer.windows(shown[-1], tiles))
                    share += tiles.mean() / count
            (wall, cpu), (wall_some, cpu_some) = np.median(times, axis=0)
            mean = np.mean(times, axis=0)
            rows.append(
                {
                    "size": f"{width}x{height}", "selected": kind, "share": round(float(share), 3),
                    "with_windows": round(cut_out / count, 2),
                    "whole_ms": round(1e3 * wall, 1), "tiles_ms": round(1e3 * wall_some, 1),
                    "whole_cpu_ms": round(1e3 * cpu, 1), "tiles_cpu_ms": round(1e3 * cpu_some, 1),
                    "cpu_ratio": round(float(mean[1, 1] / mean[0, 1]), 2),
                }
            )  # fmt: skip
    return rows


def page(rows: list[dict[str, Any]], what: str, command: str) -> str:
    """The table as Markdown."""
    lines = [
        "# Only the tiles that were asked for",
        "",
        "A frame with a tenth of its tiles selected beside the same frame whole, in turn; flow, alignment and network.",
        "`with windows`: share of the frames for which windows were less work than the whole frame; the others were",
        "restored whole. Medians; `ratio` is that of the mean CPU times, all cores together.",
        "",
        f"    {command}",
        "",
        what,
        "",
        "| size | selected | share | with windows | whole, ms | tiles, ms | whole, CPU ms | tiles, CPU ms | ratio |",
        "|" + "---|" * 9,
    ]
    lines += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of consecutive frames")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--frames", type=int, default=20, help="timed frames of each row")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores (default)")
    parser.add_argument("--output", type=Path, help="NAME: writes NAME.json and NAME.md")
    given = parser.parse_args()
    restorer = load_restorer(given.model, device="cpu", threads=given.threads)
    files = find_frames(given.images)[: given.frames + restorer.history]
    rows = measure(given.model, files, given.frames, given.threads)
    what = (
        f"`{restorer.name}`, {restorer.describe()}, context {restorer.context_px} px, on"
        f" {device_name(torch.device('cpu'))}."
    )
    text = page(rows, what, "python " + " ".join(["benchmarks/windows.py", *sys.argv[1:]]))
    Console().print(text, markup=False)
    if given.output:
        given.output.with_suffix(".md").write_text(text)
        given.output.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
