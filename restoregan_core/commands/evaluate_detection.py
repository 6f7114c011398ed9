# SPDX-License-Identifier: Apache-2.0
"""``restoregan evaluate-detection``: what does restoration do to a detector?"""

import argparse
from pathlib import Path
from typing import Any

from restoregan_core.commands.common import (
    add_assessor_option,
    add_model_option,
    add_preset_option,
    add_runtime_options,
    input_path,
    make_parser,
    output_file,
    progress_bars,
)
from restoregan_core.images.rgb import RgbImage


def main(argv: list[str]) -> int:
    arguments = _parse(argv)

    from restoregan_core.detection import evaluation
    from restoregan_core.detection.detector import Detector, DetectorOptions
    from restoregan_core.detection.kitti import find_frames
    from restoregan_core.detection.page import write_page
    from restoregan_core.evaluation.results import write_json
    from restoregan_core.loading import load_pipeline

    frames = find_frames(arguments.data)[: arguments.frames]
    # Average precision wants the detector's doubtful findings too.
    detector = Detector(
        arguments.detector, DetectorOptions(min_score=0.05, classes=None), 2, arguments.family
    )
    pipeline = load_pipeline(
        arguments.model, arguments.gate, arguments.runtime, arguments.device,
        assessor=arguments.assessor, threads=arguments.threads, precision=arguments.precision,
    )  # fmt: skip

    def gate(rgb_HWC: RgbImage) -> RgbImage:
        pipeline.reset()
        return pipeline.process(rgb_HWC).image

    plan = evaluation.conditions(arguments.severities, arguments.kinds)
    results = []
    with progress_bars() as progress:
        task = progress.add_task("detecting", total=len(frames) * (1 + (len(plan) - 1) * arguments.draws))
        for condition in plan:
            progress.update(task, description=str(condition))
            results.append(
                evaluation.evaluate_condition(
                    condition,
                    frames,
                    detector,
                    pipeline.restorer,
                    gate,
                    lambda: progress.advance(task),
                    arguments.draws,
                )
            )
    content: dict[str, Any] = {
        "model": pipeline.model,
        "preset": arguments.gate,
        "detector": detector.name,
        "frames": len(frames),
        "draws": arguments.draws,
        "conditions": [evaluation.summarise(result) for result in results],
    }
    _print_table(content)
    if arguments.json is not None:
        write_json(arguments.json, content)
    if arguments.html is not None:
        write_page(arguments.html, content, [event for result in results for event in result.events])
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    from restoregan_core.detection.evaluation import KINDS, SEVERITIES

    parser = make_parser(
        "evaluate-detection",
        "What restoration does to a detector: labelled frames clean, blurred, rainy and both, as they are,\n"
        "restored, and gated as on a vehicle. Average precision at an overlap of 0.5, objects from 25 px\n"
        "height on, 95 % intervals from resampled frames; objects lost, gained and invented.",
        "restoregan evaluate-detection --model lite --data kitti --detector yolox_nano.onnx --json out.json",
    )
    add_model_option(parser)
    parser.add_argument(
        "--data", type=input_path, required=True, metavar="DIR", help="holds images/ and KITTI labels/"
    )
    parser.add_argument(
        "--detector", type=Path, required=True, metavar="FILE.onnx", help="of one of the families"
    )
    parser.add_argument(
        "--family",
        choices=("yolox", "picodet", "ssd"),
        help="what the detector's file takes and returns (default: the one that it fits)",
    )
    add_preset_option(parser, "--gate")
    parser.add_argument(
        "--severities",
        type=_severity,
        nargs="+",
        default=list(SEVERITIES),
        metavar="S",
        help="from 0 to 1 (default: 0.1 0.4 0.7 1.0)",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=KINDS,
        default=list(KINDS),
        help="kinds of degradation, beside the clean frames (default: all)",
    )
    parser.add_argument("--frames", type=int, metavar="N", help="the first N frames only")
    parser.add_argument(
        "--draws",
        type=int,
        default=1,
        metavar="N",
        help="degrade each frame N times, differently each time: narrower intervals from the same labels",
    )
    add_assessor_option(parser)
    add_runtime_options(parser)
    parser.add_argument("--json", type=output_file, metavar="FILE")
    parser.add_argument(
        "--html", type=output_file, metavar="FILE", help="a page with the crop of every changed object"
    )
    arguments = parser.parse_args(argv)
    if arguments.frames is not None and arguments.frames < 1:
        parser.error(f"--frames {arguments.frames} must be at least 1")
    if arguments.draws < 1:
        parser.error(f"--draws {arguments.draws} must be at least 1")
    return arguments


def _severity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid severity; give numbers from 0 to 1")
    return value


def _print_table(content: dict[str, Any]) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    table = Table(title="Average precision of cars in percent; lost / gained / invented objects")
    for column in (
        "condition",
        "degraded",
        "restored",
        "difference",
        "gated",
        "difference",
        "objects",
        "gated",
    ):
        table.add_column(column, justify="left" if column == "condition" else "right")
    for condition in content["conditions"]:
        if "car" not in condition["views"]["degraded"]:
            continue
        name = (
            condition["kind"]
            if condition["kind"] == "clean"
            else f"{condition['kind']} {condition['severity']:g}"
        )
        cells = [f"{100 * condition['views']['degraded']['car']['average_precision']['mean']:.1f}"]
        counts = []
        for view in ("restored", "gated"):
            entry = condition["views"][view]["car"]
            mean, low, high = (100 * entry["difference"][key] for key in ("mean", "low", "high"))
            cells += [
                f"{100 * entry['average_precision']['mean']:.1f}",
                f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]",
            ]
            counts.append(
                " / ".join(str(sum(entry[what].values())) for what in ("lost", "gained", "invented"))
            )
        table.add_row(name, *cells, *counts)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(table)
