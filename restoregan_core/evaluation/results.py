# SPDX-License-Identifier: Apache-2.0
"""What an evaluation leaves behind: JSON for machines, CSV by image, a table to read, the worst cases."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from restoregan_core.evaluation.measure import EvaluationSet, Restore, SetScores
from restoregan_core.files import atomic_write, refuse_links, write_text
from restoregan_core.images.folders import read_rgb
from restoregan_core.metrics.bootstrap import Interval, paired_bootstrap
from restoregan_core.metrics.protocols import TITLES

if TYPE_CHECKING:
    from rich.table import Table

WORST_COUNT = 5


def differences(scores: SetScores) -> dict[str, Interval]:
    """First restorer minus second, for each metric, with a 95 % paired bootstrap interval over images."""
    return {
        metric: paired_bootstrap([p.outputs[0][metric] - p.outputs[1][metric] for p in scores.images])
        for metric in scores.images[0].outputs[0]
    }


def as_json(scores: SetScores, setting: str = "") -> dict[str, Any]:
    """One set's entry: count, mean scores of input and output, worst files, the comparison if there is one.

    Args:
        setting: of a baseline, chosen for this set.
    """
    entry: dict[str, Any] = {
        "count": scores.count,
        "input": scores.mean_input(),
        "output": scores.mean_output(),
        "worst": [[file, gain] for file, gain in scores.worst(WORST_COUNT)],
    }
    if setting:
        entry["setting"] = setting
    if len(scores.images[0].outputs) > 1:
        entry["against"] = {
            "output": scores.mean_output(1),
            "difference": {metric: asdict(interval) for metric, interval in differences(scores).items()},
        }
    return entry


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON, atomically. Every number in it must be finite."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, all_scores: Sequence[SetScores]) -> None:
    """One row an image: set, file, then every metric of input, output and, if compared, the other output."""
    sides = ["input", "output", "against"][: 1 + len(all_scores[0].images[0].outputs)]
    # Sets differ in metrics: only RealBlur is aligned.
    metrics = list(dict.fromkeys(m for scores in all_scores for m in scores.images[0].input))
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["set", "file", *(f"{side}_{metric}" for side in sides for metric in metrics)])
        for scores in all_scores:
            for image in scores.images:
                values = [
                    side.get(metric, "") for side in (image.input, *image.outputs) for metric in metrics
                ]
                writer.writerow([scores.name, image.file, *values])


def make_table(all_scores: Sequence[SetScores], names: Sequence[str]) -> "Table":
    """Every protocol side by side: a row for the input, for each restorer, and for their difference.

    Args:
        names: of the restorers.
    """
    from rich.table import Table

    metrics = list(dict.fromkeys(m for scores in all_scores for m in scores.images[0].input))
    table = Table(title="Mean over images. SSIM 2-D: per channel; 3-D: volume, as MATLAB; Y: limited range.")
    table.add_column("set")
    table.add_column("images", justify="right")
    table.add_column("of")
    for metric in metrics:
        table.add_column(TITLES.get(metric, metric), justify="right")
    for scores in all_scores:
        table.add_section()
        rows = [("input", scores.mean_input())]
        rows += [(name, scores.mean_output(index)) for index, name in enumerate(names)]
        for row, (label, values) in enumerate(rows):
            start = [scores.name, str(scores.count)] if row == 0 else ["", ""]
            cells = [_format(metric, values[metric]) if metric in values else "-" for metric in metrics]
            table.add_row(*start, label, *cells)
        if len(names) > 1:
            intervals = differences(scores)
            cells = [_format_interval(m, intervals[m]) if m in intervals else "-" for m in metrics]
            table.add_row("", "", "difference", *cells)
    return table


def write_worst(
    folder: Path, evaluation_set: EvaluationSet, scores: SetScores, restore: Restore
) -> list[Path]:
    """The worst cases as images, input | output | target: FOLDER/SET/1_-0.12dB_NAME.png, worst first."""
    pairs = dict(zip(evaluation_set.files(), evaluation_set.pairs, strict=True))
    target_folder = folder / evaluation_set.name.replace("/", "_")
    refuse_links(target_folder, below=folder)
    target_folder.mkdir(parents=True, exist_ok=True)
    written = []
    for rank, (file, gain_db) in enumerate(scores.worst(WORST_COUNT), start=1):
        image, target = read_rgb(pairs[file].input_path), read_rgb(pairs[file].target_path)
        side_by_side = np.concatenate([image, restore(image), target], axis=1)
        name = Path(file).with_suffix("").as_posix().replace("/", "_")
        path = target_folder / f"{rank}_{gain_db:+.2f}dB_{name}.png"
        with atomic_write(path, keep_suffix=True) as temporary:
            if not cv2.imwrite(os.fspath(temporary), side_by_side[..., ::-1]):
                raise OSError(f"{path} could not be written")
        written.append(path)
    return written


def _format(metric: str, value: float) -> str:
    return f"{value:.2f}" if metric.startswith("psnr") else f"{value:.4f}"


def _format_interval(metric: str, interval: Interval) -> str:
    digits = 2 if metric.startswith("psnr") else 4
    return f"{interval.mean:+.{digits}f}\n[{interval.low:+.{digits}f}, {interval.high:+.{digits}f}]"
