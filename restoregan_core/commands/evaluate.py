# SPDX-License-Identifier: Apache-2.0
"""``restoregan evaluate``: how much better does a network make pictures, by every protocol of the field?"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoregan_core.commands.common import make_parser
from restoregan_core.evaluation import baselines
from restoregan_core.evaluation.measure import EvaluationSet, Restore, SetScores, check_set, measure
from restoregan_core.metrics.protocols import Scorer


@dataclass(frozen=True)
class _Opened:
    """What is evaluated: a restorer for each set (a baseline's setting is chosen set by set)."""

    name: str
    runtime: str
    for_set: Callable[[EvaluationSet], tuple[Restore, str]]


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    for path in (arguments.json, arguments.csv):
        if path is not None and not path.parent.is_dir():
            raise ValueError(f"{path}: there is no folder {path.parent} to write it to")
    sets = _find_sets(arguments.data, arguments.layout, arguments.align)
    opened = [_open(arguments)]
    if arguments.against is not None:
        opened.append(_open_own(arguments.against, arguments.runtime, arguments.device))
    extra, notes = _open_lpips()
    all_scores, settings = _measure_all(sets, opened, extra, arguments.worst)

    from rich.console import Console

    from restoregan_core.evaluation import results

    names = [o.name for o in opened]
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(results.make_table(all_scores, names, notes))
    content: dict[str, Any] = {
        "model": opened[0].name,
        "runtime": opened[0].runtime,
        "sets": {
            s.name: results.as_json(s, setting) for s, setting in zip(all_scores, settings, strict=True)
        },
    }
    if len(opened) > 1:
        content["against"] = names[1]
    if notes:
        content["not_measured"] = notes
    if arguments.json is not None:
        results.write_json(arguments.json, content)
    if arguments.csv is not None:
        results.write_csv(arguments.csv, all_scores)
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = make_parser(
        "evaluate",
        "PSNR and SSIM of a network on folders of pairs (input/ and target/), all protocols side by side:\n"
        "whole pictures, no gate, outputs rounded to 8 bits. docs/evaluation.md explains the protocols.",
        "restoregan evaluate --model lite --data eval/gopro --data eval/rain100h --json lite.json",
    )
    which = parser.add_argument_group("what is evaluated (one of the first two)")
    which.add_argument(
        "--model", help="a name of the zoo, a .safetensors file, or module:factory with --weights"
    )
    which.add_argument(
        "--baseline", choices=baselines.NAMES, help="restoration without learning, at its best setting"
    )
    which.add_argument("--weights", type=Path, help="the state dict of a module:factory network")
    which.add_argument(
        "--value-range",
        choices=("signed", "unit"),
        default="signed",
        help="pictures of a module:factory network lie in [-1, 1] or [0, 1] (default: signed)",
    )
    which.add_argument(
        "--size-multiple",
        type=int,
        default=32,
        help="a module:factory network needs sides that are multiples of this many pixels (default: 32)",
    )
    which.add_argument(
        "--against", metavar="NAME|FILE", help="a second model: the difference, with its interval"
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        type=Path,
        metavar="DIR",
        help="holds input/ and target/; repeatable",
    )
    parser.add_argument(
        "--layout",
        default="folders",
        help="how the sets lie there: folders (input/ and target/), or a published layout, of which the\n"
        "test split is read: gopro, gopro_gamma, realblur_j, realblur_r, rain800, rain1800, rain14000,\n"
        "reds, reds_x4, lmdb",
    )
    parser.add_argument(
        "--align",
        action="store_true",
        help="also measure aligned to the reference, as RealBlur's authors do; seconds a picture, always\n"
        "on for RealBlur's own layouts",
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "tensorrt", "openvino", "torch"))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="mean scores by set")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="every picture's scores")
    parser.add_argument(
        "--worst", type=Path, metavar="DIR", help="write the worst cases: input | output | target"
    )
    arguments = parser.parse_args(argv)
    if (arguments.model is None) == (arguments.baseline is None):
        parser.error("give --model or --baseline, and not both")
    if ":" in (arguments.model or "") and arguments.weights is None:
        parser.error(f"--model {arguments.model} names a factory: give its state dict with --weights FILE")
    if arguments.size_multiple < 1:
        parser.error(f"--size-multiple {arguments.size_multiple} must be at least 1")
    return arguments


def _find_sets(folders: Sequence[Path], layout: str, align: bool) -> list[EvaluationSet]:
    """The pairs of each folder, named after it; after its parent too where two folders share a name.

    Raises:
        ValueError: no such layout, a folder that holds no pairs, or one that is given twice.
    """
    from restoregan_core.data.pairs import find_pairs

    aligned = align or layout.startswith("realblur")

    resolved = [folder.resolve() for folder in folders]
    sets = []
    for folder in resolved:
        if resolved.count(folder) > 1:
            raise ValueError(f"--data {folder} is given twice")
        is_unique = [other.name for other in resolved].count(folder.name) == 1
        name = folder.name if is_unique else f"{folder.parent.name}/{folder.name}"
        pairs = find_pairs(folder, check=False, layout=layout, split="test")
        sets.append(EvaluationSet(name, tuple(pairs), aligned))
    return sets


def _open(arguments: argparse.Namespace) -> _Opened:
    if arguments.baseline is not None:
        return _open_baseline(arguments.baseline)
    if ":" in arguments.model:
        return _open_foreign(arguments)
    return _open_own(arguments.model, arguments.runtime, arguments.device)


def _open_own(model: str, runtime: str, device: str) -> _Opened:
    from restoregan_core.loading import load_restorer

    restorer = load_restorer(model, runtime, device)
    return _Opened(restorer.name, restorer.describe(), lambda _: (restorer, ""))


def _open_foreign(arguments: argparse.Namespace) -> _Opened:
    from restoregan_core.evaluation.external_model import ForeignRestorer

    sys.path.insert(0, os.getcwd())  # as `python -m` does: the factory may lie where the user stands
    restorer = ForeignRestorer(
        arguments.model,
        arguments.weights,
        value_range=arguments.value_range,
        size_multiple=arguments.size_multiple,
        device=arguments.device,
    )
    return _Opened(restorer.name, "torch, eager", lambda _: (restorer, ""))


def _open_baseline(name: str) -> _Opened:
    def best(evaluation_set: EvaluationSet) -> tuple[Restore, str]:
        chosen = baselines.best_for_set(name, evaluation_set)
        return chosen, chosen.setting

    return _Opened(name, "classical", best)


def _open_lpips() -> tuple[list[Scorer], dict[str, str]]:
    from restoregan_core.metrics.lpips_distance import LpipsDistance, LpipsUnavailableError

    try:
        return [LpipsDistance()], {}
    except LpipsUnavailableError as error:
        return [], {"lpips": str(error)}


def _measure_all(
    sets: Sequence[EvaluationSet], opened: Sequence[_Opened], extra: Sequence[Scorer], worst: Path | None
) -> tuple[list[SetScores], list[str]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from restoregan_core.evaluation.results import write_worst
    from restoregan_core.metrics.realblur import aligned_scores

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    all_scores, settings = [], []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        checking = progress.add_task("checking", total=sum(len(s.pairs) for s in sets))
        for evaluation_set in sets:
            check_set(evaluation_set, lambda: progress.advance(checking))
        progress.remove_task(checking)
        for evaluation_set in sets:
            task = progress.add_task(evaluation_set.name, total=len(evaluation_set.pairs))
            chosen = [o.for_set(evaluation_set) for o in opened]
            scorers = [*extra, aligned_scores] if evaluation_set.aligned else extra
            restorers = [restore for restore, _ in chosen]
            scores = measure(
                evaluation_set,
                restorers,
                scorers,
                lambda task=task: progress.advance(task),  # type: ignore[misc]
            )
            all_scores.append(scores)
            settings.append(chosen[0][1])
            if worst is not None:
                write_worst(worst, evaluation_set, scores, restorers[0])
    return all_scores, settings
