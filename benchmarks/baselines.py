# SPDX-License-Identifier: Apache-2.0
"""The table that every network has to beat: input, classical methods and networks on open evaluation sets.

    python benchmarks/baselines.py --data ../shared/data/eval --output docs/benchmarks/baselines.md --times

Every folder below ``--data`` that holds ``input/`` and ``target/`` is a set. Each classical method runs at its best
single setting for the set (`restoregan_core.evaluation.baselines`). Figures are kept in a ``.json`` beside the page,
so ``--sets`` and ``--methods`` can fill it piece by piece; what is measured again takes the place of what was there.
``--times`` also times each method on a frame of 640x360, in turn; leave the machine alone while it does.
All of it takes half an hour on two cores.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.evaluation.baselines import NAMES, Baseline, baselines, best_for_set
from restoregan_core.evaluation.measure import EvaluationSet, measure
from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.loading import load_restorer
from restoregan_core.metrics.protocols import TITLES
from restoregan_core.runtimes.timing import time_interleaved

METRICS = ("psnr_rgb", "psnr_y", "ssim_2d", "ssim_3d", "ssim_y")
NETWORK = "lite"
METHODS = (*NAMES[1:], NETWORK)
COMMAND = (
    "python benchmarks/baselines.py --data ../shared/data/eval --output docs/benchmarks/baselines.md --times"
)
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--sets", nargs="*", help="names of folders (default: all; none after it: only --times)"
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--times", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)  # scoring runs in threads of its own
    kept = arguments.output.with_suffix(".json")
    rows: list[Row] = json.loads(kept.read_text()) if kept.is_file() else []
    for folder in sorted(path.parent for path in arguments.data.glob("*/target")):
        if arguments.sets is None or folder.name in arguments.sets:
            measured = measured_rows(EvaluationSet(folder.name, tuple(find_pairs(folder))), arguments.methods)
            replaced = {(row["set"], row["method"]) for row in measured}
            rows = [row for row in rows if (row["set"], row["method"]) not in replaced] + measured
            write(rows, kept, arguments.output)
    if arguments.times:
        add_times(rows, read_rgb(find_images(arguments.data / "nturain_a1/input")[0]))
    write(rows, kept, arguments.output)


def measured_rows(evaluation_set: EvaluationSet, methods: list[str]) -> list[Row]:
    chosen = [best_for_set(name, evaluation_set) for name in methods if name != NETWORK]
    if NETWORK in methods:
        restorer = load_restorer(NETWORK)
        chosen.append(Baseline(NETWORK, restorer.name, restorer))
    scores = measure(evaluation_set, chosen)
    found = [("input", "", scores.mean_input())]
    found += [(b.name, b.setting, scores.mean_output(i)) for i, b in enumerate(chosen)]
    rows = [
        {"set": evaluation_set.name, "images": scores.count, "method": method, "setting": setting,
         **{metric: values[metric] for metric in METRICS}}
        for method, setting, values in found
    ]  # fmt: skip
    for row in rows:
        print(row["set"], row["method"], row["setting"], f"{row['psnr_rgb']:.2f}", flush=True)
    return rows


def add_times(rows: list[Row], image: RgbImage) -> None:
    """Median time of every method at every setting that is in the table, on one frame of 640x360."""
    frame = np.ascontiguousarray(cv2.resize(image, (640, 360), interpolation=cv2.INTER_AREA))
    cv2.setNumThreads(-1)
    calls: dict[tuple[str, str], Any] = {}
    for row in rows:
        key = row["method"], row["setting"]
        if row["method"] == NETWORK:
            calls.setdefault(key, load_restorer(NETWORK))
        elif row["method"] != "input":
            calls.setdefault(key, next(b for b in baselines(key[0]) if b.setting == key[1]))
    timings = time_interleaved(
        {str(key): lambda call=call: call(frame) for key, call in calls.items()},  # type: ignore[misc]
        rounds=9,
    )
    for row in rows:
        timing = timings.get(str((row["method"], row["setting"])))
        row["ms"] = None if timing is None else timing.median_ms


def write(rows: list[Row], kept: Path, page: Path) -> None:
    order = {name: i for i, name in enumerate(("input", *METHODS))}
    rows.sort(key=lambda row: (row["set"], order[row["method"]]))
    lines = [
        "# What a network has to beat",
        "",
        "Mean over images, all protocols side by side (see [evaluation](../evaluation.md)), whole images, no gate.",
        "Each classical method runs at the one setting that is best for the set, chosen on six of its own images;",
        "times are medians of 9 on a frame of 640x360, on two CPU cores. Made by",
        "",
        f"    {COMMAND}",
        "",
        "| set | images | method | setting | " + " | ".join(TITLES[m] for m in METRICS) + " | ms |",
        "|---|---|---|---|" + "---|" * (len(METRICS) + 1),
    ]
    for row in rows:
        figures = (f"{row[m]:.2f}" if m.startswith("psnr") else f"{row[m]:.4f}" for m in METRICS)
        ms = "" if row.get("ms") is None else f"{row['ms']:.1f}"
        cells = (row["set"], str(row["images"]), row["method"], row["setting"], *figures, ms)
        lines.append("| " + " | ".join(cells) + " |")
    page.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(rows, indent=1) + "\n")
    page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
