# SPDX-License-Identifier: Apache-2.0
"""Where frames wait: a slot of one for each camera, and whose turn on the worker it is.

Turns are taken by stride scheduling (Waldspurger and Weihl, 1995): each camera has a time at which it is next
due, which moves on by 1 / priority with every turn. With equal priorities that is round-robin: a frame waits
for at most one turn of each other camera, after what is left of the one in progress.
"""

import threading
import time
from collections.abc import Callable

from restoregan_ros.frame import Frame


class Slots:
    """Shared by the thread that receives, the worker and the watchdog.

    Args:
        priority_of: camera name -> turns relative to the others', at least 1.
    """

    def __init__(self, priority_of: Callable[[str], int]) -> None:
        self._priority_of = priority_of
        self._changed = threading.Condition()
        self._waiting: dict[str, Frame] = {}
        self._due: dict[str, float] = {}
        self._last_turn: dict[str, int] = {}
        self._now_due = 0.0
        self._turns = 0
        self._in_work: tuple[Frame, float] | None = None
        self._is_closed = False

    @property
    def in_work(self) -> tuple[Frame, float] | None:
        """The frame that the worker has, and since when (steady clock, seconds)."""
        return self._in_work

    def is_idle(self, camera: str) -> bool:
        """Whether no frame of this camera waits or is being worked on."""
        with self._changed:
            in_work = self._in_work
            return camera not in self._waiting and (in_work is None or in_work[0].camera != camera)

    def put(self, frame: Frame) -> bool:
        """Let a frame wait for the worker; returns whether it took the place of an older one."""
        with self._changed:
            superseded = frame.camera in self._waiting
            self._waiting[frame.camera] = frame
            if not superseded:  # a camera that paused has saved up no turns
                self._due[frame.camera] = max(self._due.get(frame.camera, 0.0), self._now_due)
            self._changed.notify()
            return superseded

    def take(self) -> Frame | None:
        """Wait for a frame and hand it to the worker, which must call ``done`` after it; None once closed."""
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return None
            frame = self._waiting.pop(min(self._waiting, key=self._turn))
            self._now_due = self._due[frame.camera]
            self._due[frame.camera] += 1.0 / self._priority_of(frame.camera)
            self._turns += 1
            self._last_turn[frame.camera] = self._turns
            self._in_work = (frame, time.monotonic())
            return frame

    def done(self) -> None:
        self._in_work = None

    def take_received_until(self, limit_s: float) -> list[Frame]:
        """Remove and return the waiting frames that came in at ``limit_s`` (steady clock) or before."""
        with self._changed:
            late = [frame for frame in self._waiting.values() if frame.received_s <= limit_s]
            for frame in late:
                del self._waiting[frame.camera]
            return late

    def oldest_received_s(self) -> float | None:
        """When the oldest frame that waits or is being worked on came in; None if there is none."""
        with self._changed:
            times = [frame.received_s for frame in self._waiting.values()]
            if self._in_work is not None and not self._in_work[0].is_settled:
                times.append(self._in_work[0].received_s)
            return min(times, default=None)

    def close(self) -> None:
        """Forget the waiting frames and let the worker return."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _turn(self, camera: str) -> tuple[float, int]:
        return self._due[camera], self._last_turn.get(camera, 0)
