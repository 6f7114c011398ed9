# SPDX-License-Identifier: Apache-2.0
"""Doing several stages of a stream at once, in order, with bounded memory."""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Mapped = TypeVar("Mapped")

_END: Any = object()


def half_of_the_cores() -> int:
    """Threads for a network that other work runs beside; at least 1."""
    return max(1, (os.cpu_count() or 2) // 2)


def prefetched(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """The same items, produced in a thread of their own at most ``depth`` ahead; its exceptions come here."""
    ahead: queue.Queue[Any] = queue.Queue(depth)
    stop = threading.Event()

    def put(entry: Any) -> bool:
        while not stop.is_set():
            try:
                ahead.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((_END, None))
        except BaseException as error:
            put((_END, error))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ahead.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stop.set()
        thread.join()


def mapped(
    executor: Executor, function: Callable[[Item], Mapped], items: Iterable[Item], depth: int
) -> Iterator[Mapped]:
    """``function`` of each item, in order, computed by ``executor`` at most ``depth`` ahead."""
    running: deque[Future[Mapped]] = deque()
    for item in items:
        running.append(executor.submit(function, item))
        if len(running) > depth:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


class InOrder(Generic[Item]):
    """Consumes futures in the order in which they were put, in a thread of its own.

    Args:
        consume: gets each result. An exception of it, or of a future, ends the consuming and is raised by
            the next ``put`` or by ``close``.
        depth: ``put`` waits while so many are under way.
    """

    def __init__(self, consume: Callable[[Item], None], depth: int) -> None:
        self._consume = consume
        self._queue: queue.Queue[Future[Item] | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="in-order", daemon=True)
        self._thread.start()

    def put(self, future: "Future[Item]") -> None:
        """Hand one over."""
        if self._error is not None:
            raise self._error
        self._queue.put(future)

    def close(self) -> None:
        """Wait until all is consumed."""
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (future := self._queue.get()) is not None:
            if self._error is not None:
                continue  # keep emptying, so that put never blocks for ever
            try:
                self._consume(future.result())
            except BaseException as error:
                self._error = error
