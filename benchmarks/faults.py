# SPDX-License-Identifier: Apache-2.0
"""Faults injected while frames flow: what happens, and how long is a camera without images?

    python benchmarks/faults.py                      all of them, as rows of a Markdown table
    python benchmarks/faults.py --only raises hangs

Real processes: restore_node with a network that does as the image says (test/support/obedient_node.py) or with an
engine that is damaged, and bag_recorder. A camera sends 20 frames a second, so an image every 50 ms is none missed.
What needs a small or read-only disk is left out where no file system can be mounted. Exit code 3 where a camera
stayed without images.
"""

import argparse
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))
import dds_segments
import rclpy
from obedient_node import Command
from restoregan_ros.msg import RestorationReport
from ros_bench import leave, random_lite, set_environment
from ros_probe import NodeProcess, Probe, commanded, wait_until
from sensor_msgs.msg import Image
from small_disks import keeping, mounting

ROOT = Path(__file__).resolve().parents[1]
PERIOD_S = 0.05
OBEDIENT = {"deadline_ms": 200.0, "hang_timeout_s": 2.0}


class Camera:
    """Sends frames without a pause and notes when images come."""

    def __init__(self, context: rclpy.Context, namespace: str) -> None:
        self.arrivals_s = [time.monotonic()]
        self.command = Command.RESTORE
        self.probe = Probe(context, "camera", namespace=namespace)
        self.probe.node.create_subscription(
            Image, "camera/restored/image_raw", lambda _: self.arrivals_s.append(time.monotonic()), 100
        )
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def start(self) -> "Camera":
        self.probe.wait_connected()
        self._thread.start()
        self.watch(1.0)
        return self

    def _send(self) -> None:
        while not self._is_over.wait(PERIOD_S):
            command, self.command = self.command, Command.RESTORE  # for one frame
            self.probe.publish(commanded(command))

    def watch(self, seconds: float) -> float:
        """Longest time between two images during the next ``seconds``."""
        first = len(self.arrivals_s) - 1
        time.sleep(seconds)
        times = [*self.arrivals_s[first:], time.monotonic()]
        return max(after - before for before, after in itertools.pairwise(times))

    def reasons(self) -> str:
        """Why frames failed open, by the reports."""
        names = {
            getattr(RestorationReport, name): name.removeprefix("REASON_")
            for name in dir(RestorationReport)
            if name.startswith("REASON_")
        }
        failed = RestorationReport.ACTION_FAILED_OPEN
        return ", ".join(sorted({names[r.reason] for r in self.probe.reports if r.action == failed}))

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()
        self.probe.close()


class Bed:
    """Where the faults happen: one participant for all cameras, nodes by namespace, a folder."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.folder = Path(tempfile.mkdtemp())
        self.model = random_lite()

    def node(
        self, space: str, wrapper: list[str] | None = None, module: str = "obedient_node", **given: object
    ) -> NodeProcess:
        log = self.folder / f"{space}_{time.monotonic_ns()}.txt"
        domain = int(os.environ["ROS_DOMAIN_ID"])
        return NodeProcess(module, domain, log, space, given or OBEDIENT, wrapper or [])

    def real_node(self, space: str, engines: Path, wrapper: list[str] | None = None) -> NodeProcess:
        return self.node(
            space, wrapper, "restoregan_ros.restore_node", model=self.model, runtime="openvino",
            engine_dir=engines, preset="always", deadline_ms=5000.0, warm_up_sizes="['96x128']",
        )  # fmt: skip


def one_frame(command: Command) -> Callable[[Bed], tuple[str, float | None]]:
    """A fault of the network at one frame."""

    def inject(bed: Bed) -> tuple[str, float | None]:
        space = command.name.lower()
        node = bed.node(space).wait_active()
        camera = Camera(bed.context, space).start()
        camera.command = command
        gap_s = camera.watch(3.0)
        said, is_running = camera.reasons(), node.is_running()
        camera.stop()
        node.kill()
        return f"the source instead of that frame, reported as {said}; node lives: {is_running}", gap_s

    return inject


def ends(how: str) -> Callable[[Bed], tuple[str, float | None]]:
    """A node that ends and is started again at once, as launch does after its respawn_delay."""

    def inject(bed: Bed) -> tuple[str, float | None]:
        node = bed.node(how).wait_active()
        camera = Camera(bed.context, how).start()
        if how == "hangs":
            camera.command = Command.HANG
            while_late_s = camera.watch(1.5)
            said = f"sources flow (longest pause {while_late_s * 1e3:.0f} ms), then the process ends"
        else:
            said = "the process is gone"
            dds_segments.kill(node.process)
        first = len(camera.arrivals_s) - 1
        node.wait_exit()
        ended_s = time.monotonic()
        again = bed.node(how).wait_active()
        start_s = time.monotonic() - ended_s
        wait_until(lambda: len(camera.arrivals_s) > first + 40, 60, "images of the second node")
        times = camera.arrivals_s[first:]
        gap_s = max(after - before for before, after in itertools.pairwise(times))
        camera.stop()
        again.kill()
        return f"{said} and is started again at once, which took {start_s:.1f} s until it was active", gap_s

    return inject


def engine(how: str) -> Callable[[Bed], tuple[str, float | None]]:
    """An engine cache that is of no use when the node starts."""

    def inject(bed: Bed) -> tuple[str, float | None]:
        engines, wrapper = bed.folder / f"engines_{how}", []
        if how == "damaged":
            bed.real_node("before", engines).wait_active().kill()
            for file in engines.iterdir():
                if file.suffix != ".json":
                    file.write_bytes(file.read_bytes()[:1000])
        else:
            wrapper = mounting(engines, "size=64k" if how == "full" else "ro")
            if not wrapper:
                return "left out: nothing can be mounted here", None
        node = bed.real_node(how, engines, wrapper).wait_active()
        camera = Camera(bed.context, how).start()
        gap_s = camera.watch(3.0)
        said = next((line for line in node.log.splitlines() if "[WARN]" in line), "no warning").split("]: ")[
            -1
        ]
        runtime = node.log.split("configured: ")[1].splitlines()[0].split(" by ")[1]
        camera.stop()
        node.kill()
        return f"“{said[:160]}”; runs by {runtime}", gap_s

    return inject


def two_on_one_cache(bed: Bed) -> tuple[str, float | None]:
    engines = bed.folder / "engines_two"
    nodes = [bed.real_node(space, engines) for space in ("one", "two")]
    cameras = [Camera(bed.context, node.wait_active().namespace).start() for node in nodes]
    gap_s = max(camera.watch(2.0) for camera in cameras)
    third = bed.real_node("three", engines).wait_active()
    verdict = "reads what they left" if "again" not in third.log else "compiles again"
    for camera in cameras:
        camera.stop()
    for node in (*nodes, third):
        node.kill()
    return f"both run; a third one {verdict}", gap_s


def full_disk_of_a_recording(bed: Bed) -> tuple[str, float | None]:
    small = bed.folder / "small"
    wrapper = mounting(small, "size=2m")
    if not wrapper:
        return "left out: nothing can be mounted here", None
    node = bed.node("recorded").wait_active()
    camera = Camera(bed.context, "recorded").start()
    record = [sys.executable, "-m", "restoregan_ros.bag_recorder", f"{small}/bag", "--topics", "/recorded/*"]
    recorder = subprocess.Popen(
        [*wrapper, *keeping(small / "bag", bed.folder / "copy"), *record],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        said, _ = recorder.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        recorder.send_signal(signal.SIGTERM)
        said = "it went on and recorded nothing"
    gap_s = camera.watch(1.0)
    camera.stop()
    node.kill()
    return (
        f"recorder: exit {recorder.returncode}, “{said.strip().splitlines()[-1][:200]}”, {_kept(bed)}",
        gap_s,
    )


def _kept(bed: Bed) -> str:
    from restoregan_core.bags.reader import open_bag

    try:
        with open_bag(bed.folder / "copy") as bag:
            count = sum(1 for _ in bag.messages([c for c in bag.topics if c.endswith("image_raw")]))
            return f"{count} images can be read"
    except Exception as error:
        return f"the bag cannot be read: {error}"


FAULTS: dict[str, tuple[str, Callable[[Bed], tuple[str, float | None]]]] = {
    "raises": ("the runtime raises", one_frame(Command.RAISE)),
    "nan": ("the network gives NaN", one_frame(Command.NON_FINITE)),
    "memory": ("the runtime runs out of memory", one_frame(Command.OUT_OF_MEMORY)),
    "slow": ("the network takes 500 ms, deadline 200 ms", one_frame(Command.SLOW)),
    "hangs": ("the network hangs for ever", ends("hangs")),
    "killed": ("kill -9 of the node", ends("killed")),
    "damaged": ("the engine is cut off", engine("damaged")),
    "readonly": ("the engine cache is read-only", engine("readonly")),
    "full": ("the engine cache's disk is full", engine("full")),
    "two": ("two nodes start on one empty engine cache", two_on_one_cache),
    "recording": ("the disk fills up while a bag is recorded", full_disk_of_a_recording),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    given = parser.parse_args()
    set_environment()
    bed, code = Bed(), 0
    print("| fault | what happened | longest time between two images |\n|---|---|---|", flush=True)
    for name in given.only:
        fault, inject = FAULTS[name]
        try:
            happened, gap_s = inject(bed)
            gap = "-" if gap_s is None else f"{gap_s:.2f} s"
        except AssertionError as error:
            happened, gap, code = f"NOT AS PROMISED: {str(error)[:300]}", "?", 3
        print(f"| {fault} | {happened} | {gap} |", flush=True)
        for node in NodeProcess.living:
            node.kill()
    shutil.rmtree(bed.folder)
    rclpy.try_shutdown(context=bed.context)
    return code


if __name__ == "__main__":
    leave(main())
