# SPDX-License-Identifier: Apache-2.0
"""Does the node come back to the same memory? What benchmarks/endurance.py compares: readings of a known state.

Between them memory is a saw-tooth: a clean-up frees the graphs that were compiled for each size of frame, and they come
again as the sizes do. So at intervals the node is cleaned up, configured and activated with the same parameters, and
gets a frame of each size and encoding in the same order; then it is read.
"""

import itertools
import statistics
import time
from dataclasses import dataclass

from endurance_bench import BYTES_PER_PIXEL, Drivers, Listener, Vitals
from ros_probe import Probe, wait_until
from scipy.stats import linregress

PARAMETERS = {
    "enabled": True, "preset": "always", "deadline_ms": 5000.0, "front.enabled": True, "front.priority": 1,
    "blur_on_threshold": -1.0, "blur_off_threshold": -1.0, "shed_load": False,
    "max_pixel_change": 128, "stale_after_s": 5.0,
}  # fmt: skip
AFTERWARDS = {"preset": "balanced", "shed_load": True, "deadline_ms": 2000.0}
FRAME_TIMEOUT_S = 10.0
TRIES = 10


@dataclass(frozen=True)
class Trend:
    """How the readings of one thing went. Early and late are medians of the first and of the last third of them."""

    early: float
    late: float
    growth: float
    """From early to late, as a share."""
    slope_per_h: float
    """Of the least-squares line through all readings; NaN for fewer than three."""
    slope_error_per_h: float
    """Its standard error."""


def trend(times_s: list[float], values: list[float]) -> Trend:
    """The trend of readings; at least one."""
    third = max(1, len(values) // 3)
    early, late = statistics.median(values[:third]), statistics.median(values[-third:])
    slope = error = float("nan")
    if len(values) > 2:
        line = linregress([time_s / 3600 for time_s in times_s], values)
        slope, error = float(line.slope), float(line.stderr)
    return Trend(early, late, late / early - 1, slope, error)


class KnownStates:
    """Brings the node to the known state and keeps what was read there."""

    def __init__(
        self,
        control: Probe,
        drivers: Drivers,
        listener: Listener,
        vitals: Vitals,
        sizes: list[tuple[int, int]],
    ) -> None:
        self._control, self._drivers, self._listener, self._vitals = control, drivers, listener, vitals
        self._kinds = [(encoding, size, False) for size in sizes for encoding in BYTES_PER_PIXEL]
        self.times_s: list[float] = []
        self.readings: list[tuple[float, ...]] = []

    def read(self) -> None:
        """Expects a node that was just activated with ``PARAMETERS``, and drivers that are paused."""
        for kind, camera in zip(self._kinds, itertools.cycle(self._drivers.cameras)):
            tries = (self._is_restored(self._drivers.send(camera, kind)) for _ in range(TRIES))
            assert any(tries), f"{camera} got none of {TRIES} frames restored"
        time.sleep(2.0)  # what else it does goes on meanwhile, such as publishing diagnostics
        self.times_s.append(time.monotonic())
        self.readings.append(self._vitals.look())

    def _is_restored(self, stamp: int) -> bool:
        """The node may not have discovered the driver, or this side the node, or the frame may have missed its deadline
        while the network was compiled for its size; then it is sent again."""
        try:
            return wait_until(lambda: stamp in self._listener.restored, FRAME_TIMEOUT_S)
        except AssertionError:
            return False

    def trends(self) -> dict[str, Trend]:
        """By name of what was read."""
        columns = zip(*self.readings, strict=True)
        return {
            name: trend(self.times_s, list(column))
            for name, column in zip(Vitals.NAMES, columns, strict=True)
        }

    def memory(self) -> list[str]:
        """Each reading of it, and after how many minutes."""
        minutes = [(time_s - self.times_s[0]) / 60 for time_s in self.times_s]
        return [
            f"{reading[0]:.1f} ({after:.0f})" for after, reading in zip(minutes, self.readings, strict=True)
        ]
