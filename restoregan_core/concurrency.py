# SPDX-License-Identifier: Apache-2.0
"""Doing two things at once, or several stages of a stream, in order and with bounded memory."""

import functools
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import cv2

Item = TypeVar("Item")
Mapped = TypeVar("Mapped")
One = TypeVar("One")
Other = TypeVar("Other")

_END: Any = object()


def half_of_the_cores() -> int:
    """Threads for a network that other work runs beside; at least 1."""
    return max(1, (os.cpu_count() or 2) // 2)


def both(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """What two functions return, computed at once where OpenCV may use two threads, else one after the other.

    For work of some milliseconds that OpenCV does not divide itself. An exception of either comes here, of ``one`` if
    both raise; neither runs on after that.
    """
    if cv2.getNumThreads() < 2:
        return one(), other()
    running = _helper().submit(other)
    try:
        result = one()
    except BaseException:
        if not running.cancel():
            running.exception()
        raise
    # What the helper has not begun, because other threads keep it busy, is not waited for.
    return result, other() if running.cancel() else running.result()


@functools.cache
def _helper() -> ThreadPoolExecutor:
    """Kept, since a thread takes a tenth of a millisecond to start. It sleeps between two calls."""
    return ThreadPoolExecutor(1, "both")


# A forked child inherits the pool without its thread, and would wait for it for ever.
os.register_at_fork(after_in_child=_helper.cache_clear)


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
