"""The one thread that runs the network: takes the frame whose turn it is, has it judged and delivered."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from restoregan_ros.camera_stream import Frame
from restoregan_ros.conversions import Outcome, failure_of
from restoregan_ros.msg import RestorationReport
from restoregan_ros.parameters import NodeSettings, Settings
from restoregan_ros.slots import Slots

if TYPE_CHECKING:
    from restoregan_core.pipeline import RestorationPipeline

DISABLED = Outcome(RestorationReport.ACTION_PASSED_THROUGH, RestorationReport.REASON_DISABLED)


class Worker:
    """Runs ``pipeline`` in a thread of its own until stopped.

    Args:
        settings: gives the settings in force, anew for each frame.
        log_fault: takes one line.
    """

    def __init__(
        self,
        pipeline: "RestorationPipeline",
        slots: Slots,
        settings: Callable[[], Settings],
        log_fault: Callable[[str], None],
    ) -> None:
        self._pipeline = pipeline
        self._slots = slots
        self._settings = settings
        self._log_fault = log_fault
        self._applied: NodeSettings | None = None
        # A daemon: a network that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Finish the frame in work, if any, and end; returns whether the thread has ended."""
        self._slots.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (frame := self._slots.take()) is not None:
            try:
                self._serve(frame)
            except Exception as error:
                self._log_fault(f"{frame.camera}: {type(error).__name__}: {error}")
            finally:
                self._slots.done()

    def _serve(self, frame: Frame) -> None:
        try:
            outcome = self._outcome(frame)
            delivered = frame.stream.deliver(frame, outcome)
        except Exception as error:  # of decoding, encoding or publishing; the pipeline contains its own
            outcome = failure_of(error)
            delivered = frame.stream.deliver(frame, outcome)
        if outcome.detail:
            self._log_fault(f"{frame.camera}: {outcome.detail}")
        if delivered and outcome.result is not None:
            frame.stream.publish_overlay(frame, outcome)

    def _outcome(self, frame: Frame) -> Outcome:
        settings = self._settings()
        if not (settings.node.enabled and settings.cameras[frame.camera].enabled):
            return DISABLED
        self._apply(settings.node)
        restores = settings.node.mode == "restore" and frame.stream.image_is_wanted()
        result = self._pipeline.process(frame.source.rgb_HWC, camera=frame.camera, restore=restores)
        return Outcome(int(result.action), int(result.reason), result.detail, result)

    def _apply(self, settings: NodeSettings) -> None:
        if settings is not self._applied:
            self._pipeline.gate.thresholds = settings.gate_thresholds()
            self._pipeline.guard.limits = settings.guard_limits()
            self._applied = settings
