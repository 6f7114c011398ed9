# SPDX-License-Identifier: Apache-2.0
"""A node's memory does not grow with the threads that it has had: they share one arena of malloc's."""

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from restoregan_ros.memory_arenas import limit_arenas

HEAP_BYTES = 64 << 20
"""An arena other than the first is made of heaps that reserve so much each, at multiples of it."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is looked at by way of /proc")


def further_heaps(pid: int) -> int:
    """How many heaps of 64 MiB a process has: memory in use, and what is reserved behind it."""
    mappings = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if found := re.fullmatch(r"([0-9a-f]+)-([0-9a-f]+) (\S+) 0+ 00:00 0\s*", line):
            mappings.append((int(found[1], 16), int(found[2], 16), found[3]))
    return sum(
        used[0] % HEAP_BYTES == 0
        and used[2] == "rw-p"
        and reserved[2] == "---p"
        and used[1] == reserved[0]
        and reserved[1] == used[0] + HEAP_BYTES
        for used, reserved in pairwise(mappings)
    )


def test_however_many_threads_a_node_has_they_share_the_first_arena(start_node, make_probe):
    node = start_node(module="obedient_node").wait_active()
    probe = make_probe().wait_connected()
    for label in ("deactivate", "activate") * 4:  # a worker and a watchdog each time
        assert probe.transition(label)
    assert len(list(Path(f"/proc/{node.process.pid}/task").iterdir())) > 4
    assert not further_heaps(node.process.pid)


@pytest.mark.parametrize(
    "environment", [{"MALLOC_ARENA_MAX": "7"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=7"}]
)
def test_a_number_that_the_environment_gives_is_left_alone(environment):
    assert not limit_arenas(environment=environment)
