# SPDX-License-Identifier: Apache-2.0
"""Where a recording starts. A recorder that goes by sim time stamps what comes before the first /clock with 0."""

from collections.abc import Sequence

from restoregan_core.bags.types import Storage

DAY_NS = 24 * 3600 * 10**9


def recording_start(storages: Sequence[Storage]) -> tuple[int, int]:
    """Time of the first message that belongs to the recording, and how many lie before it.

    Messages more than a day before all others do not belong to it, as long as they are the smaller part.
    """
    held = [storage for storage in storages if storage.topics and storage.end_ns]
    start_ns = min((storage.start_ns for storage in held), default=0)
    end_ns = max((storage.end_ns for storage in held), default=0)
    total = sum(topic.count for storage in held for topic in storage.topics)
    aside = 0
    while end_ns - start_ns > DAY_NS:
        next_ns = _first_time(held, start_ns + DAY_NS, end_ns)
        if next_ns is None or _first_time(held, next_ns - DAY_NS, next_ns) is not None:
            break
        early = sum(_count(storage, start_ns, next_ns, total) for storage in held)
        if 2 * (aside + early) >= total:
            break
        start_ns, aside = next_ns, aside + early
    return start_ns, aside


def _first_time(storages: Sequence[Storage], start_ns: int, stop_ns: int) -> int | None:
    times = [_first_of(storage, start_ns, stop_ns) for storage in storages if storage.end_ns >= start_ns]
    return min((time_ns for time_ns in times if time_ns is not None), default=None)


def _first_of(storage: Storage, start_ns: int, stop_ns: int) -> int | None:
    messages = storage.messages([topic.name for topic in storage.topics], start_ns, stop_ns)
    if storage.is_sorted:
        first = next(iter(messages), None)
        return None if first is None else first.time_ns
    return min((message.time_ns for message in messages), default=None)


def _count(storage: Storage, start_ns: int, stop_ns: int, limit: int) -> int:
    """Messages in between; counting ends once they are the larger part of ``limit``."""
    if storage.start_ns >= stop_ns:
        return 0
    count = 0
    for _ in storage.messages([topic.name for topic in storage.topics], start_ns, stop_ns):
        count += 1
        if 2 * count >= limit:
            break
    return count
