# SPDX-License-Identifier: Apache-2.0
"""Two things at once: their results, their exceptions, and no thread where OpenCV may not use two."""

import functools
import os
import threading
from collections.abc import Iterator

import cv2
import pytest

from restoregan_core.concurrency import both


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_threads")
def test_they_run_at_once_and_come_back_in_order() -> None:
    met = threading.Barrier(2, timeout=10)  # breaks if one waits for the other's end

    assert both(lambda: (met.wait(), "one")[1], lambda: (met.wait(), 2)[1]) == ("one", 2)


def test_one_thread_runs_one_after_the_other() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        assert both(threading.get_ident, threading.get_ident) == (threading.get_ident(),) * 2
    finally:
        cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("failing", ["one", "other", "both"])
def test_an_exception_comes_here_when_neither_runs_any_more(failing: str) -> None:
    begun, ended = [], []

    def part(name: str) -> None:
        begun.append(name)
        if failing in (name, "both"):
            raise ValueError(name)
        ended.append(name)

    with pytest.raises(ValueError, match="other" if failing == "other" else "one"):
        both(lambda: part("one"), lambda: part("other"))

    fails = {"one", "other"} if failing == "both" else {failing}
    assert set(ended) == set(begun) - fails


@pytest.mark.usefixtures("two_threads")
def test_one_within_another_does_not_wait_for_itself() -> None:
    within = functools.partial(both, lambda: 1, lambda: 2)

    assert both(within, within) == ((1, 2), (1, 2))


@pytest.mark.usefixtures("two_threads")
def test_a_forked_process_has_a_thread_of_its_own() -> None:
    both(lambda: 1, lambda: 2)  # the parent's thread is there
    child = os.fork()
    if child == 0:
        threading.Timer(20, os._exit, (1,)).start()
        os._exit(0 if both(lambda: 1, lambda: 2) == (1, 2) else 2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
