# SPDX-License-Identifier: Apache-2.0
"""The one thread that runs the network: takes the frame whose turn it is, has it judged and delivered."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from restoregan_core.result import Reason
from restoregan_ros.camera_stream import CameraStream
from restoregan_ros.frame import Frame
from restoregan_ros.outcome import DISABLED, Outcome, failure_of
from restoregan_ros.parameters import NodeSettings, Settings
from restoregan_ros.shedding import LoadShedder
from restoregan_ros.slots import Slots

if TYPE_CHECKING:
    from restoregan_core.pipeline import RestorationPipeline


class Worker:
    """Runs ``pipeline`` in a thread of its own until stopped.

    Args:
        streams: camera -> where its frames are delivered.
        settings: gives the settings in force, called for each frame.
        shedder: says whether there is time to restore a camera's frame.
        log_fault: takes one line.
    """

    def __init__(
        self,
        pipeline: "RestorationPipeline",
        slots: Slots,
        streams: Mapping[str, CameraStream],
        settings: Callable[[], Settings],
        shedder: LoadShedder,
        log_fault: Callable[[str], None],
    ) -> None:
        self._pipeline = pipeline
        self._slots = slots
        self._streams = streams
        self._settings = settings
        self._shedder = shedder
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
        stream = self._streams[frame.camera]
        try:
            outcome = self._work_on(frame)
        except Exception as error:  # of decoding, encoding or publishing; the pipeline contains its own
            outcome = failure_of(error)
            stream.deliver(frame, outcome)
        if outcome.detail:
            self._log_fault(f"{frame.camera}: {outcome.detail}")

    def _work_on(self, frame: Frame) -> Outcome:
        """Have a frame judged, restored and published; the image goes out before it is judged itself."""
        settings, stream = self._settings(), self._streams[frame.camera]
        if not (settings.node.enabled and settings.cameras[frame.camera].enabled):
            stream.deliver(frame, DISABLED)
            return DISABLED
        self._apply(settings.node)
        is_asked_for = settings.node.mode == "restore" and stream.image_is_wanted()
        has_time = self._shedder.may_restore(frame.camera) or not settings.node.shed_load
        started_s = time.monotonic()
        under_way = self._pipeline.begin(
            frame.source.rgb_HWC,
            camera=frame.camera,
            restore=is_asked_for and has_time,
            stamp_s=frame.source.stamp_s,
        )
        result = self._pipeline.blend(self._pipeline.run_network(under_way))
        worked_s = time.monotonic() - started_s
        reason = result.reason
        if is_asked_for and not has_time:
            reason = Reason.OVERLOAD if result.is_wanted else Reason.NONE
        outcome = Outcome(result.action, reason, result.detail, result)

        is_published = stream.publish_image(frame, outcome)
        started_s = time.monotonic()
        if is_published:
            outcome = replace(outcome, result=self._pipeline.judge_result(under_way))
        if is_asked_for:
            self._shedder.count_done(
                frame.camera,
                worked_s + time.monotonic() - started_s,
                None if math.isnan(result.restoration_ms) else result.restoration_ms / 1e3,
                result.is_wanted,
            )
        stream.publish_report(frame, outcome)
        if is_published:
            stream.publish_overlay(frame, outcome)
        return outcome

    def _apply(self, settings: NodeSettings) -> None:
        if settings is not self._applied:
            self._pipeline.settings = replace(
                self._pipeline.settings,
                thresholds=settings.gate_thresholds(),
                output=settings.output_limits(),
            )
            self._applied = settings
