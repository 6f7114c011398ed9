# SPDX-License-Identifier: Apache-2.0
"""The node's start and memory beside an earlier commit's, in turn: seconds until it is active, and what is resident.

    python benchmarks/node_start.py --commit 6758743 --output docs/benchmarks/node_start

Each start is a process of its own with its engines and its bytecode there: a first one, uncounted, makes them. Once
active it restores ``--frames`` frames of one camera (``preset:=always``); then its memory is read. With ``--cold`` each
start finds an empty cache of engines, as the first one with new weights does. The commit is checked out in a temporary
folder and runs on the libraries of this environment, with its own profile for Fast DDS.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from against_commit import ROOT, checked_out
from beside_commit import HEIGHT, WIDTH, parser_of, publish, start
from rich.console import Console
from ros_bench import Bench, end, init, leave

FIGURES = {
    "active_s": "start to active, s",
    "active_cpu_s": "start to active, CPU s",
    "resident_mb": "resident memory, MB",
    "own_mb": "of it, not shared with other processes, MB",
    "threads": "threads",
}


def measure(bench: Bench, checkout: Path, cache: Path, frames: int, turn: int) -> dict[str, float]:
    """The ``FIGURES`` of one start."""
    camera = f"{checkout.name.replace('-', '_')}_{turn}"  # no answer of another start is taken for this one's
    bench.listen_to_image(f"{camera}/restored/image_raw")
    source = bench.source(f"{camera}/image_raw")
    process, wall_s, busy_s = start(checkout, cache, camera)
    try:
        bench.wait_for_peers([source], [f"{camera}/restored/image_raw"])
        bench.image_s.clear()
        for stamp in range(1, frames + 1):
            bench.send(source, HEIGHT, WIDTH, stamp)
            end_s = time.monotonic() + 10
            while stamp not in bench.image_s and time.monotonic() < end_s:
                time.sleep(0.002)
        memory = psutil.Process(process.pid).memory_full_info()
        return {
            "active_s": wall_s, "active_cpu_s": busy_s, "resident_mb": memory.rss / 1e6, "own_mb": memory.uss / 1e6,
            "threads": psutil.Process(process.pid).num_threads(), "answered": len(bench.image_s),
        }  # fmt: skip
    finally:
        end(process)


def table(turns: list[list[dict[str, Any]]]) -> list[str]:
    """Medians, and the median of the ratios of neighbouring starts."""
    lines = ["| | before | now | ratio |", "|---|---|---|---|"]
    for key, name in FIGURES.items():
        before, now = (np.array([turn[side][key] for turn in turns]) for side in (0, 1))
        ratio = float(np.median(now / before))
        lines.append(f"| {name} | {np.median(before):.1f} | {np.median(now):.1f} | {ratio:.2f} |")
    return [*lines, "", "What is resident includes the shared memory of DDS, by the profile of each side."]


def main() -> None:
    parser = parser_of(__doc__, 20, "restored before memory is read")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="with an empty cache each time")
    given = parser.parse_args()
    bench = init()
    turns = []
    with tempfile.TemporaryDirectory() as folder, checked_out(given.commit) as other:
        for turn in range(given.turns + 1):
            sides = [
                measure(
                    bench,
                    checkout,
                    Path(folder, f"{name}_{turn}" if given.cold else name),
                    given.frames,
                    turn,
                )
                for name, checkout in (("before", other), ("now", ROOT))
            ]
            Console(stderr=True).print(sides)
            turns += [sides] if turn else []
    cache = "with an empty cache" if given.cold else "engines cached"
    what = (
        f"{len(turns)} starts of each in turn, {cache}, one camera of {WIDTH}x{HEIGHT}, every frame restored by\n"
        "OpenVINO."
    )
    publish(given, "The node's start and memory", what, table(turns), turns)
    leave(0)


if __name__ == "__main__":
    main()
