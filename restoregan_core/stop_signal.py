# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM as a flag, so that work is finished before a process ends."""

import signal
from collections.abc import Callable
from types import FrameType


class StopSignal:
    """Truthy once SIGINT or SIGTERM has come, from its making to the end of its ``with`` block, if it is used in one.

    To be made in the main thread; in a node after ``rclpy.init(signal_handler_options=SignalHandlerOptions.NO)``:
    rclpy's own handlers would shut the context down before anything could be published, recorded or closed.

    Args:
        insist: a second SIGINT interrupts after all. Not for nodes: under ``ros2 launch`` one Ctrl-C brings two.
    """

    def __init__(self, insist: bool = False) -> None:
        self.signal_number = 0
        """Of the latest signal; 0 before the first."""
        self._insist = insist
        self._wake: Callable[[], object] = lambda: None
        self._previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def wakes(self, wake: Callable[[], object]) -> None:
        """Call ``wake`` at a signal, for example an executor's ``wake``, which ends its waiting at once."""
        self._wake = wake

    def __bool__(self) -> bool:
        return self.signal_number != 0

    def __enter__(self) -> "StopSignal":
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._insist and self.signal_number and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number
        self._wake()
