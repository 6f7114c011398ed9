# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and Ctrl-C as a wish to stop, asked for between two steps."""

import signal
from types import FrameType, TracebackType


class StopRequest:
    """In this context SIGTERM or SIGINT only sets ``signal_number``; a second SIGINT interrupts after all."""

    def __init__(self) -> None:
        self.signal_number = 0
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number
