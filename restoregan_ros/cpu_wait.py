# SPDX-License-Identifier: Apache-2.0
"""How long this process was ready to go on and had to wait, since others had all the CPUs."""

from contextlib import suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


class CpuWait:
    """Counts from when it is made, by the account that the kernel keeps of each thread."""

    def __init__(self) -> None:
        self._before_ns = _waited_ns()

    def longest_s(self) -> float:
        """Of the thread that has waited longest; 0 where the kernel keeps no such account."""
        waited_ns = (total - self._before_ns.get(thread, 0) for thread, total in _waited_ns().items())
        return max(waited_ns, default=0) / 1e9


def _waited_ns() -> dict[str, int]:
    """Thread -> nanoseconds in which it could have run and did not, since it was started."""
    waited: dict[str, int] = {}
    with suppress(OSError):
        for thread in _THREADS.iterdir():
            with suppress(OSError, ValueError, IndexError):  # it has ended
                waited[thread.name] = int((thread / "schedstat").read_text().split()[1])
    return waited
