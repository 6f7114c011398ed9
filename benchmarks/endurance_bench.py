# SPDX-License-Identifier: Apache-2.0
"""What benchmarks/endurance.py puts around the node: cameras that change, a listener, and a look at the process."""

import array
import re
import shutil
import struct
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dds_segments
import numpy as np
import psutil
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import serialize_message
from restoregan_ros.msg import RestorationReport
from ros_bench import BEST_EFFORT, DEEP
from ros_probe import Probe, values, wait_until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from restoregan_ros.image_cdr import read_image

SIZES = ((96, 128), (180, 320), (240, 320), (360, 640))
BYTES_PER_PIXEL = {
    "bgr8": 3, "rgb8": 3, "rgba8": 4, "mono8": 1, "mono16": 2, "bayer_rggb8": 1, "yuv422_yuy2": 2, "nv12": 1,
}  # fmt: skip
FAULTS = ("unknown encoding", "no data", "huge", "cut off")
HEARD_AFTER_S = 3.0
"""A driver that has just met the node sends for so long before its frames count: DDS drops what it sends earlier."""


def serialised(encoding: str, size: tuple[int, int], *, is_sharp: bool) -> bytes:
    """A photograph as a serialised Image, or one of FAULTS."""
    import cv2
    from skimage.data import astronaut

    height, width = size
    rgb = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    if not is_sharp:
        rgb = cv2.blur(rgb, (15, 1))
    message = Image(height=height, width=width, encoding=encoding)
    message.header.frame_id = "camera"
    if encoding in FAULTS:
        message.encoding = "unknown" if encoding == "unknown encoding" else "bgr8"
        message.step = 3 * width
        message.data = array.array("B", b"" if encoding == "no data" else rgb.tobytes())
        if encoding == "huge":
            message.height = message.width = 60_000
        elif encoding == "cut off":
            message.data = message.data[: len(message.data) // 2]
        return serialize_message(message)
    rows = height * 3 // 2 if encoding == "nv12" else height
    message.step = width * BYTES_PER_PIXEL[encoding]
    values = np.resize(rgb[..., 1] if BYTES_PER_PIXEL[encoding] < 3 else rgb, rows * message.step)
    message.data = array.array("B", values.astype(np.uint8).tobytes())
    return serialize_message(message)


@dataclass
class Camera:
    """A driver: what it sends now, and what it has sent."""

    name: str
    publisher: Any
    kind: tuple[str, tuple[int, int], bool]
    """Encoding, size and whether it is sharp."""
    counted: set[int] = field(default_factory=set)
    """Stamps of frames that the node must have heard."""
    kinds: dict[int, str] = field(default_factory=dict)
    """What these frames were."""
    matched_since_s: float = float("inf")


class Drivers(Node):
    """Cameras that send at a rate in a thread of their own, and a clock that may jump."""

    def __init__(
        self, context: rclpy.Context, names: list[str], rate_hz: float, size: tuple[int, int]
    ) -> None:
        super().__init__("drivers", context=context, start_parameter_services=False)
        self._period_s = 1 / rate_hz
        self._frames: dict[tuple, bytes] = {}
        self._lock = threading.Lock()
        self._stamp = 0
        self._is_over = threading.Event()
        self._clock = self.create_publisher(Clock, "/clock", 10)
        self.clock_offset_s = 1000.0
        self.cameras = {name: Camera(name, self._publisher(name), ("bgr8", size, True)) for name in names}
        self.is_counting = True
        self.is_paused = False
        """While it is set, no camera sends; the clock goes on."""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _publisher(self, name: str) -> Any:
        return self.create_publisher(Image, f"{name}/image_raw", BEST_EFFORT)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def restart(self, camera: Camera) -> None:
        """The driver ends and starts."""
        with self._lock:
            self.destroy_publisher(camera.publisher)
            camera.publisher, camera.matched_since_s = self._publisher(camera.name), float("inf")

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._is_over.is_set():
            now_s = time.monotonic()
            clock = Clock()
            clock.clock.sec = max(0, int(now_s + self.clock_offset_s))
            self._clock.publish(clock)
            with self._lock:
                for camera in () if self.is_paused else self.cameras.values():
                    self._send(camera, now_s)
            next_s = max(next_s + self._period_s, time.monotonic())
            self._is_over.wait(max(0.0, next_s - time.monotonic()))

    def send(self, name: str, kind: tuple[str, tuple[int, int], bool]) -> int:
        """One frame of a camera that is paused, not counted; returns its stamp."""
        with self._lock:
            return self._publish(self.cameras[name], kind)

    def _send(self, camera: Camera, now_s: float) -> None:
        if not camera.publisher.get_subscription_count():
            camera.matched_since_s = float("inf")
        elif camera.matched_since_s == float("inf"):
            camera.matched_since_s = now_s
        stamp = self._publish(camera, camera.kind)
        if self.is_counting and now_s - camera.matched_since_s > HEARD_AFTER_S:
            camera.counted.add(stamp)
            encoding, (height, width), _ = camera.kind
            camera.kinds[stamp] = sys.intern(f"{encoding} {height}x{width}")

    def _publish(self, camera: Camera, kind: tuple[str, tuple[int, int], bool]) -> int:
        if kind not in self._frames:
            encoding, size, is_sharp = kind
            self._frames[kind] = serialised(encoding, size, is_sharp=is_sharp)
        frame = self._frames[kind]
        self._stamp += 1
        camera.publisher.publish(b"".join((frame[:4], struct.pack("<i", self._stamp), memoryview(frame)[8:])))
        return self._stamp


@contextmanager
def paused(drivers: Drivers) -> Iterator[None]:
    """No camera sends meanwhile."""
    drivers.is_paused = True
    try:
        yield
    finally:
        drivers.is_paused = False


class Listener:
    """Hears images and reports of all cameras, always, and notes what comes."""

    def __init__(self, context: rclpy.Context, names: list[str]) -> None:
        self.node = Node("listener", context=context, start_parameter_services=False)
        self.images: dict[str, list[int]] = {name: [] for name in names}
        self.reports: dict[str, list[int]] = {name: [] for name in names}
        self.superseded = dict.fromkeys(names, 0)
        """By the latest report, since the node was activated."""
        self.latencies_ms: list[float] = []
        self.failures: dict[int, int] = {}
        self.actions: dict[int, int] = {}
        self.restored: deque[int] = deque(maxlen=50)
        """Stamps of the latest frames that were restored, of whichever camera."""
        for name in names:
            self._listen(name)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def _listen(self, name: str) -> None:
        def image(cdr: bytes) -> None:
            self.images[name].append(read_image(cdr).sec)

        def report(said: RestorationReport) -> None:
            self.reports[name].append(said.header.stamp.sec)
            self.superseded[name] = said.frames_superseded
            self.latencies_ms.append(said.latency_ms)
            self.actions[said.action] = self.actions.get(said.action, 0) + 1
            if said.action == RestorationReport.ACTION_RESTORED:
                self.restored.append(said.header.stamp.sec)
            if said.action == RestorationReport.ACTION_FAILED_OPEN:
                self.failures[said.reason] = self.failures.get(said.reason, 0) + 1

        self.node.create_subscription(Image, f"{name}/restored/image_raw", image, DEEP, raw=True)
        self.node.create_subscription(RestorationReport, f"{name}/restored/report", report, DEEP)


LOOKS = 60
"""So often the node is asked whether it has come to rest."""


class Books:
    """What the node says that it took up, against the reports that came, while it was active.

    Frames that a newer one replaced in DDS' queue before the node got to it are in neither.
    """

    def __init__(self, control: Probe, drivers: Drivers, listener: Listener) -> None:
        self._control, self._drivers, self._listener = control, drivers, listener
        self._opened: dict[str, tuple[int, int, int]] | None = None
        self.taken_up: Counter[str] = Counter()
        self.superseded: Counter[str] = Counter()
        self.reported: Counter[str] = Counter()

    def open(self) -> None:
        """At a quiet moment after an activation."""
        self._opened = self._quiet()

    def close(self) -> None:
        """At a quiet moment before the deactivation, at which the node forgets its counts."""
        if self._opened is None:
            return
        for name, now in self._quiet().items():
            received, superseded, reported = (n - b for n, b in zip(now, self._opened[name], strict=True))
            self.taken_up[name] += received
            self.superseded[name] += superseded
            self.reported[name] += reported
        self._opened = None

    def _quiet(self) -> dict[str, tuple[int, int, int]]:
        """Of each camera, at rest: frames received and superseded as the node says, and reports heard."""
        before = None
        with paused(self._drivers):
            for _ in range(LOOKS):
                now = self._look()
                if now == before and all(
                    received == superseded + published for received, superseded, published, _ in now.values()
                ):
                    return {name: (received, lost, heard) for name, (received, lost, _, heard) in now.items()}
                before = now
        raise AssertionError(f"received, superseded, published and heard do not come to rest: {before}")

    def _look(self) -> dict[str, tuple[int, ...]]:
        """With the next diagnostics, which come once a second."""
        self._control.diagnostics.clear()
        looks = {}
        for name in self._drivers.cameras:
            said = values(
                wait_until(lambda n=name: self._control.diagnostic(f"{n} stream"), what="diagnostics")
            )
            counts = (int(said[f"frames_{what}"]) for what in ("received", "superseded", "published"))
            looks[name] = (*counts, len(self._listener.reports[name]))
        return looks


def allocated_mb(pid: int) -> float:
    """What a process has allocated. Its other pages are of files, and go when others need memory.

    Raises:
        psutil.Error: it has ended.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise psutil.NoSuchProcess(pid) from error
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:  # a zombie
        raise psutil.NoSuchProcess(pid)
    return int(found[1]) / 2**10


class Vitals:
    """Memory, threads, file descriptors and shared memory of a process, looked at now and then."""

    NAMES = ("memory, MB", "threads", "file descriptors", "segments of shared memory")
    BY_COMPANY = ("threads", "segments of shared memory")
    """What goes by how many other participants there are at the moment."""

    def __init__(self, pid: int, period_s: float = 5.0, log: Path | None = None) -> None:
        self._process = psutil.Process(pid)
        self.samples: list[tuple[float, ...]] = []
        self._period_s = period_s
        self._log = log
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._is_over.wait(self._period_s):
            try:
                self.samples.append(self.look())
                if self._log and time.monotonic() >= next_s:
                    next_s += 60.0
                    self._write(self._log)
            except psutil.Error:  # it has ended
                return

    def _write(self, log: Path) -> None:
        """One line, to be looked at while it runs."""
        memory = self._process.memory_full_info()
        entries = {
            "time": time.strftime("%H:%M:%S"),
            **dict(zip(self.NAMES, self.samples[-1], strict=True)),
            "PSS, MB": memory.pss / 2**20,
            "RSS, MB": memory.rss / 2**20,
            "/dev/shm, MB": shutil.disk_usage(dds_segments.FOLDER).used / 2**20,
        }
        is_new = not log.exists()
        with log.open("a") as file:
            if is_new:
                file.write("\t".join(entries) + "\n")
            file.write("\t".join(v if isinstance(v, str) else f"{v:.1f}" for v in entries.values()) + "\n")

    def look(self) -> tuple[float, ...]:
        process = self._process
        with process.oneshot():
            segments = len(dds_segments.held_by(process.pid))
            return allocated_mb(process.pid), process.num_threads(), process.num_fds(), segments

    def stop(self) -> list[float]:
        """The greatest of all that was seen, of each."""
        self._is_over.set()
        self._thread.join()
        return [max(sample[number] for sample in self.samples) for number in range(len(self.NAMES))]
