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
            outcome = self._outcome(frame)
            delivered = stream.deliver(frame, outcome)
        except Exception as error:  # of decoding, encoding or publishing; the pipeline contains its own
            outcome = failure_of(error)
            delivered = stream.deliver(frame, outcome)
        if outcome.detail:
            self._log_fault(f"{frame.camera}: {outcome.detail}")
        if delivered and outcome.result is not None:
            stream.publish_overlay(frame, outcome)

    def _outcome(self, frame: Frame) -> Outcome:
        settings = self._settings()
        if not (settings.node.enabled and settings.cameras[frame.camera].enabled):
            return DISABLED
        self._apply(settings.node)
        is_asked_for = settings.node.mode == "restore" and self._streams[frame.camera].image_is_wanted()
        has_time = self._shedder.may_restore(frame.camera) or not settings.node.shed_load
        started_s = time.monotonic()
        result = self._pipeline.process(
            frame.source.rgb_HWC,
            camera=frame.camera,
            restore=is_asked_for and has_time,
            stamp_s=frame.source.stamp_s,
        )
        if is_asked_for:
            self._shedder.count_done(
                frame.camera,
                time.monotonic() - started_s,
                None if math.isnan(result.restoration_ms) else result.restoration_ms / 1e3,
                result.is_wanted,
            )
        reason = result.reason
        if is_asked_for and not has_time:
            reason = Reason.OVERLOAD if result.is_wanted else Reason.NONE
        return Outcome(result.action, reason, result.detail, result)

    def _apply(self, settings: NodeSettings) -> None:
        if settings is not self._applied:
            self._pipeline.settings = replace(
                self._pipeline.settings,
                thresholds=settings.gate_thresholds(),
                output=settings.output_limits(),
                steady_share=settings.steady_share,
            )
            self._applied = settings
