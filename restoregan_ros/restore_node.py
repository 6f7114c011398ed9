# SPDX-License-Identifier: Apache-2.0
"""restore_node: camera topics in, restored topics and reports out. Lifecycle wiring and ``main``.

configure loads and warms the network and creates the publishers; activate subscribes and starts worker and
watchdog; deactivate stops them; cleanup frees everything. Topics and limits: README.md; parameters: docs/parameters.md.
"""

import argparse
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from restoregan_ros.memory_arenas import limit_arenas

if "rclpy" not in sys.modules:  # it starts threads when it is imported, each of which would get an arena
    limit_arenas()

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.msg import SetParametersResult
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from restoregan_core.stop_signal import StopSignal
from restoregan_ros import pipeline_setup
from restoregan_ros.camera_stream import CameraStream
from restoregan_ros.diagnostics import camera_statuses, node_status
from restoregan_ros.diagnostics_publisher import DiagnosticsPublisher
from restoregan_ros.frame import Frame
from restoregan_ros.ignored_parameters import ignored_parameters
from restoregan_ros.lifecycle_answers import answer_every_transition
from restoregan_ros.outcome import DISABLED
from restoregan_ros.parameters import NodeSettings, Settings, Value, declare_parameters
from restoregan_ros.shared_memory import shortage
from restoregan_ros.shedding import LoadShedder
from restoregan_ros.slots import Slots
from restoregan_ros.watchdog import Watchdog
from restoregan_ros.worker import Worker

if TYPE_CHECKING:
    from restoregan_core.pipeline import RestorationPipeline

OpenPipeline = Callable[[NodeSettings], "RestorationPipeline"]
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
STOP_TIMEOUT_S = 1.0
HAS_POST_SET_CALLBACKS = hasattr(LifecycleNode, "add_post_set_parameters_callback")
"""Humble has none: there a change is applied where it is checked."""


class RestoreNode(LifecycleNode):
    """Restores what the cameras of its parameters send.

    Args:
        open_pipeline: settings -> pipeline, called in configure.
        must_stop: whether the process was asked to end; ends a long configure.

    Raises:
        ValueError, or rclpy's parameter exceptions: invalid parameters.
    """

    def __init__(
        self,
        open_pipeline: OpenPipeline = pipeline_setup.open_pipeline,
        must_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__("restore_node")
        self._open_pipeline = open_pipeline
        self._must_stop = must_stop
        self._settings = declare_parameters(self)
        self._pipeline: RestorationPipeline | None = None
        self._streams: dict[str, CameraStream] = {}
        self._slots: Slots | None = None
        self._worker: Worker | None = None
        self._watchdog: Watchdog | None = None
        self._shedder: LoadShedder | None = None
        self._runtime = "not configured"
        self._state = "unconfigured"
        self.add_on_set_parameters_callback(self._check_parameters)
        if HAS_POST_SET_CALLBACKS:
            self.add_post_set_parameters_callback(self._apply_parameters)
        answer_every_transition(self)
        self._diagnostics = DiagnosticsPublisher(self, self._diagnose)
        if line := ignored_parameters(self):
            self.get_logger().warning(line)

    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @property
    def is_finalized(self) -> bool:
        """Whether the lifecycle has ended; only a signal is left to come."""
        return self._state == "finalized"

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        settings = self._settings.node
        try:
            pipeline = self._load(settings)
            if pipeline is None:
                return FAILURE
            for camera in settings.cameras:
                stream = CameraStream(
                    self, camera, self.settings, pipeline.model, self._diagnostics.is_wanted
                )
                self._streams[camera] = stream
        except Exception as error:
            self.get_logger().error(f"cannot configure: {type(error).__name__}: {error}")
            self._free()
            return FAILURE
        self._pipeline = pipeline
        self._runtime = pipeline.restorer.describe()
        self._state = "inactive"
        self.get_logger().info(f"configured: {pipeline.model} by {self._runtime}")
        return SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._pipeline is not None
        try:
            for stream in self._streams.values():
                stream.subscribe(self._take_frame)
        except Exception as error:
            self.get_logger().error(f"cannot activate: {type(error).__name__}: {error}")
            for stream in self._streams.values():
                stream.unsubscribe()
            return FAILURE
        # Made only now, since what was never started cannot be stopped. No frame comes in before this returns:
        # one thread runs all callbacks.
        self._slots = Slots(self._priority_of)
        self._shedder = LoadShedder(self._settings.node.cameras, self._priority_of)
        self._worker = Worker(
            self._pipeline, self._slots, self._streams, self.settings, self._shedder, self._log_fault
        )
        self._watchdog = Watchdog(self._slots, self._streams, self.settings, self.get_logger().error)
        self._worker.start()
        self._watchdog.start()
        self._state = "active"
        self.get_logger().info(f"active: {', '.join(self._settings.node.cameras)}")
        return SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        # A worker that hangs is ended, with the process, by the watchdog.
        self._stop_threads(timeout_s=None)
        self._state = "inactive"
        return SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        self._state = "unconfigured"
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_threads(STOP_TIMEOUT_S)
        self._free()
        self._state = "finalized"
        return SUCCESS

    def _load(self, settings: NodeSettings) -> "RestorationPipeline | None":
        """Load and warm up in a thread, so that a signal need not wait for an engine that takes minutes."""
        outcome: list[RestorationPipeline | Exception] = []
        open_pipeline = self._open_pipeline  # not by way of self: an interrupted load outlives the node

        def load() -> None:
            try:
                pipeline = open_pipeline(settings)
                pipeline_setup.warm_up(pipeline, settings)
                outcome.append(pipeline)
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=load, name="configure", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            if self._must_stop() and thread.is_alive():
                self.get_logger().info("configure was interrupted")
                return None
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _priority_of(self, camera: str) -> int:
        return self._settings.cameras[camera].priority

    def _take_frame(self, frame: Frame) -> None:
        assert self._slots is not None
        assert self._watchdog is not None
        assert self._shedder is not None
        settings, stream = self._settings, self._streams[frame.camera]
        is_enabled = settings.node.enabled and settings.cameras[frame.camera].enabled
        if not is_enabled and self._slots.is_idle(frame.camera) and stream.can_pass_at_once(frame):
            stream.deliver(frame, DISABLED)
            return
        self._shedder.count_received(frame.camera)
        if self._slots.put(frame):
            stream.statistics.count_superseded()
        if self._watchdog.worker_is_overdue:
            self._watchdog.wake()

    def _check_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            self._settings.changed(values_of(parameters))
        except (ValueError, TypeError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        if not HAS_POST_SET_CALLBACKS:
            self._apply_parameters(parameters)
        return SetParametersResult(successful=True)

    def _apply_parameters(self, parameters: list[Parameter]) -> None:
        self._settings = self._settings.changed(values_of(parameters))
        if self._watchdog is not None:
            self._watchdog.wake()

    def _diagnose(self) -> list[DiagnosticStatus]:
        name, settings = self.get_fully_qualified_name().lstrip("/"), self._settings.node
        model = "" if self._pipeline is None else self._pipeline.model
        is_overdue = self._watchdog is not None and self._watchdog.worker_is_overdue
        statuses = [node_status(name, self._state, model, self._runtime, settings.mode, is_overdue)]
        if self._worker is not None:
            now_ns = self.get_clock().now().nanoseconds
            for stream in self._streams.values():
                snapshot = stream.statistics.snapshot()
                is_shed = self._shedder is not None and stream.camera in self._shedder.shed
                statuses += camera_statuses(
                    stream.camera, snapshot, settings, now_ns, is_shed=is_shed and settings.shed_load
                )
        return statuses

    def _log_fault(self, line: str) -> None:
        self.get_logger().error(line, throttle_duration_sec=1.0)

    def _stop_threads(self, timeout_s: float | None) -> None:
        for stream in self._streams.values():
            stream.unsubscribe()
        if self._worker is not None and not self._worker.stop(timeout_s):
            self.get_logger().warning("the worker is still busy; not waiting for it")
            self._pipeline = None  # which must not be closed under its hands
        if self._watchdog is not None:
            self._watchdog.stop()
        self._worker = self._watchdog = self._slots = self._shedder = None

    def _free(self) -> None:
        for stream in self._streams.values():
            stream.destroy()
        self._streams = {}
        if self._pipeline is not None:
            self._pipeline.restorer.close()
        self._pipeline = None
        self._runtime = "not configured"


def values_of(parameters: list[Parameter]) -> dict[str, Value]:
    """Name -> value, as ``Settings.changed`` takes them."""
    return {p.name: tuple(p.value) if isinstance(p.value, list) else p.value for p in parameters}


class _ToRosLog(logging.Handler):
    """Hands what the core logs to the node's log."""

    def __init__(self, node: RestoreNode) -> None:
        super().__init__()
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {record.exc_info[1]!r}"
        if record.levelno >= logging.ERROR:
            self._logger.error(text, throttle_duration_sec=1.0)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text, throttle_duration_sec=1.0)
        else:
            self._logger.info(text)


def parse_arguments(argv: Sequence[str]) -> None:
    """Answer --help, and refuse what would have no effect: all else is said behind --ros-args."""
    parser = argparse.ArgumentParser(
        prog="restore_node",
        usage="restore_node [-h] [--ros-args ...]",
        description="Restore the images of a vehicle's cameras: <camera>/image_raw in, <camera>/restored/image_raw"
        " and <camera>/restored/report out. It is set by ROS parameters, which docs/parameters.md lists.",
        epilog="examples:\n"
        "  restore_node --ros-args -p cameras:='[front, left]' -p mode:=monitor -p autostart:=true\n"
        "  restore_node --ros-args --params-file restore.param.yaml -r __ns:=/car\n"
        "  ros2 launch restoregan_ros restore.launch.py --show-args    # the usual way: with shared memory for images",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.error(f"{' '.join(unknown)}: parameters and remaps stand behind --ros-args (-p mode:=monitor)")


def main(
    argv: Sequence[str] | None = None, open_pipeline: OpenPipeline = pipeline_setup.open_pipeline
) -> int:
    """Run the node until SIGINT or SIGTERM; 0 after these, 2 for invalid parameters or files of them."""
    try:
        parse_arguments(remove_ros_args(sys.argv if argv is None else ["restore_node", *argv])[1:])
        stop = StopSignal()
        rclpy.init(args=None if argv is None else list(argv), signal_handler_options=SignalHandlerOptions.NO)
        node = RestoreNode(open_pipeline, lambda: bool(stop))
    except Exception as error:
        print(f"restore_node: {type(error).__name__}: {error}", file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    if warning := shortage():
        node.get_logger().warning(warning)
    core_logger = logging.getLogger("restoregan_core")
    core_logger.addHandler(_ToRosLog(node))
    core_logger.setLevel(logging.INFO)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    stop.wakes(executor.wake)
    if node.settings().node.autostart and node.trigger_configure() == SUCCESS:
        node.trigger_activate()
    while not stop:
        try:
            executor.spin_once(timeout_sec=0.2)
        except Exception as error:  # a fault of one callback is not a reason to leave the cameras alone
            node.get_logger().error(f"{type(error).__name__}: {error}", throttle_duration_sec=1.0)
    node.get_logger().info("stopping")
    if not node.is_finalized:  # by a service call
        node.trigger_shutdown()
    executor.shutdown()
    node.destroy_node()
    # A lifecycle node's state machine keeps the DDS participant until the node is collected, and a participant that is
    # not taken down leaves its shared memory behind.
    stop.wakes(lambda: None)  # it holds the executor, and that its last task's node
    del node, executor
    gc.collect()
    rclpy.try_shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the interpreter's end: a network that still runs in its thread would crash there.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
