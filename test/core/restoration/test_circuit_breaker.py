# SPDX-License-Identifier: Apache-2.0
import pytest

from restoregan_core.restoration.circuit_breaker import CircuitBreaker, CircuitLimits


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def test_opens_after_faults_in_a_row_only():
    circuit = CircuitBreaker(CircuitLimits(opens_after=3), Clock())
    for _ in range(5):  # never three in a row
        circuit.count_fault()
        circuit.count_fault()
        assert circuit.admits()
        circuit.count_success()
    for _ in range(3):
        assert circuit.admits()
        circuit.count_fault()
    assert not circuit.admits()


def test_circuit_probes_after_its_rest_and_closes_on_success():
    clock = Clock()
    circuit = CircuitBreaker(CircuitLimits(opens_after=2, probe_after_s=5), clock)
    circuit.count_fault()
    circuit.count_fault()
    clock.now_s += 4.9
    assert not circuit.admits()
    clock.now_s += 0.1
    assert circuit.admits()
    circuit.count_success()
    circuit.count_fault()
    assert circuit.admits(), "one fault after a success does not open it again"


def test_failed_probe_lets_the_circuit_rest_again():
    clock = Clock()
    circuit = CircuitBreaker(CircuitLimits(opens_after=1, probe_after_s=5), clock)
    circuit.count_fault()
    clock.now_s += 5
    assert circuit.admits()
    circuit.count_fault()
    assert not circuit.admits()
    clock.now_s += 5
    assert circuit.admits()


def test_description_tells_the_three_states_apart():
    clock = Clock()
    circuit = CircuitBreaker(CircuitLimits(opens_after=1, probe_after_s=5), clock)
    assert circuit.describe().startswith("circuit closed")
    circuit.count_fault()
    clock.now_s += 2
    assert circuit.describe() == "circuit open, next probe in 3.0 s, 1 faults in a row"
    clock.now_s += 3
    assert "half-open" in circuit.describe()


def test_while_a_probe_is_out_no_other_frame_is_admitted():
    clock = Clock()
    circuit = CircuitBreaker(CircuitLimits(opens_after=1, probe_after_s=5), clock)
    circuit.count_fault()
    clock.now_s += 5
    assert [circuit.admits() for _ in range(3)] == [True, False, False]
    clock.now_s += 5
    assert circuit.admits(), (
        "a probe that nobody counted does not keep the network from ever being tried again"
    )
    circuit.count_success()
    assert [circuit.admits() for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize("values", [{"opens_after": 0}, {"probe_after_s": float("inf")}])
def test_impossible_limits_are_refused_by_name(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        CircuitLimits(**values)
