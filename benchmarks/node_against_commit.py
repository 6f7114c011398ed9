# SPDX-License-Identifier: Apache-2.0
"""The node's latency and CPU time per frame beside an earlier commit's, frame by frame in turn.

    python benchmarks/node_against_commit.py --commit 6758743 --output docs/benchmarks/node_against_commit

Two nodes stand beside each other, each with its own camera; one frame is under way at a time. ``restored`` is
``preset:=always``, ``assessed`` is ``mode:=monitor`` (until the report comes). The commit is checked out in a temporary
folder and runs on the libraries of this environment. ``without_amx/sitecustomize.py`` says how to measure as on a CPU
without AMX.
"""

import tempfile
from pathlib import Path

import psutil
from against_commit import ROOT, checked_out
from beside_commit import parser_of, publish, start
from node_latency import MODES, measure
from rich.console import Console
from ros_bench import end, init, leave

from restoregan_core.commands.common import parse_size

SIDES = "before", "now"


def table(rows: list[dict]) -> list[str]:
    lines = [
        "| size | mode | p50 before, ms | now | ratio | CPU before, ms | now | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        before, now = (row[side] for side in SIDES)
        cells = [
            row["size"], row["mode"], f"{before['p50_ms']:.1f}", f"{now['p50_ms']:.1f}", f"{row['ratio_p50']:.2f}",
            f"{before['cpu_ms_per_frame']:.1f}", f"{now['cpu_ms_per_frame']:.1f}", f"{row['ratio_cpu']:.2f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    parser = parser_of(__doc__, 40, "of each side for each figure")
    parser.add_argument("--rate", type=float, default=4.0, help="Hz of both together (default 4)")
    parser.add_argument(
        "--sizes", nargs="+", type=parse_size, default=[(360, 640), (720, 1280)], metavar="HxW"
    )
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=["assessed", "restored"])
    given = parser.parse_args()
    bench = init()
    nodes, sources, rows = [], {}, []
    with tempfile.TemporaryDirectory() as folder, checked_out(given.commit) as other:
        try:
            for side, checkout in zip(SIDES, (other, ROOT), strict=True):
                camera = f"camera_{side}"
                bench.listen_to_image(f"{camera}/restored/image_raw")
                bench.listen_to_report(f"{camera}/restored/report")
                sources[side] = bench.source(f"{camera}/image_raw")
                end(start(checkout, Path(folder, side), camera, side)[0])  # puts the engines into the cache
                nodes.append(start(checkout, Path(folder, side), camera, side)[0])
            processes = {side: psutil.Process(node.pid) for side, node in zip(SIDES, nodes, strict=True)}
            bench.wait_for_peers(
                list(sources.values()), [f"camera_{side}/restored/image_raw" for side in SIDES]
            )
            for size in given.sizes:
                for mode in given.modes:
                    rows.append(
                        measure(bench, sources, size, mode, given.frames, given.rate, processes, SIDES)
                    )
                    Console(stderr=True).print(rows[-1])
        finally:
            for node in nodes:
                end(node)
    what = (
        f"{given.frames} frames of each side in turn, bgr8, from the driver's publish to the detector's callback;\n"
        "CPU is of the whole process."
    )
    publish(given, "The node's frames", what, table(rows), rows)
    leave(0)


if __name__ == "__main__":
    main()
