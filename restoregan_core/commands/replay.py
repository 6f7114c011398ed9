# SPDX-License-Identifier: Apache-2.0
"""``restoregan replay``: a rosbag in; a restored bag, one row a frame and a report out."""

import argparse
import sys
from pathlib import Path
from typing import Any

from restoregan_core.commands.common import (
    RequirementNotMetError,
    add_assessor_option,
    add_model_option,
    add_preset_option,
    add_runtime_options,
    input_path,
    make_parser,
    output_folder,
    progress,
)

EXAMPLE = (
    "restoregan replay drive_0042 --output out/drive_0042 --preset rain --detector yolox_nano.onnx\n"
    "  restoregan replay drive.mcap --output out/drive --camera /front/image_raw --start 10 --end 40\n"
    "  restoregan replay clean_drive --output out/degraded --degrade rain:0.7 --require rules.yaml"
)


def add_replay_arguments(parser: argparse._ActionsContainer) -> None:
    """What ``replay`` and ``replay-many`` share."""
    parser.add_argument(
        "--camera", action="append", default=[], metavar="TOPIC", help="replay this camera alone (repeatable)"
    )
    add_model_option(parser)
    add_runtime_options(parser, "half of the cores, for the other steps run beside the network")
    add_assessor_option(parser)
    add_preset_option(parser)
    parser.add_argument(
        "--image-format",
        default="jpeg",
        choices=("jpeg", "png", "raw"),
        help="of the restored images (default: jpeg)",
    )
    parser.add_argument("--jpeg-quality", type=int, default=92, metavar="Q", help="1 to 100 (default: 92)")
    parser.add_argument("--with-source", action="store_true", help="copy the source's topics as well")
    parser.add_argument(
        "--detector", metavar="FILE.onnx", help="YOLOX detector, run on frames before and after"
    )
    parser.add_argument(
        "--truth", metavar="TOPIC", help="ground truth: topic of clean images with the same stamps"
    )
    parser.add_argument(
        "--degrade",
        metavar="KIND[:S]",
        help="degrade the (clean) bag: blur, rain, blur_rain, drops; S 0 to 1",
    )
    parser.add_argument(
        "--deadline-ms",
        type=float,
        default=100.0,
        metavar="MS",
        help="deadline of the node, for the latency as if live (default: 100)",
    )
    parser.add_argument(
        "--checkpoint-frames",
        type=int,
        default=100,
        metavar="N",
        help="frames between two checkpoints (default: 100)",
    )
    parser.add_argument(
        "--clips",
        type=int,
        default=3,
        metavar="N",
        help="worst segments to keep as bags of their own (default: 3)",
    )
    parser.add_argument("--overwrite", action="store_true", help="start over where DIR holds a replay")


def main(argv: list[str]) -> int:
    """Run one replay; 0, or 1 where the disk filled up, 3 where a rule does not hold."""
    parser = make_parser("replay", "Run a recorded drive through the node's pipeline and judge it.", EXAMPLE)
    parser.add_argument("bag", type=input_path, help="rosbag2 folder, .mcap, .db3 or ROS 1 .bag")
    parser.add_argument(
        "--output",
        type=output_folder,
        required=True,
        metavar="DIR",
        help="output folder; an interrupted replay in it is continued",
    )
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="second of the bag to start at")
    parser.add_argument("--end", type=float, metavar="S", help="second of the bag to end at")
    parser.add_argument(
        "--warm-up",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds before --start that are judged but not published",
    )
    add_replay_arguments(parser)
    parser.add_argument(
        "--detections", nargs=2, metavar=("BEFORE", "AFTER"),
        help="topics of vision_msgs/Detection2DArray in the bag, of your own detector",
    )  # fmt: skip
    parser.add_argument(
        "--accepted-in",
        metavar="BAG",
        help="replay only the frames that a live run, recorded in this bag, has reported on",
    )
    parser.add_argument(
        "--require",
        type=Path,
        metavar="RULES.yaml",
        help="rules for the figures; exit code 3 if one is broken",
    )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="outcome of the rules as JUnit (default: DIR/junit.xml)"
    )
    parser.add_argument("--no-html", action="store_true", help="leave out report.html")
    given = parser.parse_args(argv)

    from restoregan_core.replay.request import ReplayRequest
    from restoregan_core.replay.run import run
    from restoregan_core.report.rules import read_rules

    rules = read_rules(given.require) if given.require else []  # before hours of work
    request = ReplayRequest(
        bag=str(given.bag),
        output=str(given.output),
        start_s=given.start,
        end_s=given.end,
        warm_up_s=given.warm_up,
        detections=tuple(given.detections) if given.detections else None,
        accepted_in=given.accepted_in,
        html=not given.no_html,
        **shared_values(given),
    )
    with progress(given.bag.name) as on_progress:
        report = run(request, on_progress)
    for mark, line in report["verdict"]["findings"]:
        print(f"{ {'good': '+', 'bad': '-', 'neutral': ' '}[mark] } {line}")
    page = "report.json" if given.no_html else "report.html"
    print(f"verdict: {report['verdict']['headline']}; {given.output / page}")
    if rules:
        _require(rules, report, given)
    if report["replay"]["stopped"]:
        print(f"restoregan replay: {report['replay']['stopped']}; run it again to go on", file=sys.stderr)
        return 1
    return 0


def shared_values(given: argparse.Namespace) -> dict[str, Any]:
    """Values of a ``ReplayRequest`` from what ``add_replay_arguments`` made."""
    names = (
        "model", "runtime", "device", "precision", "threads", "assessor", "preset", "image_format", "jpeg_quality",
        "with_source", "detector", "truth", "degrade", "deadline_ms", "checkpoint_frames", "clips", "overwrite",
    )  # fmt: skip
    return {name: getattr(given, name) for name in names} | {"cameras": tuple(given.camera)}


def _require(rules: list[Any], report: dict[str, Any], given: argparse.Namespace) -> None:
    from restoregan_core.report.rules import check_rules, write_junit

    outcomes = check_rules(rules, report)
    write_junit(outcomes, given.bag.stem, given.junit or given.output / "junit.xml")
    broken = [f"{o.rule.name} ({o.detail})" for o in outcomes if not o.holds]
    if broken:
        raise RequirementNotMetError("; ".join(broken))
