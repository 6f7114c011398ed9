# SPDX-License-Identifier: Apache-2.0
"""A signal is a wish that work ends, until somebody insists."""

import os
import signal

import pytest

from restoregan_core.stop_signal import StopSignal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_remembered_and_wakes_who_waits(number):
    woken = []
    with StopSignal() as stop:
        stop.wakes(lambda: woken.append(1))
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert stop.signal_number == number
    assert woken == [1]


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSignal():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_interrupt_counts_only_where_one_may_insist():
    with StopSignal() as patient:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        assert patient
    with StopSignal(insist=True) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert stop
