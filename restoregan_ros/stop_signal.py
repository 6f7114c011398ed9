# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM as a flag, so that a node finishes its work before its context goes."""

import signal
from collections.abc import Callable
from types import FrameType


class StopSignal:
    """Truthy once SIGINT or SIGTERM has come. To be made in the main thread, after
    ``rclpy.init(signal_handler_options=SignalHandlerOptions.NO)``: rclpy's own handlers would shut the
    context down before anything could be published, recorded or closed.
    """

    def __init__(self) -> None:
        self.received: list[int] = []
        self._wake: Callable[[], object] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def wakes(self, wake: Callable[[], object]) -> None:
        """Call ``wake`` at a signal, for example an executor's ``wake``, which ends its waiting at once."""
        self._wake = wake

    def __bool__(self) -> bool:
        return bool(self.received)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)
        if self._wake is not None:
            self._wake()
