# SPDX-License-Identifier: Apache-2.0
"""The demo: a driving clip through the real node over DDS, in real time, and a report of what it did.

    python -m restoregan_ros.demo [--video FILE|FOLDER | --bag BAG [--camera TOPIC]] [--degrade blur,rain]

Without a clip of yours it drives down a built-in street whose ground truth is known. Player, node and recorder are
three processes, in a ROS domain of their own that no packet of leaves the machine.
"""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from restoregan_core.demo import bag as demo_bag
from restoregan_core.demo import clip as demo_clip
from restoregan_core.environment import installed_versions, processor_name
from restoregan_core.files import remove
from restoregan_core.restoration.gate import PRESETS
from restoregan_ros.demo_processes import ProcessFailedError, process, ros_environment

if TYPE_CHECKING:
    from restoregan_core.demo.results import Results

DEADLINE_MS = 500.0
"""The demo may share two slow cores with its own player and recorder; a vehicle wants the default."""
RECORDER_IDLE_S = 3.0
SETTLE_S = 2.0
"""For player, node and recorder to know each other, who may be slow at it: what is sent before is lost."""
MOST_LATE = 0.2
"""Share of frames that come too late for the network from which on the demo says how to change that."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What to show."""

    output: Path
    video: Path | None = None
    """A video file, or a folder of images."""
    bag: Path | None = None
    camera: str = ""
    degradations: tuple[str, ...] = ()
    model: str = "lite"
    preset: str = "balanced"
    """Not the default one: what becomes of blur is to be seen, too."""
    seconds: float = 0.0
    """At most so much of the clip; 0: 20 s of the street, 30 s of a clip of your own."""
    rate: float = 1.0
    """Speed at which the clip is played."""

    def __post_init__(self) -> None:
        if self.video is not None and self.bag is not None:
            raise ValueError("give either --video or --bag")
        if self.camera and self.bag is None:
            raise ValueError("--camera names a topic of a bag: give --bag, too")
        if not 0.01 <= self.rate <= 100:
            raise ValueError(f"--rate is {self.rate:g}; it must be from 0.01 to 100")
        if self.degradations and self.video is None and self.bag is None:
            raise ValueError(
                "--degrade needs a clip of yours: give --video or --bag; the built-in one is degraded already"
            )
        for path in (self.video, self.bag):
            if path is None:
                continue
            if not path.exists():
                raise ValueError(f"no such file or folder: {path}")
            if path.resolve().is_relative_to(self.output.resolve()):
                raise ValueError(
                    f"{path} lies in {self.output}, where each demo takes the place of the one before: "
                    "move it elsewhere, or give another --output"
                )


@dataclass(frozen=True)
class Playable:
    """A bag that is ready to be played."""

    name: str
    bag: Path
    image_topic: str
    info_topic: str | None
    ground_truth_topic: str | None
    is_compressed: bool
    height: int
    width: int
    seconds: float
    conditions: dict[int, str] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 when the report was written, 2 for invalid input, 1 when a process failed."""
    console = Console()
    try:
        options = parse_arguments(sys.argv[1:] if argv is None else argv)
        report = run(options, console)
    except (ValueError, FileNotFoundError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except ProcessFailedError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    console.print(f"[bold]Report:[/] {report} (and report.json); open it in a browser")
    return 0


def run(options: DemoOptions, console: Console) -> Path:
    """Make or find the clip, play it through the node, measure, and write the report; returns its path."""
    from restoregan_core.demo.page import make_report, write_side_by_side
    from restoregan_core.demo.results import Recording, collect
    from restoregan_core.report.report import write_html, write_json
    from restoregan_core.zoo import load_generator

    # A wrong name, and a clip that cannot be, are told before the last demo's files go.
    load_generator(options.model)
    chosen = choose(options)
    options.output.mkdir(parents=True, exist_ok=True)
    source, recorded = options.output / "source", options.output / "recorded"
    for folder in (source, recorded, options.output / "logs"):
        remove(folder)
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        playable = chosen if isinstance(chosen, Playable) else write(chosen, source, progress)
        play(options, playable, recorded, progress)
        recording = Recording(
            source=playable.bag,
            image_topic=playable.image_topic,
            ground_truth_topic=playable.ground_truth_topic,
            recorded=recorded,
            conditions=playable.conditions,
        )
        task = progress.add_task("measuring", total=len(playable.conditions) or None)
        results = collect(recording, lambda: progress.advance(task))
        progress.update(task, total=results.frames_sent, completed=results.frames_sent)
        settings = {
            "clip": playable.name,
            "model": results.model,
            "preset": options.preset,
            "deadline": f"{DEADLINE_MS / options.rate:g} ms",
            "speed": f"{options.rate:g}",
            "image transport": "compressed" if playable.is_compressed else "raw",
        }
        report = make_report(results, f"restoregan: {playable.name}", settings, environment())
        write_json(report, options.output / "report.json")
        write_html(report, options.output / "report.html")
        write_side_by_side(report, options.output / "image.jpg")
    for card in report.cards:
        console.print(f"  {card.label:<24}[bold]{card.value}[/]  {card.note}", soft_wrap=True)
    if remedy := remedy_for_late_frames(results, options.rate):
        console.print(remedy, soft_wrap=True)
    return options.output / "report.html"


def remedy_for_late_frames(results: "Results", rate: float) -> str:
    """What to do where many frames came too late for the network; empty where few did."""
    missed = sum(row.reason == "deadline" for row in results.rows)
    if results.frames_superseded + missed <= MOST_LATE * results.frames_sent:
        return ""
    return (
        f"This machine was too busy, or is too slow: of {results.frames_sent} frames {results.frames_superseded} were"
        f" superseded while the node was at work, and {missed} missed the deadline. End other programs, or play slower:"
        f" --rate {rate / 2:g} (make demo RATE={rate / 2:g})"
    )


def choose(options: DemoOptions) -> demo_clip.Clip | Playable:
    """What to play: the user's own bag as it is, or a clip that must be written into a bag first.

    Raises:
        ValueError: a bag, video or folder without a frame to play (BagError is one).
    """
    at_most_s = options.seconds or 30.0
    if options.bag is not None:
        return _choose_bag(options, options.bag, at_most_s)
    if options.video is None:
        return demo_clip.street_clip(options.seconds or demo_clip.STREET_SECONDS)
    if options.video.is_dir():
        return demo_clip.folder_clip(options.video, options.degradations, max_seconds=at_most_s)
    return demo_clip.video_clip(options.video, options.degradations, at_most_s)


def _choose_bag(options: DemoOptions, path: Path, at_most_s: float) -> demo_clip.Clip | Playable:
    from restoregan_core.bags.frames import FrameReader
    from restoregan_core.bags.messages import IMAGE_TYPE
    from restoregan_core.bags.reader import open_bag

    with open_bag(path) as bag:
        reader = FrameReader(bag, [options.camera] if options.camera else [])
        camera = max(reader.cameras, key=lambda camera: camera.count)
        first = next(FrameReader(bag, [camera.topic]).frames(), None)
        if first is None:
            raise ValueError(f"{path} does not hold a frame of {camera.topic}")
        seconds = (bag.end_ns - bag.start_ns) / 1e9
        if not options.degradations and camera.msgtype.endswith(("/Image", "/CompressedImage")):
            height, width = first.decode().shape[:2]
            return Playable(
                f"{path.name} {camera.topic}", path, camera.topic, camera.info_topic, None,
                camera.msgtype != IMAGE_TYPE, height, width, min(seconds, at_most_s),
            )  # fmt: skip
    count = round(camera.count * min(1.0, at_most_s / max(seconds, 1e-9)))
    timed = _timed_images(path, camera.topic, at_most_s)
    return demo_clip.given_clip(path.name, count, timed, options.degradations)


def _timed_images(path: Path, topic: str, at_most_s: float) -> Iterator[demo_clip.TimedImage]:
    """A camera's images by their stamps, from its first one on."""
    from restoregan_core.bags.frames import FrameReader
    from restoregan_core.bags.reader import open_bag

    start_ns: int | None = None
    with open_bag(path) as bag:
        for frame in FrameReader(bag, [topic]).frames():
            start_ns = frame.stamp_ns if start_ns is None else start_ns
            age_s = (frame.stamp_ns - start_ns) / 1e9
            if 0 <= age_s < at_most_s:
                yield age_s, frame.decode()


def write(clip: demo_clip.Clip, folder: Path, progress: Progress) -> Playable:
    """Write a clip into a bag."""
    from restoregan_core.bags.frames import FrameReader
    from restoregan_core.bags.reader import open_bag

    task = progress.add_task("making the clip", total=clip.count)
    conditions = demo_bag.write_clip(clip, folder, lambda: progress.advance(task))
    progress.update(task, total=len(conditions))
    with open_bag(folder) as bag:
        has_truth = demo_bag.TRUTH_TOPIC in bag.topics
        first = next(FrameReader(bag, [demo_bag.IMAGE_TOPIC]).frames())
    height, width = first.decode().shape[:2]
    return Playable(
        clip.name, folder, demo_bag.IMAGE_TOPIC, demo_bag.INFO_TOPIC,
        demo_bag.TRUTH_TOPIC if has_truth else None, False, height, width,
        (max(conditions) - min(conditions)) / 1e9, conditions,
    )  # fmt: skip


def play(options: DemoOptions, playable: Playable, recorded: Path, progress: Progress) -> None:
    """Recorder, node and player, until the recorder has heard nothing for a while.

    Raises:
        ProcessFailedError: one of them ended when it should not have.
    """
    suffix = "/compressed" if playable.is_compressed else ""
    topics = [playable.image_topic, *([playable.info_topic] if playable.info_topic else [])]
    remaps = ["-r", f"{playable.image_topic}:=/camera/image_raw{suffix}"]
    if playable.info_topic:
        remaps += ["-r", f"{playable.info_topic}:=/camera/camera_info"]
    parameters = {
        "autostart": "true",
        "use_sim_time": "true",
        "model": options.model,
        "preset": options.preset,
        "deadline_ms": str(DEADLINE_MS / options.rate),
        "hang_timeout_s": str(max(60.0, DEADLINE_MS / options.rate / 1e3)),
        "image_transport": "compressed" if playable.is_compressed else "raw",
        "warm_up_sizes": f"['{playable.height}x{playable.width}']",
    }
    given = [text for name, value in parameters.items() for text in ("-p", f"{name}:={value}")]
    logs = options.output / "logs"
    logs.mkdir(exist_ok=True)
    recorder_arguments = [
        "-m", "restoregan_ros.bag_recorder", str(recorded),
        "--idle-timeout", str(RECORDER_IDLE_S / min(1.0, options.rate)),
        "--topics", *(f"/camera/restored/{name}" for name in ("image_raw", "camera_info", "report")),
    ]  # fmt: skip
    player_arguments = [
        "-m", "restoregan_ros.bag_player", str(playable.bag), "--clock", "--wait", "300",
        "--await-topics", "/camera/restored/report", "--settle", str(SETTLE_S),
        "--rate", str(options.rate), "--end", str(playable.seconds + 0.001), "--topics", *topics, "--ros-args", *remaps,
    ]  # fmt: skip
    with (
        ros_environment(options.output) as env,
        process("recorder", logs, env, recorder_arguments) as recorder,
        process("node", logs, env, ["-m", "restoregan_ros.restore_node", "--ros-args", *given]) as node,
    ):
        waiting = progress.add_task("starting the node", total=None)
        playing = progress.add_task("playing through DDS (s)", total=round(playable.seconds), start=False)
        # The player comes last: on a busy machine it would be through before the others were ready to listen.
        while not ("recording /camera/restored/report" in recorder.log() and "active" in node.log()):
            node.check_is_running()
            recorder.check_is_running()
            time.sleep(0.2)
        progress.update(waiting, total=1, completed=1)
        with process("player", logs, env, player_arguments) as player:
            progress.start_task(playing)
            started = time.monotonic()
            while not player.has_ended() or not recorder.has_ended():
                node.check_is_running()
                player.check_is_well()
                recorder.check_is_well()
                elapsed = int((time.monotonic() - started) * options.rate)
                progress.update(playing, completed=min(elapsed, round(playable.seconds)))
                time.sleep(0.2)


def environment() -> dict[str, str]:
    """What a reader of the figures must know of this machine."""
    versions = installed_versions(("torch", "openvino", "numpy", "opencv-python-headless", "ros-rclpy"))
    return {
        "processor": f"{processor_name()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "python": platform.python_version(),
        "ros": os.environ.get("ROS_DISTRO", "wheels"),
        **{name: version for name, version in versions.items() if version is not None},
    }


def parse_arguments(argv: Sequence[str]) -> DemoOptions:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Play a driving clip through the node and write a report.",
        epilog="example:\n  make demo VIDEO=drive.mp4 DEGRADE=blur,rain",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--video", type=Path, metavar="F", help="a video, or a folder of images (played at 10 Hz)"
    )
    parser.add_argument("--bag", type=Path, metavar="F", help="a rosbag2")
    parser.add_argument(
        "--camera", default="", metavar="T", help="its image topic; default: the one with most frames"
    )
    parser.add_argument(
        "--degrade", default="", metavar="LIST", help="degrade a clean clip: blur, rain or blur,rain"
    )
    parser.add_argument("--output", type=Path, default=Path("out/demo"), metavar="DIR")
    parser.add_argument(
        "--model", default="lite", help="a network's name or .safetensors file (default lite)"
    )
    parser.add_argument("--preset", default="balanced", choices=tuple(PRESETS))
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="at most so much of the clip")
    parser.add_argument(
        "--rate", type=float, default=1.0, metavar="R", help="speed; below 1 for a slow or busy machine"
    )
    given = parser.parse_args(argv)
    return DemoOptions(
        output=given.output, video=given.video, bag=given.bag, camera=given.camera,
        degradations=demo_clip.parse_degradations(given.degrade), model=given.model, preset=given.preset,
        seconds=given.seconds, rate=given.rate,
    )  # fmt: skip


if __name__ == "__main__":
    # So that its processes end, too. A job in the background starts with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
