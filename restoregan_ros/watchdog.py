# SPDX-License-Identifier: Apache-2.0
"""Owns the deadline: publishes the source frame when the worker does not come back in time.

It runs in a thread of its own and never calls the network. While the worker is overdue, it serves the new
frames of every camera itself, as they come. A worker that stays away for ``hang_timeout_s`` cannot be stopped
from within Python: the process ends, non-zero, and launch starts it again. The time in which others had the CPUs does
not count: on a machine that is that busy, starting again would take longest of all.
"""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping

from restoregan_ros.camera_stream import CameraStream
from restoregan_ros.cpu_wait import CpuWait
from restoregan_ros.frame import Frame
from restoregan_ros.outcome import DISABLED, MISSED
from restoregan_ros.parameters import Settings
from restoregan_ros.slots import Slots

EXIT_HUNG = 70
"""EX_SOFTWARE of sysexits.h."""
LONG_S = 0.2
"""A worker that has been at a frame for so long is looked at for how long it waits for a CPU, so often."""


class Watchdog:
    """Watches ``slots`` until stopped.

    Args:
        streams: camera -> where its frames are delivered.
        settings: gives the settings in force.
        log_error: takes one line.
        exit_process: called with the exit code when the worker hangs; does not return.
    """

    def __init__(
        self,
        slots: Slots,
        streams: Mapping[str, CameraStream],
        settings: Callable[[], Settings],
        log_error: Callable[[str], object],
        exit_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._slots = slots
        self._streams = streams
        self._settings = settings
        self._log_error = log_error
        self._exit_process = exit_process
        self._wake = threading.Event()
        self._is_stopping = False
        self._long: Frame | None = None
        """The frame that the worker has been at for ``LONG_S``."""
        self._cpu_wait = CpuWait()
        """Since then."""
        self._waited_s, self._is_waiting, self._looked_s = 0.0, False, 0.0
        """What it said, and when."""
        self._said_s = 0.0
        """How long the worker had been away with that frame when the log last told of it."""
        self._armed_until_s = 0.0
        self.worker_is_overdue = False
        """While true, a frame that was put into its slot is announced by ``wake``."""
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping = True
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """A new frame came while the worker is overdue, or the settings changed."""
        self._wake.set()

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            try:
                wait_s = self._look()
            except Exception as error:
                self._log_error(f"watchdog: {type(error).__name__}: {error}")
                wait_s = 0.1
            self._wake.wait(wait_s)
        faulthandler.cancel_dump_traceback_later()

    def _look(self) -> float:
        """Serve what is late; returns for how many seconds nothing else can become late."""
        settings = self._settings().node
        self._arm_last_resort(settings.hang_timeout_s)
        deadline_s = settings.deadline_ms / 1e3
        now_s = time.monotonic()
        in_work = self._slots.in_work
        if in_work is not None and now_s - in_work[1] >= min(LONG_S, settings.hang_timeout_s / 4):
            self._account(in_work[0], now_s)
        self.worker_is_overdue = in_work is not None and now_s >= in_work[0].received_s + deadline_s
        if in_work is not None and self.worker_is_overdue:
            self._serve(in_work[0])
            if in_work[0] is self._long:
                self._check_hang(in_work[0], now_s - in_work[1], settings.hang_timeout_s)
        for frame in self._slots.take_received_until(now_s if self.worker_is_overdue else now_s - deadline_s):
            self._serve(frame)
        oldest_s = self._slots.oldest_received_s()
        # Any frame that comes later has a later deadline, so one deadline is never slept over.
        wait_s = deadline_s if oldest_s is None else oldest_s + deadline_s - time.monotonic()
        return min(max(wait_s, 0.001), deadline_s, 0.05 if self.worker_is_overdue else 1.0)

    def _serve(self, frame: Frame) -> None:
        settings = self._settings()
        is_enabled = settings.node.enabled and settings.cameras[frame.camera].enabled
        self._streams[frame.camera].deliver(frame, MISSED if is_enabled else DISABLED)

    def _account(self, frame: Frame, now_s: float) -> None:
        """Before the frame is late, too: a deadline may be as long as half of what counts as a hang."""
        if self._long is not frame:
            self._long, self._cpu_wait, self._said_s = frame, CpuWait(), 0.0
            self._waited_s, self._is_waiting, self._looked_s = 0.0, False, now_s
        elif now_s >= self._looked_s + LONG_S:
            self._waited_s, self._is_waiting = self._cpu_wait.look()
            self._looked_s = now_s

    def _check_hang(self, frame: Frame, away_s: float, hang_timeout_s: float) -> None:
        if not self._said_s and away_s >= min(1.0, hang_timeout_s / 2):
            self._said_s = away_s
            self._log_error(
                f"the worker has not come back with a frame of {frame.camera} for {away_s:.1f} s; sources are"
                f" published untouched, and the process exits after {hang_timeout_s:g} s"
            )
        if away_s < hang_timeout_s:
            return
        if away_s - self._waited_s >= hang_timeout_s and not self._is_waiting:
            self._log_error(f"the worker hangs since {away_s:.1f} s: exiting with code {EXIT_HUNG}")
            faulthandler.dump_traceback(all_threads=True)
            sys.stderr.flush()
            self._exit_process(EXIT_HUNG)
        elif away_s >= self._said_s + hang_timeout_s:
            self._said_s = away_s
            self._log_error(
                f"the worker has been away for {away_s:.1f} s, but waits for a CPU, or did for"
                f" {self._waited_s:.1f} s of it: this machine has too much to do. Sources are published untouched"
            )

    def _arm_last_resort(self, hang_timeout_s: float) -> None:
        """Native code that hangs with the interpreter's lock stops this thread: then C ends the process."""
        now_s = time.monotonic()
        if now_s >= self._armed_until_s:
            faulthandler.dump_traceback_later(2 * hang_timeout_s + 5, exit=True)
            self._armed_until_s = now_s + 1.0
