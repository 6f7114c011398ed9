# SPDX-License-Identifier: Apache-2.0
"""Counts and times of one camera since its activation, as the diagnostics show them."""

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from restoregan_core.result import Action
from restoregan_ros.outcome import Outcome

WINDOW_FRAMES = 1000


@dataclass(frozen=True)
class Snapshot:
    """State at one moment. Rates and mean probabilities are those since the last snapshot; NaN: no frame."""

    received_hz: float
    published_hz: float
    received: int
    published: int
    superseded: int
    rate_limited: int
    failed_open: dict[str, int]
    """Name of the reason -> count."""
    last_failures: dict[str, str]
    """Name of the reason -> what the last frame that failed open for it met, in one line."""
    latency_ms: tuple[float, float, float]
    """p50, p99 and maximum over the last ``WINDOW_FRAMES`` published frames."""
    blur_probability: float
    rain_probability: float
    failed_open_lately: int
    last_received_ros_ns: int | None


class StreamStatistics:
    """Counted by several threads, read by the diagnostics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latencies_ms: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._probabilities: list[tuple[float, float]] = []
        self._failed_open: dict[str, int] = {}
        self._last_failures: dict[str, str] = {}
        self._received = self._published = self._rate_limited = 0
        self._last_received_ros_ns: int | None = None
        self._at_last_snapshot = (time.monotonic(), 0, 0, 0)
        self.superseded = 0

    def count_received(self, ros_ns: int) -> None:
        with self._lock:
            self._received += 1
            self._last_received_ros_ns = ros_ns

    def count_superseded(self) -> None:
        with self._lock:
            self.superseded += 1

    def count_rate_limited(self) -> None:
        with self._lock:
            self._rate_limited += 1

    def count_published(self, outcome: Outcome, latency_ms: float) -> None:
        with self._lock:
            self._published += 1
            self._latencies_ms.append(latency_ms)
            if outcome.action == Action.FAILED_OPEN:
                reason = outcome.reason.name
                self._failed_open[reason] = self._failed_open.get(reason, 0) + 1
                if outcome.detail:
                    self._last_failures[reason] = outcome.detail
            if outcome.result is not None:
                assessment = outcome.result.assessment
                self._probabilities.append((assessment.blur_probability, assessment.rain_probability))

    def snapshot(self) -> Snapshot:
        with self._lock:
            now_s, failed = time.monotonic(), sum(self._failed_open.values())
            then_s, received, published, failed_before = self._at_last_snapshot
            self._at_last_snapshot = (now_s, self._received, self._published, failed)
            elapsed_s = max(now_s - then_s, 1e-3)
            latencies_ms = np.array(self._latencies_ms or [np.nan])
            blur, rain = np.array(self._probabilities or [(np.nan, np.nan)]).mean(axis=0)
            self._probabilities.clear()
            p50, p99 = np.percentile(latencies_ms, [50, 99])
            return Snapshot(
                received_hz=(self._received - received) / elapsed_s,
                published_hz=(self._published - published) / elapsed_s,
                received=self._received,
                published=self._published,
                superseded=self.superseded,
                rate_limited=self._rate_limited,
                failed_open=dict(self._failed_open),
                last_failures=dict(self._last_failures),
                latency_ms=(float(p50), float(p99), float(latencies_ms.max())),
                blur_probability=float(blur),
                rain_probability=float(rain),
                failed_open_lately=failed - failed_before,
                last_received_ros_ns=self._last_received_ros_ns,
            )
