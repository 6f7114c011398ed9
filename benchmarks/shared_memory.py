# SPDX-License-Identifier: Apache-2.0
"""How much shared memory do images need? Segments of several sizes side by side, and the images that get lost.

    python benchmarks/shared_memory.py --output docs/benchmarks/shared_memory.md

Each size stands in a copy of config/fastdds_large_images.xml that all processes of a turn get. First a subscriber is
stopped while frames are sent: which of them it still gets, alone and beside another one that runs. Then six cameras,
each with a driver of its own, publish in step, with restore_node behind them (``enabled:=false``), and four subscribers
count: of the drivers and of the node, best effort (depth 5) and reliable (depth 10). The sizes take turns, so that all
meet the same load.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ros_bench import ROOT, dds_segments, end, leave, set_environment

from restoregan_core.environment import processor_name
from restoregan_ros.fastdds_profile import VARIABLES

PROFILE = (ROOT / "config" / "fastdds_large_images.xml").read_text()
CAMERAS = [f"camera_{number}" for number in range(6)]
SIZES = {"1920x1080": (1080, 1920), "1280x720": (720, 1280)}
BURSTS = (("1920x1080", 5), ("1920x1080", 6), ("1280x720", 11), ("1280x720", 14))
WARM_UP_FRAMES = 3
TRIES, LONGEST_STOP_S = 10, 0.4
STAGES, COUNTED = ("drivers", "node"), ("best effort", "reliable")


class Talker:
    """A process of ``shared_memory_roles.py``."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "shared_memory_roles.py"), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, document: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(document) + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def frames(self) -> dict[str, list[int]]:
        """Of a subscriber: topic -> the numbers that came."""
        self.say("which?")
        return json.loads(self.hear())

    def close(self) -> None:
        dds_segments.remember(self.process.pid)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


@contextmanager
def talking(*arguments: object) -> Iterator[Talker]:
    talker = Talker(*arguments)
    try:
        yield talker
    finally:
        talker.close()


@contextmanager
def segment_of(mib: float) -> Iterator[None]:
    """Processes that start meanwhile have a segment of so many MiB; of 0: no profile."""
    before = {name: os.environ.pop(name) for name in VARIABLES}
    with tempfile.TemporaryDirectory() as folder:
        if mib:
            size = f"<segment_size>{int(mib * 2**20)}</segment_size>"
            file = Path(folder, "profile.xml")
            file.write_text(re.sub(r"<segment_size>\d+</segment_size>", size, PROFILE))
            os.environ.update(dict.fromkeys(VARIABLES, str(file)))
        try:
            yield
        finally:
            os.environ.update(before)


def stopped(mib: float, size: str, frames: int, others: int) -> str:
    """Which of so many frames a best-effort subscriber got that was stopped while they were sent.

    Tried again where a busy machine held up the driver, too: who does not read for a second loses its port.

    Args:
        others: so many other subscribers run meanwhile.
    """
    for _ in range(TRIES):
        took_s, came = _stopped_once(mib, size, frames, others)
        if took_s < LONGEST_STOP_S:
            return came
    return "not measured"


def _stopped_once(mib: float, size: str, frames: int, others: int) -> tuple[float, str]:
    with segment_of(mib), ExitStack() as stack:
        subscriber, *_ = [
            stack.enter_context(talking("subscribe", "at once", "image")) for _ in range(1 + others)
        ]
        driver = stack.enter_context(talking("drive", "image", *SIZES[size], 1 + others))
        driver.hear()
        time.sleep(1)
        driver.say((0, 0.5, WARM_UP_FRAMES))
        driver.hear()
        time.sleep(1)
        subscriber.process.send_signal(signal.SIGSTOP)
        driver.say((0, 0, frames))
        took_s = float(driver.hear())
        subscriber.process.send_signal(signal.SIGCONT)
        return took_s, spans([n - WARM_UP_FRAMES for n in settled(subscriber)["image"] if n > WARM_UP_FRAMES])


def settled(subscriber: Talker) -> dict[str, list[int]]:
    """What has come when nothing more does for three seconds."""
    before, now = None, subscriber.frames()
    while now != before:
        time.sleep(3)
        before, now = now, subscriber.frames()
    return now


def spans(numbers: list[int]) -> str:
    """1, 2, 3, 7 as 1-3, 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts) or "none"


def flow(mib: float, size: str, rate_hz: float, seconds: float) -> dict[str, int]:
    """Images that came, of each stage and quality, and how many each should be."""
    topics = {"drivers": "{}/image_raw", "node": "{}/restored/image_raw"}
    frames = int(seconds * rate_hz)
    cameras = ",".join(CAMERAS)
    with segment_of(mib), ExitStack() as stack:
        subscribers = {
            (stage, quality): stack.enter_context(
                talking("subscribe", quality, *map(topics[stage].format, CAMERAS))
            )
            for stage in STAGES
            for quality in COUNTED
        }
        drivers = [
            stack.enter_context(
                talking("drive", topics["drivers"].format(camera), *SIZES[size], 1 + len(COUNTED))
            )
            for camera in CAMERAS
        ]
        parameters = (f"cameras:=[{cameras}]", "autostart:=true", "enabled:=false", "warm_up_sizes:=['']")
        given = [word for parameter in parameters for word in ("-p", parameter)]
        node = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "restoregan_ros.restore_node",
                "--ros-args",
                "--log-level",
                "error",
                *given,
            ]
        )
        stack.callback(end, node)
        for driver in drivers:
            driver.hear()
        time.sleep(3)
        start_s = time.monotonic() + 1
        for driver in drivers:
            driver.say((start_s, 1 / rate_hz, frames))
        for driver in drivers:
            driver.hear()
        came = {
            f"{stage}, {quality}": sum(map(len, settled(subscriber).values()))
            for (stage, quality), subscriber in subscribers.items()
        }
    return {"sent": frames * len(CAMERAS), **came}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--mib", type=float, nargs="+", default=[64, 32, 24, 16, 0], help="segments; 0: no profile"
    )
    parser.add_argument("--rates", type=float, nargs=2, default=[1.0, 2.0], help="Hz, of 1080p and of 720p")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=12.0, help="of frames, each turn")
    parser.add_argument("--output", type=Path, help="Markdown")
    given = parser.parse_args()
    set_environment()
    # It adds the default transports to the profile's: findings/localhost_adds_transports_to_the_profile.sh
    os.environ.pop("ROS_AUTOMATIC_DISCOVERY_RANGE")
    held = [
        f"| {name(mib)} | "
        + " | ".join(stopped(mib, size, frames, others) for others in (0, 1) for size, frames in BURSTS)
        + " |"
        for mib in given.mib
    ]
    print(*held, sep="\n", flush=True)
    lost: dict[tuple[str, float], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for turn in range(given.turns):
        for size, rate_hz in zip(SIZES, given.rates, strict=True):
            for mib in given.mib:
                counts = flow(mib, size, rate_hz, given.seconds)
                print(turn, size, name(mib), counts, flush=True)
                for key, count in counts.items():
                    lost[size, mib][key] += count
    text = page(held, lost, given.rates)
    print(text)
    if given.output:
        given.output.write_text(text)


def name(mib: float) -> str:
    return f"{mib:g} MiB" if mib else "no profile"


def page(held: list[str], counts: dict[tuple[str, float], dict[str, int]], rates: list[float]) -> str:
    columns = [f"{stage}, {quality}" for stage in STAGES for quality in COUNTED]
    rows = [
        f"| {size} | {name(mib)} | {row['sent']} | " + " | ".join(str(row["sent"] - row[c]) for c in columns) + " |"
        for (size, mib), row in counts.items()
    ]  # fmt: skip
    bursts = [
        f"{frames} of {size}{', beside another' if others else ''}"
        for others in (0, 1)
        for size, frames in BURSTS
    ]
    lines = [
        "# Shared memory for images", "",
        f"    {' '.join(['python', 'benchmarks/shared_memory.py', *sys.argv[1:]])}", "",
        f"On {processor_name()}, {os.cpu_count()} cores.", "",
        "## A subscriber that is held up", "",
        "Which frames (rgb8, sent one right behind the other) a subscriber gets that was stopped meanwhile, by the",
        "size of the writer's segment: alone, and beside another subscriber that runs.", "",
        f"| segment | {' | '.join(bursts)} |", "|---" * (1 + len(bursts)) + "|", *held, "",
        "## Six cameras", "",
        f"Six drivers publish in step, at {rates[0]:g} Hz in 1920x1080 and {rates[1]:g} Hz in 1280x720; the node",
        "passes all on. Images that did not come, of those that each subscriber should have got:", "",
        f"| size | segment | sent | {' | '.join(columns)} |", "|---" * (3 + len(columns)) + "|", *rows,
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
    leave(0)
