"""The table that every network has to beat: input and classical methods on open evaluation sets.

    python benchmarks/baselines.py --data ../shared/data/eval --output docs/benchmarks/baselines.md

Every folder below ``--data`` that holds ``input/`` and ``target/`` is a set. Each method runs at its best
single setting for the set (`restoregan_core.evaluation.classical`). Takes about 20 minutes on
two cores; ``--sets`` and ``--methods`` choose some.
"""

import argparse
from pathlib import Path

import cv2

from restoregan_core.data.pairs import find_pairs
from restoregan_core.evaluation.classical import NAMES, best_for_set
from restoregan_core.evaluation.measure import EvaluationSet, measure
from restoregan_core.evaluation.protocols import TITLES

METRICS = ("psnr_rgb", "psnr_y", "ssim_2d", "ssim_3d", "ssim_y")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", help="names of folders (default: all)")
    parser.add_argument("--methods", nargs="+", choices=NAMES[1:], default=list(NAMES[1:]))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)  # scoring runs in threads of its own
    lines = [
        "# What a network has to beat",
        "",
        "Mean over pictures, all protocols side by side (see [evaluation](../evaluation.md)). Each classical",
        "method runs at the one setting that is best for the set, chosen on six of its own pictures. Made by",
        "",
        "    python benchmarks/baselines.py --data ../shared/data/eval --output docs/benchmarks/baselines.md",
        "",
        "| set | pictures | method | setting | " + " | ".join(TITLES[m] for m in METRICS) + " |",
        "|---|---|---|---|" + "---|" * len(METRICS),
    ]
    for folder in sorted(path.parent for path in arguments.data.glob("*/target")):
        if arguments.sets and folder.name not in arguments.sets:
            continue
        evaluation_set = EvaluationSet(folder.name, tuple(find_pairs(folder)))
        chosen = [best_for_set(name, evaluation_set) for name in arguments.methods]
        scores = measure(evaluation_set, chosen)
        rows = [("input", "", scores.mean_input())]
        rows += [(b.name, b.setting, scores.mean_output(i)) for i, b in enumerate(chosen)]
        for method, setting, values in rows:
            figures = (f"{values[m]:.2f}" if m.startswith("psnr") else f"{values[m]:.4f}" for m in METRICS)
            row = (folder.name, str(scores.count), method, setting, *figures)
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
