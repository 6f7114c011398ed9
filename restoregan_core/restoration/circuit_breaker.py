# SPDX-License-Identifier: Apache-2.0
"""Lets a network rest that keeps failing: after several faults in a row it gets no frame, until a probe works."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CircuitLimits:
    """How often the network may fail.

    Raises:
        ValueError: a value out of its range.
    """

    opens_after: int = 5
    """Faults in a row after which restoration rests."""
    probe_after_s: float = 5.0
    """Seconds of rest before one frame is tried again."""

    def __post_init__(self) -> None:
        if self.opens_after < 1:
            raise ValueError(f"opens_after is {self.opens_after}; it counts faults, at least 1")
        if not 0.0 <= self.probe_after_s < float("inf"):
            raise ValueError(f"probe_after_s is {self.probe_after_s}; it is a time in seconds, 0 or more")


class CircuitBreaker:
    """The record of one network, shared by all cameras, as the network is.

    Args:
        limits: may be replaced between frames.
        clock_s: the steady clock in seconds.
    """

    def __init__(
        self, limits: CircuitLimits | None = None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = CircuitLimits() if limits is None else limits
        self._clock_s = clock_s
        self._faults_in_a_row = 0
        self._opened_at_s: float | None = None

    def admits(self) -> bool:
        """Whether to give the network a frame now: the circuit is closed, or has rested long enough for a probe.

        The frame that is admitted after a rest is the probe: until it is counted, or another rest has passed, no
        other is admitted.
        """
        if self._opened_at_s is None:
            return True
        if self._rested_s() < self.limits.probe_after_s:
            return False
        self._opened_at_s = self._clock_s()
        return True

    def count_fault(self) -> None:
        """The network raised, or gave what is not finite or was refused. A probe that fails starts another rest."""
        self._faults_in_a_row += 1
        if self._faults_in_a_row >= self.limits.opens_after:
            self._opened_at_s = self._clock_s()

    def count_success(self) -> None:
        """The network worked: closes the circuit."""
        self._faults_in_a_row = 0
        self._opened_at_s = None

    def describe(self) -> str:
        """The circuit's state in one line, for logs and diagnostics."""
        if self._opened_at_s is None:
            return f"circuit closed, {self._faults_in_a_row} faults in a row"
        wait_s = self.limits.probe_after_s - self._rested_s()
        state = (
            f"open, next probe in {wait_s:.1f} s" if wait_s > 0 else "half-open, the next frame is a probe"
        )
        return f"circuit {state}, {self._faults_in_a_row} faults in a row"

    def _rested_s(self) -> float:
        assert self._opened_at_s is not None
        return self._clock_s() - self._opened_at_s
