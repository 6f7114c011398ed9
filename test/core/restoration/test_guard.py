# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restoregan_core.restoration.guard import Guard, GuardError, GuardLimits


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def pictures(seed, height=9, width=7):
    return np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_no_pixel_changes_by_more_than_the_bound_and_smaller_changes_are_kept(seed, bound):
    source, restored = pictures(seed)
    guard = Guard(GuardLimits(max_pixel_change=bound, max_colour_shift=255, max_brightness_shift=255))
    given_back = guard.check(source, restored)
    wanted = source.astype(int) + np.clip(restored.astype(int) - source.astype(int), -bound, bound)
    np.testing.assert_array_equal(given_back, wanted)


def test_neither_picture_is_written_to():
    source, restored = pictures(0)
    source.flags.writeable = restored.flags.writeable = False
    Guard(GuardLimits(max_pixel_change=3, max_colour_shift=255, max_brightness_shift=255)).check(
        source, restored
    )


@pytest.mark.parametrize(("channel", "name"), list(enumerate(["red", "green", "blue"])))
def test_shift_of_a_mean_colour_is_refused_and_named(channel, name):
    source = np.full((8, 8, 3), 100, np.uint8)
    restored = source.copy()
    restored[..., channel] += 18  # 12 more than the mean of the three
    with pytest.raises(GuardError, match=rf"mean {name} moved by \+12"):
        Guard(GuardLimits(max_colour_shift=11)).check(source, restored)
    Guard(GuardLimits(max_colour_shift=12)).check(source, restored)


@pytest.mark.parametrize("shift", [-41, 41])
def test_shift_of_the_mean_brightness_is_refused(shift):
    source = np.full((8, 8, 3), 100, np.uint8)
    restored = (source.astype(int) + shift).astype(np.uint8)
    with pytest.raises(GuardError, match=rf"mean brightness moved by \{shift:+d}"):
        Guard(GuardLimits(max_brightness_shift=40)).check(source, restored)
    Guard(GuardLimits(max_brightness_shift=41)).check(source, restored)


def test_rain_may_be_taken_away_although_that_darkens_the_frame():
    clean = np.random.default_rng(0).integers(0, 150, (64, 64, 3), dtype=np.uint8)
    rainy = clean + np.where(np.arange(64) % 6 == 0, np.uint8(90), np.uint8(0))[:, np.newaxis]
    np.testing.assert_array_equal(Guard().check(rainy, clean), clean)


def test_clamping_does_not_hide_a_shift():
    source, restored = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    with pytest.raises(GuardError):
        Guard(GuardLimits(max_pixel_change=5, max_colour_shift=12)).check(source, restored)


def test_output_of_another_shape_or_type_is_refused():
    source = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match=r"uint8 \(8, 6, 3\)"):
        Guard().check(source, source[:, :6])
    with pytest.raises(ValueError, match="float32"):
        Guard().check(source, source.astype(np.float32))


def test_circuit_opens_after_faults_in_a_row_only():
    guard = Guard(GuardLimits(circuit_opens_after=3), Clock())
    for _ in range(5):  # never three in a row
        guard.count_fault()
        guard.count_fault()
        assert guard.may_restore()
        guard.count_success()
    for _ in range(3):
        assert guard.may_restore()
        guard.count_fault()
    assert not guard.may_restore()


def test_circuit_probes_after_its_rest_and_closes_on_success():
    clock = Clock()
    guard = Guard(GuardLimits(circuit_opens_after=2, circuit_probe_after_s=5), clock)
    guard.count_fault()
    guard.count_fault()
    clock.now_s += 4.9
    assert not guard.may_restore()
    clock.now_s += 0.1
    assert guard.may_restore()
    guard.count_success()
    guard.count_fault()
    assert guard.may_restore(), "one fault after a success does not open it again"


def test_failed_probe_lets_the_circuit_rest_again():
    clock = Clock()
    guard = Guard(GuardLimits(circuit_opens_after=1, circuit_probe_after_s=5), clock)
    guard.count_fault()
    clock.now_s += 5
    assert guard.may_restore()
    guard.count_fault()
    assert not guard.may_restore()
    clock.now_s += 5
    assert guard.may_restore()


def test_description_tells_the_three_states_apart():
    clock = Clock()
    guard = Guard(GuardLimits(circuit_opens_after=1, circuit_probe_after_s=5), clock)
    assert guard.describe().startswith("circuit closed")
    guard.count_fault()
    clock.now_s += 2
    assert guard.describe() == "circuit open, next probe in 3.0 s, 1 faults in a row"
    clock.now_s += 3
    assert "half-open" in guard.describe()


@pytest.mark.parametrize(
    "values",
    [
        {"max_pixel_change": 256},
        {"max_pixel_change": -1},
        {"max_colour_shift": float("nan")},
        {"max_brightness_shift": 300.0},
        {"circuit_opens_after": 0},
        {"circuit_probe_after_s": float("inf")},
    ],
)
def test_impossible_limits_are_refused_by_name(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        GuardLimits(**values)
