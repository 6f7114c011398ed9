# SPDX-License-Identifier: Apache-2.0
"""``restoregan replay``: a rosbag in; a restored bag, one row a frame and a report out."""

import argparse
import sys
from pathlib import Path
from typing import Any

from restoregan_core.commands.common import RequirementNotMetError, add_assessor_option, make_parser

EXAMPLE = (
    "restoregan replay drive_0042 --output out/drive_0042 --preset balanced --detector yolox_nano.onnx\n"
    "  restoregan replay drive.mcap --output out/drive --camera /front/image_raw --start 10 --end 40\n"
    "  restoregan replay clean_drive --output out/degraded --degrade rain:0.7 --require rules.yaml"
)


def add_replay_arguments(parser: argparse._ActionsContainer) -> None:
    """What ``replay`` and ``replay-many`` share."""
    parser.add_argument(
        "--camera", action="append", default=[], metavar="TOPIC", help="only this one (repeatable)"
    )
    parser.add_argument("--model", default="lite", metavar="NAME|FILE", help="network (default lite)")
    parser.add_argument("--runtime", default="auto", help="auto, openvino, tensorrt or torch")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add_assessor_option(parser)
    parser.add_argument("--preset", default="balanced", help="cautious, balanced (default), always or off")
    parser.add_argument("--image-format", default="jpeg", choices=("jpeg", "png", "raw"), help="default jpeg")
    parser.add_argument("--jpeg-quality", type=int, default=92, metavar="Q", help="1 to 100 (default 92)")
    parser.add_argument("--with-source", action="store_true", help="copy the source's topics as well")
    parser.add_argument("--detector", type=Path, metavar="FILE.onnx", help="YOLOX detector, before and after")
    parser.add_argument("--truth", metavar="TOPIC", help="topic of clean pictures with the same stamps")
    parser.add_argument(
        "--degrade",
        metavar="KIND[:S]",
        help="degrade the (clean) bag: blur, rain, blur_rain, drops; S 0 to 1",
    )
    parser.add_argument("--deadline-ms", type=float, default=100.0, metavar="MS", help="default 100")
    parser.add_argument("--checkpoint-frames", type=int, default=100, metavar="N", help="default 100")
    parser.add_argument(
        "--clips", type=int, default=3, metavar="N", help="worst segments as bags (default 3)"
    )
    parser.add_argument("--overwrite", action="store_true", help="start over where DIR holds a replay")


def main(argv: list[str]) -> int:
    """Run one replay; 0, or 1 where the disk filled up, 3 where a rule does not hold."""
    parser = make_parser("replay", "Run a recorded drive through the node's pipeline and judge it.", EXAMPLE)
    parser.add_argument("bag", type=Path, help="rosbag2 folder, .mcap, .db3 or ROS 1 .bag")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="continued if it was broken off"
    )
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="second of the bag to start at")
    parser.add_argument("--end", type=float, metavar="S", help="second of the bag to end at")
    parser.add_argument("--warm-up", type=float, default=0.0, metavar="S", help="before --start, judged only")
    add_replay_arguments(parser)
    parser.add_argument(
        "--detections", nargs=2, metavar=("BEFORE", "AFTER"),
        help="topics of vision_msgs/Detection2DArray in the bag, of your own detector",
    )  # fmt: skip
    parser.add_argument(
        "--taken-up-in",
        type=Path,
        metavar="BAG",
        help="only the frames whose reports this bag of a live run holds",
    )
    parser.add_argument(
        "--require", type=Path, metavar="RULES.yaml", help="conditions; exit 3 if one is broken"
    )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="where the conditions go (default DIR/junit.xml)"
    )
    parser.add_argument("--no-html", action="store_true", help="leave out report.html")
    given = parser.parse_args(argv)

    from restoregan_core.replay.rules import read_rules

    rules = read_rules(given.require) if given.require else []  # before hours of work
    report = run(given)
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


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Replay, sum up and render, as the options say; returns the report."""
    from restoregan_core.replay.replay import replay
    from restoregan_core.replay.state import ReplayFolder
    from restoregan_core.replay.summary import summarise_replay

    options = options_of(given)
    folder = ReplayFolder(given.output)
    detector = load_detector(given.detector)
    with progress_bar(given.bag.name) as on_progress:
        state = replay(
            given.bag, folder, load_offline_pipeline(given), options, detector, given.overwrite, on_progress
        )
    report = summarise_replay(folder, state, given.deadline_ms, given.clips, model_card(given.model))
    if not getattr(given, "no_html", False):
        from restoregan_core.replay.page import write_replay_report

        write_replay_report(folder, report)
    return report


def options_of(given: argparse.Namespace) -> Any:
    """``ReplayOptions`` of the command line."""
    from restoregan_core.data.known_degradation import Spoiling
    from restoregan_core.replay.live_run import recorded_detections, stamps_taken_up
    from restoregan_core.replay.messages import OutputFormat
    from restoregan_core.replay.replay import ReplayOptions

    taken_up = getattr(given, "taken_up_in", None)
    topics = getattr(given, "detections", None)
    return ReplayOptions(
        cameras=tuple(given.camera),
        start_s=given.start,
        end_s=given.end,
        form=OutputFormat(
            image_format=given.image_format, jpeg_quality=given.jpeg_quality, with_source=given.with_source
        ),
        truth_topic=given.truth,
        spoiling=Spoiling.parse(given.degrade) if given.degrade else None,
        only_stamps_ns=stamps_taken_up(taken_up) if taken_up else None,
        detections=recorded_detections(given.bag, topics[0], topics[1]) if topics else None,
        checkpoint_frames=given.checkpoint_frames,
        warm_up_s=given.warm_up,
    )


def load_detector(file: Path | None) -> Any:
    """The detector down to the score from which an object counts as seen."""
    if file is None:
        return None
    from restoregan_core.detection.detector import Detector, DetectorOptions
    from restoregan_core.detection.object_changes import SEEN_SCORE

    return Detector(file, DetectorOptions(min_score=SEEN_SCORE))


def model_card(model: str) -> dict[str, str]:
    """What the weights say about themselves, the network's shape left out."""
    from safetensors import safe_open

    from restoregan_core.zoo import weights_path

    with safe_open(weights_path(model), framework="np") as file:
        return {key: text for key, text in (file.metadata() or {}).items() if key != "config"}


def load_offline_pipeline(given: argparse.Namespace) -> Any:
    """The node's pipeline, as ``load_pipeline`` makes it."""
    from restoregan_core import load_pipeline

    return load_pipeline(
        given.model,
        preset=given.preset,
        runtime=given.runtime,
        device=given.device,
        assessor=given.assessor,
        circuit_breaker=False,
    )


class progress_bar:  # noqa: N801 - used as a function
    """A bar with the time left on stderr: ``with progress_bar(name) as on_progress: on_progress(3, 10)``."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True),
        )  # fmt: skip
        self._task = self._progress.add_task(name, total=None)

    def __enter__(self) -> Any:
        self._progress.start()
        return lambda done, total: self._progress.update(self._task, completed=done, total=max(done, total))

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _require(rules: list[Any], report: dict[str, Any], given: argparse.Namespace) -> None:
    from restoregan_core.replay.rules import check_rules, write_junit

    outcomes = check_rules(rules, report)
    write_junit(outcomes, given.bag.stem, given.junit or given.output / "junit.xml")
    broken = [f"{o.rule.name} ({o.detail})" for o in outcomes if not o.holds]
    if broken:
        raise RequirementNotMetError("; ".join(broken))
