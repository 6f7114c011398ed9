# SPDX-License-Identifier: Apache-2.0
"""What the ROS benchmarks share: processes in a domain of their own, frames out, answers in."""

import array
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))
import dds_segments
import numpy as np
import rclpy
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from restoregan_ros.msg import RestorationReport
from sensor_msgs.msg import Image

from restoregan_ros.dds_domain import own_domain
from restoregan_ros.image_cdr import read_image

ROOT = Path(__file__).resolve().parents[1]
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_claims = ExitStack()  # until the process ends
DEEP = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)


def set_environment() -> None:
    """A domain of this process's own, on this machine only, with the transport for large images."""
    os.environ["ROS_DOMAIN_ID"] = str(_claims.enter_context(own_domain()))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for variable in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"):
        os.environ[variable] = str(ROOT / "config" / "fastdds_large_images.xml")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen]:
    """A Python process, ended at the end."""
    process = subprocess.Popen([sys.executable, *arguments])
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """End a child by SIGTERM; what it leaves in shared memory goes with ``leave``."""
    dds_segments.remember(process.pid)
    process.terminate()
    process.wait(20)


def leave(code: int) -> NoReturn:
    """End with this exit code at once, though rclpy's executor threads still spin; nothing stays in shared memory."""
    sys.stdout.flush()
    dds_segments.remove_left(is_ending=True)
    os._exit(code)


def random_lite() -> str:
    """Weights file of a ``lite`` that was never trained: it costs the same time as a trained one."""
    from restoregan_core.zoo import build_generator, save_generator

    path = Path(tempfile.mkdtemp()) / "lite_untrained.safetensors"
    save_generator(build_generator("lite"), path, {})
    return str(path)


def serialised_frame(height: int, width: int) -> bytes:
    message = Image(height=height, width=width, encoding="bgr8", step=3 * width)
    message.header.frame_id = "camera"
    message.data = array.array("B", np.random.default_rng(0).bytes(height * width * 3))
    return serialize_message(message)


class Bench(Node):
    """Sends frames on some topics and notes when their answers come."""

    def __init__(self) -> None:
        super().__init__("bench")
        self.sent_s: dict[int, float] = {}
        self.image_s: dict[int, float] = {}
        self.report_s: dict[int, float] = {}
        self.reports: dict[int, RestorationReport] = {}
        self.superseded: dict[str, int] = {}
        """Report topic -> the latest count."""
        self._frames: dict[tuple[int, int], bytes] = {}
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def listen_to_image(self, topic: str) -> None:
        def received(cdr: bytes) -> None:
            now_s = time.monotonic()
            self.image_s[read_image(cdr).sec] = now_s

        self.create_subscription(Image, topic, received, DEEP, raw=True)

    def listen_to_report(self, topic: str) -> None:
        def received(report: RestorationReport) -> None:
            self.report_s[report.header.stamp.sec] = time.monotonic()
            self.reports[report.header.stamp.sec] = report
            self.superseded[topic] = report.frames_superseded

        self.create_subscription(RestorationReport, topic, received, DEEP)

    def source(self, topic: str) -> Any:
        return self.create_publisher(Image, topic, BEST_EFFORT)

    def send(self, publisher: Any, height: int, width: int, stamp: int) -> None:
        frame = self._frame(height, width, stamp)
        self.sent_s[stamp] = time.monotonic()
        publisher.publish(frame)

    def _frame(self, height: int, width: int, stamp: int) -> bytes:
        """Serialised once for each size; then only the stamp, the first field, is written again."""
        if (height, width) not in self._frames:
            self._frames[height, width] = serialised_frame(height, width)
        frame = self._frames[height, width]
        return b"".join((frame[:4], struct.pack("<i", stamp), memoryview(frame)[8:]))

    def wait_for_peers(self, publishers: list[Any], topics: list[str]) -> None:
        end_s = time.monotonic() + 180
        while time.monotonic() < end_s:
            if all(p.get_subscription_count() for p in publishers) and all(
                map(self.count_publishers, topics)
            ):
                time.sleep(1.0)
                return
            time.sleep(0.1)
        raise TimeoutError("the processes under test did not come up within 180 s")

    def set_parameters_of(self, node: str, **values: object) -> None:
        client = self.create_client(SetParametersAtomically, f"/{node}/set_parameters_atomically")
        assert client.wait_for_service(10)
        request = SetParametersAtomically.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        )
        future = client.call_async(request)
        while not future.done():
            time.sleep(0.01)
        result = future.result().result
        assert result.successful, result.reason


def init() -> Bench:
    set_environment()
    rclpy.init(args=[])
    return Bench()
