# SPDX-License-Identifier: Apache-2.0
"""``restoregan evaluate``: how much better does a network make images, by every protocol of the field?"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoregan_core.commands.common import (
    add_runtime_options,
    input_path,
    make_parser,
    output_file,
    output_folder,
    progress_bars,
)
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.evaluation import baselines
from restoregan_core.evaluation.clips import VideoSet, find_clips
from restoregan_core.evaluation.measure import EvaluationSet, Restore, SetScores, check_set, measure
from restoregan_core.evaluation.video import VideoScores, measure_video
from restoregan_core.metrics.protocols import Scorer


@dataclass(frozen=True)
class _Opened:
    """What is evaluated: a restorer for each set (a baseline's setting is chosen set by set)."""

    name: str
    runtime: str
    for_set: Callable[[EvaluationSet], tuple[Restore, str]]


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    sets, videos = _find(arguments)
    if arguments.csv is not None and any(not video_set.has_truth for video_set in videos):
        raise ValueError("--csv has scores against ground truth: leave it out where there is no target/")
    opened = [_open(arguments)]
    if arguments.against is not None:
        opened.append(_open_own(arguments.against, arguments))
    extra, notes = _open_lpips()
    content: dict[str, Any] = {"model": opened[0].name, "runtime": opened[0].runtime}
    if arguments.video:
        video_scores, settings = _measure_videos(videos, opened, extra)
        content["sets"] = _report_videos(video_scores, settings, opened)
        all_scores = [scores.scores for scores in video_scores if scores.scores is not None]
    else:
        all_scores, settings = _measure_all(sets, opened, extra, arguments.worst)
        content["sets"] = _report_images(all_scores, settings, opened)

    from restoregan_core.evaluation import results

    if len(opened) > 1:
        content["against"] = opened[1].name
    if notes:
        content["not_measured"] = notes
    for metric, why in notes.items():
        print(f"restoregan evaluate: {metric} was not measured: {why}", file=sys.stderr)
    if arguments.json is not None:
        results.write_json(arguments.json, content)
    if arguments.csv is not None:
        results.write_csv(arguments.csv, all_scores)
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = make_parser(
        "evaluate",
        "PSNR and SSIM of a network on folders of pairs (input/ and target/), all protocols side by side:\n"
        "whole images, no gate, outputs rounded to 8 bits. docs/evaluation.md explains the protocols.",
        "restoregan evaluate --model lite --data eval/gopro --data eval/rain100h --json lite.json\n"
        "  restoregan evaluate --video --baseline median --data eval/drive_in_rain",
    )
    _add_subject_options(parser)
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        type=input_path,
        metavar="DIR",
        help="holds input/ and target/; repeatable",
    )
    parser.add_argument(
        "--video",
        action="store_true",
        help="the images of each folder are consecutive frames in the order of their names: restore each with\n"
        "the frames before; also measure streaks that are left, steadiness and ghosts. DIR may lack target/,\n"
        "hold nothing but frames, or be a video file",
    )
    parser.add_argument(
        "--clean",
        action="store_true",
        help="with --video: the frames (those of target/, if there is one) are clean; measure what they lose",
    )
    parser.add_argument(
        "--layout",
        default="folders",
        help="how the sets lie there: folders (input/ and target/), or a published layout, of which the\n"
        "test split is read: gopro, gopro_gamma, realblur_j, realblur_r, rain800, rain1800, rain14000, raindrop,\n"
        "reds, reds_x4, lmdb",
    )
    parser.add_argument(
        "--align",
        action="store_true",
        help="also measure aligned to the reference, as RealBlur's authors do; seconds an image, always\n"
        "on for RealBlur's own layouts",
    )
    add_runtime_options(parser)
    parser.add_argument("--json", type=output_file, metavar="FILE", help="mean scores by set")
    parser.add_argument("--csv", type=output_file, metavar="FILE", help="every image's scores")
    parser.add_argument(
        "--worst", type=output_folder, metavar="DIR", help="write the worst cases: input | output | target"
    )
    arguments = parser.parse_args(argv)
    if arguments.model is not None and arguments.baseline is not None:
        parser.error("give --model or --baseline, not both")
    if arguments.model is None:
        arguments.model = "lite"
    if ":" in arguments.model and arguments.weights is None:
        parser.error(f"--model {arguments.model} names a factory: give its state dict with --weights FILE")
    if arguments.weights is not None and ":" not in arguments.model:
        parser.error(f"--weights are of a --model module:factory; {arguments.model} has its own")
    if arguments.clean and not arguments.video:
        parser.error("--clean is for --video: it measures what a clean video loses")
    for option in ("align", "worst"):
        if arguments.video and getattr(arguments, option):
            parser.error(f"--{option} is for single images: leave out --video or --{option}")
    if arguments.size_multiple < 1:
        parser.error(f"--size-multiple {arguments.size_multiple} must be at least 1")
    return arguments


def _add_subject_options(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("what is evaluated (one of the first two)")
    which.add_argument(
        "--model",
        help="a name of the zoo, a .safetensors file, or module:factory with --weights (default: lite)",
    )
    which.add_argument(
        "--baseline", choices=baselines.NAMES, help="restoration without learning, at its best setting"
    )
    which.add_argument("--weights", type=Path, help="the state dict of a module:factory network")
    which.add_argument(
        "--value-range",
        choices=("signed", "unit"),
        default="signed",
        help="images of a module:factory network lie in [-1, 1] or [0, 1] (default: signed)",
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


def _find(arguments: argparse.Namespace) -> tuple[list[EvaluationSet], list[VideoSet]]:
    """The sets of each folder: of single images, or of clips.

    Raises:
        ValueError: no such layout, a folder that holds nothing to measure, or one that is given twice.
    """
    from restoregan_core.datasets.pairs import find_pairs

    layout: str = arguments.layout
    named = _name_sets(arguments.data)
    if arguments.video:
        clips = [(name, find_clips(source, layout, arguments.clean)) for name, source in named]
        return [], [VideoSet(name, found) for name, found in clips]
    aligned = arguments.align or layout.startswith("realblur")
    try:
        pairs = [
            (name, find_pairs(source, check=False, layout=layout, split="test")) for name, source in named
        ]
    except ValueError as error:
        raise ValueError(f"{error}; --video takes videos, and frames without ground truth") from error
    return [EvaluationSet(name, tuple(found), aligned) for name, found in pairs], []


def _name_sets(sources: Sequence[Path]) -> list[tuple[str, Path]]:
    """Each folder's name; its parent's too where two share a name.

    Raises:
        ValueError: a folder is given twice.
    """
    resolved = [source.resolve() for source in sources]
    names = [source.name for source in resolved]
    for source in resolved:
        if resolved.count(source) > 1:
            raise ValueError(f"--data {source} is given twice")
    return [
        (source.name if names.count(source.name) == 1 else f"{source.parent.name}/{source.name}", source)
        for source in resolved
    ]


def _open(arguments: argparse.Namespace) -> _Opened:
    if arguments.baseline == baselines.TemporalMedian.name and arguments.video:
        return _Opened("median", "classical", lambda _: (baselines.TemporalMedian(), "3 frames"))
    if arguments.baseline is not None:
        return _open_baseline(arguments.baseline)
    if ":" in arguments.model:
        return _open_external(arguments)
    return _open_own(arguments.model, arguments)


def _open_own(model: str, arguments: argparse.Namespace) -> _Opened:
    from restoregan_core.loading import load_restorer

    restorer = load_restorer(
        model,
        arguments.runtime,
        arguments.device,
        threads=arguments.threads,
        precision=arguments.precision,
    )
    return _Opened(restorer.name, restorer.describe(), lambda _: (restorer, ""))


def _open_external(arguments: argparse.Namespace) -> _Opened:
    from restoregan_core.evaluation.external_model import ExternalModel

    sys.path.insert(0, os.getcwd())  # as `python -m` does: the factory may lie where the user stands
    restorer = ExternalModel(
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
    from restoregan_core.evaluation.results import write_worst
    from restoregan_core.metrics.realblur import aligned_scores

    all_scores, settings = [], []
    with progress_bars() as progress:
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


def _measure_videos(
    videos: Sequence[VideoSet], opened: Sequence[_Opened], extra: Sequence[Scorer]
) -> tuple[list[VideoScores], list[str]]:
    all_scores, settings = [], []
    with progress_bars() as progress:
        checking = progress.add_task("checking", total=None)
        counts = [video_set.check(lambda: progress.advance(checking)) for video_set in videos]
        progress.remove_task(checking)
        for video_set, count in zip(videos, counts, strict=True):
            task = progress.add_task(video_set.name, total=count)
            pairs = [
                Pair(*p) for clip in video_set.clips for p in zip(clip.inputs, clip.targets, strict=False)
            ]
            chosen = [o.for_set(EvaluationSet(video_set.name, tuple(pairs))) for o in opened]
            scores = measure_video(
                video_set,
                [restore for restore, _ in chosen],
                extra,
                lambda task=task: progress.advance(task),  # type: ignore[misc]
            )
            all_scores.append(scores)
            settings.append(chosen[0][1])
    return all_scores, settings


def _report_images(
    all_scores: Sequence[SetScores],
    settings: Sequence[str],
    opened: Sequence[_Opened],
) -> dict[str, Any]:
    """Print the table; returns the sets of the JSON."""
    from restoregan_core.evaluation import results

    _console().print(results.make_table(all_scores, [o.name for o in opened]))
    return {s.name: results.as_json(s, setting) for s, setting in zip(all_scores, settings, strict=True)}


def _report_videos(
    all_scores: Sequence[VideoScores],
    settings: Sequence[str],
    opened: Sequence[_Opened],
) -> dict[str, Any]:
    """Print the tables; returns the sets of the JSON."""
    from restoregan_core.evaluation import results, video_results

    names = [o.name for o in opened]
    with_truth = [scores.scores for scores in all_scores if scores.scores is not None]
    if with_truth:
        _console().print(results.make_table(with_truth, names))
    _console().print(video_results.make_table(all_scores, names))
    return {
        s.name: video_results.as_json(s, setting) for s, setting in zip(all_scores, settings, strict=True)
    }


def _console() -> Any:
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)
