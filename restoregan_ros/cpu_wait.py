# SPDX-License-Identifier: Apache-2.0
"""How long this process was ready to go on and had to wait, since others had all the CPUs."""

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_THREADS = Path("/proc/self/task")


class _Account(NamedTuple):
    is_ready: bool
    """To run; or it runs."""
    ran_ns: int
    waited_ns: int
    """For a CPU, up to the last time that it got one."""


class CpuWait:
    """Counts from when it is made, by the accounts that the kernel keeps of each thread; other systems keep none."""

    def __init__(self) -> None:
        self._last = _accounts()
        self._made_s = time.monotonic()
        self._waited_s = 0.0

    def look(self) -> tuple[float, bool]:
        """What this process has waited up to now; to be asked again and again.

        Returns:
            Seconds, the sum over the times between two looks of what the thread waited that waited longest, since
            threads wait for each other: one has no CPU, then the next; and whether one waits at this moment: it is
            ready, and has not run since the last look. How long that takes is in its account only once it runs.
        """
        before, self._last = self._last, _accounts()
        waited_ns = (
            account.waited_ns - (before[thread].waited_ns if thread in before else 0)
            for thread, account in self._last.items()
        )
        # What two threads waited at once may be booked between different looks.
        self._waited_s = min(
            self._waited_s + max(waited_ns, default=0) / 1e9, time.monotonic() - self._made_s
        )
        is_waiting = any(
            account.is_ready and before.get(thread) == account for thread, account in self._last.items()
        )
        return self._waited_s, is_waiting


def _accounts() -> dict[int, _Account]:
    """Of each thread but this one."""
    found: dict[int, _Account] = {}
    with suppress(OSError):
        for folder in _THREADS.iterdir():
            if int(folder.name) == threading.get_native_id():
                continue
            with suppress(OSError, ValueError, IndexError):  # it has ended
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                ran_ns, waited_ns = (folder / "schedstat").read_text().split()[:2]
                found[int(folder.name)] = _Account(state == "R", int(ran_ns), int(waited_ns))
    return found
