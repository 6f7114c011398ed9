# SPDX-License-Identifier: Apache-2.0
"""Which cameras are restored when the worker cannot keep up with all of them, and which are only assessed.

The order is that of priority, then of the ``cameras`` parameter. The first camera keeps its restoration (frames
that come too fast are superseded, as ever); each next one keeps it while the worker has time for it at the rate
at which it delivers. Where assessing alone takes all of the worker's time, nothing is restored.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PERIOD_S = 1.0
SHED_ABOVE = 1.0
"""Share of the worker's time: more than all of it."""
TAKE_BACK_BELOW = 0.8
_NEWEST_COUNTS = 0.2


@dataclass
class _Load:
    """What one camera costs; times in seconds, a moving average."""

    received: int = 0
    rate_hz: float = 0.0
    judging_s: float = 0.0
    """Everything but restoration."""
    restoring_s: float = 0.0
    wanted_share: float = 0.0
    """Share of its frames that the gate asks to restore."""

    @property
    def judging(self) -> float:
        """Share of the worker's time."""
        return self.rate_hz * self.judging_s

    @property
    def restoring(self) -> float:
        return self.rate_hz * self.wanted_share * self.restoring_s


class LoadShedder:
    """Shared by the thread that receives and the worker.

    Args:
        cameras: in the order of the parameter.
        priority_of: camera name -> its priority, which may change.
        clock: steady, in seconds.
    """

    def __init__(
        self,
        cameras: Sequence[str],
        priority_of: Callable[[str], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loads = {camera: _Load() for camera in cameras}
        self._priority_of = priority_of
        self._clock = clock
        self._lock = threading.Lock()
        self._since_s = clock()
        self._shed: frozenset[str] = frozenset()

    @property
    def shed(self) -> frozenset[str]:
        """Cameras that are only assessed for the time being."""
        return self._shed

    def count_received(self, camera: str) -> None:
        """A frame came in, whether the worker will see it or not."""
        with self._lock:
            self._loads[camera].received += 1

    def may_restore(self, camera: str) -> bool:
        """Whether there is time to restore this camera's frames; decided once in every ``PERIOD_S``."""
        with self._lock:
            elapsed_s = self._clock() - self._since_s
            if elapsed_s >= PERIOD_S:
                self._since_s += elapsed_s
                for load in self._loads.values():
                    load.rate_hz, load.received = load.received / elapsed_s, 0
                self._shed = self._decide()
            return camera not in self._shed

    def count_done(self, camera: str, total_s: float, restoring_s: float | None, is_wanted: bool) -> None:
        """A frame is through the worker.

        Args:
            total_s: what it took of the worker's time.
            restoring_s: of that, the restoration; None where there was none.
            is_wanted: whether the gate asked for restoration, granted or not.
        """
        with self._lock:
            load = self._loads[camera]
            load.judging_s = _moved(load.judging_s, total_s - (restoring_s or 0.0))
            if restoring_s is not None:
                load.restoring_s = _moved(load.restoring_s, restoring_s)
            load.wanted_share += _NEWEST_COUNTS * (float(is_wanted) - load.wanted_share)

    def _decide(self) -> frozenset[str]:
        if len(self._loads) < 2:
            return frozenset()  # nothing to choose between: the slot's newest frame is the best to restore
        used = sum(load.judging for load in self._loads.values())
        if used >= SHED_ABOVE:
            return frozenset(self._loads)
        order = sorted(self._loads, key=lambda camera: -self._priority_of(camera))
        shed = set()
        for place, camera in enumerate(order):
            limit = TAKE_BACK_BELOW if camera in self._shed else SHED_ABOVE
            wish = self._loads[camera].restoring
            if place > 0 and wish > 0 and used + wish > limit:
                shed.add(camera)
            else:
                used += wish
        return frozenset(shed)


def _moved(mean: float, newest: float) -> float:
    return newest if mean == 0.0 else mean + _NEWEST_COUNTS * (newest - mean)
