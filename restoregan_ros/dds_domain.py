# SPDX-License-Identifier: Apache-2.0
"""A DDS domain of one's own, on a machine where others may be at work in theirs."""

import itertools
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

DOMAINS = range(20, 100)
"""Below, people put their robots; above 101 the ports would lie among the ephemeral ones."""
_FIRST_PORT, _PORTS_EACH = 7400, 250  # as the DDS interoperability protocol (DDSI-RTPS, 9.6.2) numbers them
_turn = itertools.count(os.getpid())  # so that one that has just been left rests for a while


@contextmanager
def own_domain(among: Sequence[int] = DOMAINS) -> Iterator[int]:
    """The number of a domain in which no process of this machine is; whoever asks likewise gets another one.

    It is claimed by its last port, which the middleware would give to the 120th participant only, until the block ends
    or the process does.

    Raises:
        RuntimeError: all of them are in use.
    """
    first = next(_turn)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as claim:
        yield _bind(claim, [among[(first + i) % len(among)] for i in range(len(among))])


def _bind(claim: socket.socket, domains: Sequence[int]) -> int:
    """To the last port of the first domain that is free; returns its number."""
    bound = _bound_ports()
    for domain in domains:
        ports = range(_FIRST_PORT + _PORTS_EACH * domain, _FIRST_PORT + _PORTS_EACH * (domain + 1))
        if bound.isdisjoint(ports):
            with suppress(OSError):  # somebody claims it at this moment
                claim.bind(("127.0.0.1", ports[-1]))
                return domain
    raise RuntimeError(
        f"each DDS domain from {min(domains)} to {max(domains)} is in use on this machine: end some nodes"
    )


def _bound_ports() -> set[int]:
    """UDP ports that this machine's processes listen to; none where the system does not list them."""
    ports: set[int] = set()
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                ports.add(int(line.split()[1].rpartition(":")[2], 16))
    return ports
