# SPDX-License-Identifier: Apache-2.0
"""The two sides of restore_node in tests: the process itself, and a camera driver with a detector."""

import array
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import dds_segments
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from restoregan_ros.msg import RestorationReport
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

ROOT = Path(__file__).resolve().parents[2]
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}
HARMLESS = {
    ChangeState: ChangeState.Request(transition=Transition(id=99)),
    GetState: GetState.Request(),
    GetParameters: GetParameters.Request(),
    SetParametersAtomically: SetParametersAtomically.Request(),
}
"""Requests that change nothing."""
PATIENCE_S = [0.5 * 1.3**tries for tries in range(17)]
"""How long to wait for an answer before asking again: longer each time, since a machine under load may take longer
than any fixed time for every answer."""
T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout_s: float = 90.0, what: str = "condition") -> T:
    """Poll until ``condition`` gives something true; fails loudly. The limit is for what never comes."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come about within {timeout_s} s")


def image_message(
    height: int = 96,
    width: int = 128,
    encoding: str = "bgr8",
    *,
    channels: int = 3,
    padding: int = 0,
    seed: int = 0,
) -> Image:
    """Random bytes as an Image; ``channels`` are bytes per pixel, ``padding`` bytes at each row's end."""
    step = width * channels + padding
    rows = height * 3 // 2 if encoding in ("nv12", "nv21") else height
    message = Image(height=height, width=width, encoding=encoding, step=step)
    message.header.frame_id = "optical_frame"
    message.data = array.array("B", np.random.default_rng(seed).bytes(rows * step))
    return message


def commanded(command: int, *, is_clean: bool = False, value: int = 100, height: int = 96) -> Image:
    """A grey rgb8 image whose first pixel commands the obedient network."""
    message = image_message(height=height, encoding="rgb8")
    pixels = np.full((height, 128, 3), value, np.uint8)
    pixels[0, 0] = (command, 255 if is_clean else 0, 0)
    message.data = array.array("B", pixels.tobytes())
    return message


def pixels_of(message: Image) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)


def values(status) -> dict[str, str]:
    return {pair.key: pair.value for pair in status.values}


class NodeProcess:
    """A node in a process of its own; ``wrapper`` is a command that runs it."""

    living: ClassVar[list["NodeProcess"]] = []

    def __init__(
        self,
        module: str,
        domain_id: int,
        log: Path,
        namespace: str,
        parameters: dict[str, object],
        wrapper: Sequence[str] = (),
    ) -> None:
        arguments = ["--ros-args", "-r", f"__ns:=/{namespace}"]
        # The obedient node's frames are blurred, which the default preset leaves as it is.
        preset = {"preset": "balanced"} if module == "obedient_node" else {}
        for name, value in {"autostart": True, **preset, **parameters}.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            arguments += ["-p", f"{name.replace('__', '.')}:={text}"]
        path = os.pathsep.join([str(ROOT), str(ROOT / "test" / "support"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "ROS_DOMAIN_ID": str(domain_id), "PYTHONPATH": path}
        self._log = log
        self.namespace = namespace
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [*wrapper, sys.executable, "-m", module, *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=ROOT,
            )
        NodeProcess.living = [node for node in NodeProcess.living if node.is_running()] + [self]

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for_log(self, text: str, timeout_s: float = 300.0) -> "NodeProcess":
        wait_until(
            lambda: text in self.log or self.process.poll() is not None,
            timeout_s,
            f"{text!r} in the log",
        )
        assert text in self.log, f"the node ended with {self.process.returncode}:\n{self.log}"
        dds_segments.remember(self.process.pid)
        return self

    def wait_active(self) -> "NodeProcess":
        return self.wait_for_log("active: ")

    def describe(self) -> str:
        """Its log's end and the shared memory that it listens to, for the message of a failed test."""
        if not self.is_running():
            return f"/{self.namespace} ended with {self.process.returncode}:\n{self.log[-3000:]}"
        ports = ", ".join(dds_segments.ports_of(self.process.pid))
        return f"/{self.namespace} ({self.process.pid}) has mapped {ports}:\n{self.log[-3000:]}"

    def is_running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        dds_segments.remember(self.process.pid)
        self.process.send_signal(number)

    def wait_exit(self, timeout_s: float = 90.0) -> int:
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        dds_segments.end(self.process)


def _living_nodes() -> str:
    return "\n".join(node.describe() for node in NodeProcess.living)


class Probe:
    """Publishes as the driver of ``camera`` and keeps what restore_node publishes for it.

    Args:
        image, report, overlay: which of the node's outputs to subscribe to.
        image_reliability, source_reliability: of this side.
        source_type: Image or CompressedImage.
    """

    _stamps = itertools.count(1)

    def __init__(
        self,
        context: "rclpy.Context",
        camera: str,
        *,
        namespace: str = "",
        image: bool = True,
        report: bool = True,
        overlay: bool = False,
        info: bool = False,
        image_reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE,
        source_reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE,
        source_type: type = Image,
    ) -> None:
        self.node = Node(
            f"probe_{next(self._stamps)}",
            context=context,
            namespace=namespace,
            use_global_arguments=False,
            start_parameter_services=False,
        )
        self.images: list[Image] = []
        self.reports: list[RestorationReport] = []
        self.overlays: list[Image] = []
        self.infos: list[CameraInfo] = []
        self.diagnostics: list[DiagnosticArray] = []
        self._clients: dict[str, Any] = {}
        self._camera = camera
        self._source_type = source_type
        topic = f"{camera}/image_raw" + ("/compressed" if source_type is CompressedImage else "")
        # Deep enough that no test loses a frame on its own side.
        self.source = self.node.create_publisher(
            source_type, topic, QoSProfile(depth=100, reliability=source_reliability)
        )
        self.info_source = self.node.create_publisher(CameraInfo, f"{camera}/camera_info", 10)
        self._image_qos = QoSProfile(depth=100, reliability=image_reliability)
        if image:
            self.subscribe_images()
        if report:
            self.subscribe_reports()
        if info:
            self._subscribe(CameraInfo, "camera_info", self.infos.append)
        if overlay:
            self._subscribe(Image, "debug/overlay", self.overlays.append)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.diagnostics.append, 100)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._is_closing = False
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while not self._is_closing:
            self._executor.spin_once(timeout_sec=0.5)

    def _subscribe(self, message_type: type, name: str, callback: Callable, qos: Any = 100) -> Any:
        return self.node.create_subscription(message_type, f"{self._camera}/restored/{name}", callback, qos)

    def subscribe_images(self) -> Any:
        return self._subscribe(Image, "image_raw", self.images.append, self._image_qos)

    def subscribe_reports(self) -> Any:
        return self._subscribe(RestorationReport, "report", self.reports.append)

    def close(self) -> None:
        self._is_closing = True
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    def wait_connected(self) -> "Probe":
        """Until the node subscribes to the source and publishes to this side."""
        wait_until(lambda: self.source.get_subscription_count() > 0, what=f"a subscriber of {self._camera}")
        subscriptions = [s for s in self.node.subscriptions if "/restored/" in s.topic_name]
        for subscription in subscriptions:
            wait_until(
                lambda s=subscription: self.node.count_publishers(s.topic_name) > 0,
                what=subscription.topic_name,
            )
        if any(s.topic_name.endswith("/report") for s in subscriptions):
            self._wait_for_answer()
        return self

    def _wait_for_answer(self) -> None:
        """Until the node has discovered this side too: an empty frame, which leaves no trace, is answered."""
        has_image = self._source_type is Image and any(
            s.topic_name.endswith("/image_raw") for s in self.node.subscriptions
        )

        def is_answered(sec: int) -> bool:
            return bool(self.reports_of(sec)) and (not has_image or bool(self.images_of(sec)))

        if not any(self._comes(is_answered, self.publish(self._source_type()), s) for s in PATIENCE_S):
            ports = ", ".join(dds_segments.ports_of())
            raise AssertionError(
                f"the node does not answer for {self.source.topic_name}; this side has mapped {ports}\n"
                + _living_nodes()
            )
        del self.images[:], self.reports[:]

    @staticmethod
    def _comes(condition: Callable[[Any], bool], of: Any, timeout_s: float) -> bool:
        try:
            return wait_until(lambda: condition(of), timeout_s)
        except AssertionError:
            return False

    def publish(self, message: Any) -> int:
        """Publish with a stamp of its own, by which its outputs are found."""
        stamp = next(self._stamps)
        message.header.stamp.sec, message.header.stamp.nanosec = 1000 + stamp, 7 * stamp
        self.source.publish(message)
        return 1000 + stamp

    def images_of(self, sec: int) -> list[Image]:
        return [m for m in list(self.images) if m.header.stamp.sec == sec]

    def reports_of(self, sec: int) -> list[RestorationReport]:
        return [m for m in list(self.reports) if m.header.stamp.sec == sec]

    def exchange(self, message: Any, *, has_image: bool = True) -> tuple[Image | None, RestorationReport]:
        """Publish one frame; its restored image and its report, of each just one."""
        sec = self.publish(message)
        wait_until(lambda: self.reports_of(sec), what="a report")
        if has_image:
            wait_until(lambda: self.images_of(sec), what="an image")
        images, reports = self.images_of(sec), self.reports_of(sec)
        assert len(reports) == 1
        assert len(images) == has_image
        return (images[0] if has_image else None), reports[0]

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        future = self._client(service_type, name).call_async(request)
        wait_until(future.done, what=name)
        return future.result()

    def _client(self, service_type: Any, name: str) -> Any:
        """A client that the service has discovered, too: what it answers before that gets lost."""
        if name not in self._clients:
            client = self.node.create_client(service_type, f"restore_node/{name}")
            assert client.wait_for_service(90), f"no service {name}\n{_living_nodes()}"
            ask = client.call_async
            if not any(self._comes(Future.done, ask(HARMLESS[service_type]), s) for s in PATIENCE_S):
                raise AssertionError(f"{name} does not answer\n{_living_nodes()}")
            self._clients[name] = client
        return self._clients[name]

    def set_parameters(self, **values: object) -> tuple[bool, str]:
        """Set several at once; (whether accepted, reason)."""
        parameters = [Parameter(n.replace("__", "."), value=v).to_parameter_msg() for n, v in values.items()]
        request = SetParametersAtomically.Request(parameters=parameters)
        result = self.call(SetParametersAtomically, "set_parameters_atomically", request).result
        return result.successful, result.reason

    def must_set(self, **values: object) -> None:
        accepted, reason = self.set_parameters(**values)
        assert accepted, reason

    def transition(self, label: str) -> bool:
        return self.transition_by_id(TRANSITIONS[label])

    def transition_by_id(self, number: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=number))
        return bool(self.call(ChangeState, "change_state", request).success)

    def state(self) -> str:
        return str(self.call(GetState, "get_state", GetState.Request()).current_state.label)

    def diagnostic(self, name_end: str) -> Any:
        """The latest status whose name ends so; None before there is one."""
        for message in reversed(list(self.diagnostics)):
            for status in message.status:
                if status.name.endswith(name_end):
                    return status
        return None
