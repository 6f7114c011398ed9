# SPDX-License-Identifier: Apache-2.0
"""Does restore_node stay as it is, for hours, while everything around it changes?

    python benchmarks/endurance.py --minutes 180 --rate 2            five cameras, and a bag that loops
    python benchmarks/endurance.py --minutes 480 --rate 5 --cameras 1

Sizes, encodings and contents of the frames change, some are faulty; parameters are set, rightly and wrongly;
subscribers and drivers come and go; /clock jumps; the player of the bag is killed; the node is deactivated, cleaned up
and brought back, and asked for transitions that it must refuse. One such event every few seconds, by --seed.

Counted is each frame of a driver that has known the node for three seconds: reported, superseded by a newer one, or
not heard by the node: a newer one took its place in DDS' queue of one. Between quiet moments the node's own count of
frames taken up is compared with the reports. Memory is compared in a known state, to which the node is brought every
--check minutes. Exit code 3 where a frame that was taken up went astray, one was reported twice, an image lacks its
report or the reverse, over 1 % was not heard, the process ended, or its memory or descriptors grew by more than 2 %.
"""

import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))
import dds_segments
import numpy as np
import rclpy
from endurance_bench import (
    BYTES_PER_PIXEL,
    FAULTS,
    HEARD_AFTER_S,
    SIZES,
    Books,
    Camera,
    Drivers,
    Listener,
    Vitals,
    paused,
)
from endurance_states import AFTERWARDS, PARAMETERS, KnownStates
from lifecycle_msgs.msg import Transition
from replay_bags import drive, write_bag
from restoregan_ros.msg import RestorationReport
from ros_bench import leave, set_environment
from ros_probe import NodeProcess, Probe, wait_until

BAG_CAMERA = "bag"
GROWTH = 0.02
UNHEARD = 0.01
PLAYER_ENDS_WITHIN_S = 90.0
VALID = (
    {"enabled": False}, {"enabled": True}, {"preset": "always"}, {"preset": "balanced"}, {"preset": "off"},
    {"front.enabled": False}, {"front.enabled": True}, {"front.priority": 5}, {"front.priority": 1},
    {"deadline_ms": 200.0}, {"deadline_ms": 2000.0},
    {"blur_on_threshold": 0.9, "blur_off_threshold": 0.8}, {"blur_on_threshold": -1.0, "blur_off_threshold": -1.0},
    {"shed_load": False}, {"shed_load": True},
    {"max_pixel_change": 10}, {"max_pixel_change": 128}, {"stale_after_s": 5.0},
)  # fmt: skip
INVALID = ({"deadline_ms": -5.0}, {"preset": "wild"}, {"max_pixel_change": 4000}, {"deadline_ms": 59_000.0})


class Unrest:
    """What happens to the node; each event is a method, and its name is what the table says."""

    def __init__(
        self, drivers: Drivers, listener: Listener, sizes: list[tuple[int, int]], rng: random.Random
    ) -> None:
        self.drivers, self.listener, self.sizes, self.rng = drivers, listener, sizes, rng
        self.context = rclpy.Context()  # a participant of its own, which stays
        rclpy.init(context=self.context)
        self.control = Probe(self.context, "control", image=False, report=False)
        self.books = Books(self.control, drivers, listener)
        self.counts: collections.Counter[str] = collections.Counter()
        self.superseded: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self.guests: list[tuple[float, rclpy.Context, Probe]] = []
        self.bag = write_bag(
            Path(tempfile.mkdtemp()) / "bag", drive(100, base=f"/{BAG_CAMERA}", height=96, width=128)
        )
        self.player = self._play()

    def _play(self) -> subprocess.Popen:
        command = [
            sys.executable,
            "-m",
            "restoregan_ros.bag_player",
            str(self.bag),
            "--loop",
            "--rate",
            "0.04",
        ]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def happen(self) -> None:
        """One event, drawn at random."""
        events: dict[Callable[[], None], float] = {
            self.frames_change: 8, self.parameter: 6, self.wrong_parameter: 1, self.subscriber_comes: 2,
            self.driver_restarts: 1, self.clock_jumps: 2, self.player_is_killed: 0.4, self.transition_refused: 0.5,
            self.deactivated_and_back: 0.3, self.cleaned_up_and_back: 0.15,
        }  # fmt: skip
        event = self.rng.choices(list(events), list(events.values()))[0]
        self.attempt(event.__name__.replace("_", " "), event)
        for guest in [g for g in self.guests if g[0] < time.monotonic()]:
            self._goes(guest)
        del self.control.diagnostics[:-10]

    def attempt(self, name: str, event: Callable[[], None]) -> None:
        """Counted, and noted where it does not go as promised."""
        try:
            event()
        except AssertionError as error:
            self.wrong.append(f"{name}: {str(error).splitlines()[0][:200]}")
        self.counts[name] += 1

    def _camera(self) -> Camera:
        return self.rng.choice(list(self.drivers.cameras.values()))

    def frames_change(self) -> None:
        encodings = (
            [*BYTES_PER_PIXEL, *FAULTS] if self.rng.random() < 0.3 else ["bgr8", "rgb8", "yuv422_yuy2"]
        )
        self._camera().kind = self.rng.choice(encodings), self.rng.choice(self.sizes), self.rng.random() < 0.5

    def _set(self, values: dict[str, object]) -> bool:
        return self.control.set_parameters(**{name.replace(".", "__"): v for name, v in values.items()})[0]

    def parameter(self) -> None:
        values = self.rng.choice(VALID)
        assert self._set(values), f"{values} was refused"

    def wrong_parameter(self) -> None:
        values = self.rng.choice(INVALID)
        assert not self._set(values), f"{values} was accepted"

    def subscriber_comes(self) -> None:
        """A process's worth of subscriptions, for a while."""
        if len(self.guests) >= 3:
            self._goes(self.guests[0])
        context = rclpy.Context()
        rclpy.init(context=context)
        guest = Probe(context, self._camera().name, overlay=self.rng.random() < 0.5, info=True)
        self.guests.append((time.monotonic() + self.rng.uniform(2, 20), context, guest))

    def _goes(self, guest: tuple[float, rclpy.Context, Probe]) -> None:
        self.guests.remove(guest)
        guest[2].close()
        rclpy.try_shutdown(context=guest[1])

    def driver_restarts(self) -> None:
        self.drivers.restart(self._camera())

    def clock_jumps(self) -> None:
        self.drivers.clock_offset_s += self.rng.choice((-3600, -10, -1, 1, 10, 3600))

    def player_is_killed(self) -> None:
        dds_segments.remember(self.player.pid)
        self.player.send_signal(self.rng.choice((signal.SIGKILL, signal.SIGINT)))
        self._await_end_of_player()
        self.player = self._play()

    def _await_end_of_player(self) -> None:
        try:
            self.player.wait(PLAYER_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"the player did not end within {PLAYER_ENDS_WITHIN_S:.0f} s")
            dds_segments.kill(self.player)

    def transition_refused(self) -> None:
        number = self.rng.choice((Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_CLEANUP, 99))
        assert not self.control.transition_by_id(number), f"transition {number} was not refused"

    def deactivated_and_back(self) -> None:
        self._cycle("deactivate", "activate")

    def cleaned_up_and_back(self) -> None:
        self._cycle("deactivate", "cleanup", "configure", "activate")

    def _cycle(self, *labels: str) -> None:
        self.settle()
        self._go(*labels)
        self._resume()

    def _go(self, *labels: str) -> None:
        for label in labels:
            assert self.control.transition(label), f"{label} was refused"

    def _resume(self) -> None:
        assert self.control.state() == "active"
        for camera in self.drivers.cameras.values():
            camera.matched_since_s = float("inf")
        self.drivers.is_counting = True
        time.sleep(2 * HEARD_AFTER_S)
        self.books.open()

    def check(self, states: KnownStates) -> None:
        """Bring the node to the known state and read it there."""
        self.settle()
        while self.guests:
            self._goes(self.guests[0])
        with paused(self.drivers):
            self._go("deactivate", "cleanup")
            assert self._set(PARAMETERS), "the parameters of the known state were refused"
            self._go("configure", "activate")
            states.read()
            assert self._set(AFTERWARDS), f"{AFTERWARDS} was refused"
        self._resume()

    def settle(self) -> None:
        """Stop counting and wait until the node has told what it superseded, which it forgets when deactivated."""
        self.drivers.is_counting = False
        before = {name: len(reports) for name, reports in self.listener.reports.items()}
        wait_until(
            lambda: all(len(self.listener.reports[name]) > before[name] + 1 for name in self.drivers.cameras),
            what="reports of every camera",
        )
        for name in self.drivers.cameras:
            self.superseded[name] += self.listener.superseded[name]
        self.books.close()

    def end(self) -> None:
        while self.guests:
            self._goes(self.guests[0])
        self.player.send_signal(signal.SIGINT)
        self._await_end_of_player()
        self.control.close()
        rclpy.try_shutdown(context=self.context)


def accounts(unrest: Unrest, drivers: Drivers, listener: Listener) -> bool:
    """Print what became of the frames; whether all is accounted for."""
    is_well = True
    unheard_kinds: collections.Counter[str] = collections.Counter()
    print(
        "\n| camera | counted | reported | superseded, at most | not heard | taken up | astray | twice |",
        end="",
    )
    print(" image or report alone |\n|---|---|---|---|---|---|---|---|---|")
    for name, camera in drivers.cameras.items():
        reports, images = listener.reports[name], listener.images[name]
        reported = camera.counted & set(reports)
        superseded, books = unrest.superseded[name], unrest.books
        unheard = max(0, len(camera.counted) - len(reported) - superseded)
        unheard_kinds.update(camera.kinds[stamp] for stamp in camera.counted - reported)
        astray = books.taken_up[name] - books.superseded[name] - books.reported[name]
        twice = len(reports) - len(set(reports)) + len(images) - len(set(images))
        odd = len(set(reports) ^ set(images))
        print(
            f"| {name} | {len(camera.counted)} | {len(reported)} | {superseded} | {unheard} |"
            f" {books.taken_up[name]} | {astray} | {twice} | {odd} |"
        )
        is_well &= astray == twice == odd == 0 and unheard <= UNHEARD * len(camera.counted)
    bag = listener.reports[BAG_CAMERA], listener.images[BAG_CAMERA]
    print(
        f"| {BAG_CAMERA}, looped | - | {len(bag[0])} | - | - | - | - | - | {abs(len(bag[0]) - len(bag[1]))} |"
    )
    print("not reported were: " + ", ".join(f"{kind} {count}" for kind, count in unheard_kinds.most_common()))
    return is_well and len(bag[0]) == len(bag[1])


def names_of(prefix: str, counts: dict[int, int]) -> str:
    """Counts by the name of their constant in the message."""
    names = {
        getattr(RestorationReport, n): n.removeprefix(prefix)
        for n in dir(RestorationReport)
        if n.startswith(prefix)
    }
    return ", ".join(f"{names[number]} {count}" for number, count in sorted(counts.items()))


def tell(unrest: Unrest, states: KnownStates, most: list[float]) -> bool:
    """Print what happened and what was measured; whether all went as promised."""
    listener = unrest.listener
    print("events: " + ", ".join(f"{name} {count}" for name, count in sorted(unrest.counts.items())))
    for line in unrest.wrong:
        print(f"NOT AS PROMISED: {line}")
    is_well = accounts(unrest, unrest.drivers, listener) and not unrest.wrong
    p50, p99, p999 = np.nanpercentile(listener.latencies_ms, [50, 99, 99.9])
    print(
        f"\nreports: {names_of('ACTION_', listener.actions)}; failed open: {names_of('REASON_', listener.failures)}"
    )
    print(f"latency: median {p50:.0f} ms, 99 % {p99:.0f} ms, 99.9 % {p999:.0f} ms")
    print(f"\n| of the node, in {len(states.readings)} known states | early | late | growth |", end="")
    print(" slope per hour | most at any time |\n|---|---|---|---|---|---|")
    for (name, trend), greatest in zip(states.trends().items(), most, strict=True):
        print(
            f"| {name} | {trend.early:.1f} | {trend.late:.1f} | {trend.growth:+.1%} |"
            f" {trend.slope_per_h:+.2f} ± {trend.slope_error_per_h:.2f} | {greatest:.1f} |"
        )
        is_well &= trend.growth <= GROWTH or name in Vitals.BY_COMPANY
    print("memory, MB, after minutes: " + ", ".join(states.memory()))
    return is_well


def run(given: argparse.Namespace) -> bool:
    names = ["front", "left", "right", "rear", "top"][: max(1, given.cameras - 1)]
    context, driving = rclpy.Context(), rclpy.Context()
    rclpy.init(context=context)
    rclpy.init(context=driving)
    listener = Listener(context, [*names, BAG_CAMERA])
    log = Path(tempfile.mkdtemp()) / "log.txt"
    parameters = {
        "cameras": f"[{','.join([*names, BAG_CAMERA])}]",
        "use_sim_time": True,
        "deadline_ms": 2000.0,
    }
    node = NodeProcess("restoregan_ros.restore_node", int(os.environ["ROS_DOMAIN_ID"]), log, "", parameters)
    node.wait_active()
    drivers = Drivers(driving, names, given.rate, given.sizes[0])
    drivers.start()
    unrest = Unrest(drivers, listener, given.sizes, random.Random(given.seed))
    vitals = Vitals(node.process.pid, log=given.vitals)
    states = KnownStates(unrest.control, drivers, listener, vitals, given.sizes)
    started_s = next_s = next_check_s = time.monotonic()
    while time.monotonic() < started_s + given.minutes * 60 and node.is_running():
        if time.monotonic() >= next_check_s:
            unrest.attempt("known state", lambda: unrest.check(states))
            next_check_s += given.check * 60
        unrest.happen()
        next_s = max(next_s + given.period, time.monotonic())
        time.sleep(max(0.0, next_s - time.monotonic()))
    took_min = (time.monotonic() - started_s) / 60
    is_running = node.is_running()
    if is_running:
        unrest.attempt("known state", lambda: unrest.check(states))
        unrest.settle()
    most = vitals.stop()
    drivers.stop()
    unrest.end()
    time.sleep(2.0)
    made = dds_segments.made_by(node.process.pid)
    code = node.signal(signal.SIGINT) or node.wait_exit() if is_running else node.wait_exit()
    print(
        f"{took_min:.1f} minutes, {len(names)} cameras at {given.rate:g} Hz and a bag; the node ended with {code}"
    )
    is_well = tell(unrest, states, most)
    left = {name for name in made if (dds_segments.FOLDER / name).exists()}
    print(f"left of it in /dev/shm: {len(left)} of {len(made)}")
    return is_well and is_running and code == 0 and not left


def size(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH."""
    height, width = text.split("x")
    return int(height), int(width)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=180.0)
    parser.add_argument("--rate", type=float, default=2.0, help="frames a second of each camera")
    parser.add_argument("--cameras", type=int, default=6, help="one of them played from a bag (default 6)")
    parser.add_argument(
        "--period", type=float, default=2.0, metavar="S", help="between two events (default 2)"
    )
    parser.add_argument(
        "--check", type=float, default=10.0, metavar="MIN", help="between two known states (default 10)"
    )
    parser.add_argument(
        "--sizes",
        type=size,
        nargs="+",
        default=list(SIZES),
        metavar="HxW",
        help="of the frames that are sent",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--vitals", type=Path, metavar="FILE", help="write memory, threads and descriptors here each minute"
    )
    given = parser.parse_args()
    set_environment()
    return 0 if run(given) else 3


if __name__ == "__main__":
    leave(main())
