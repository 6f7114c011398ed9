# SPDX-License-Identifier: Apache-2.0
"""An endurance run tells growth from the saw-tooth that clean-ups make of a node's memory."""

import math

import pytest

pytest.importorskip("rclpy")
from endurance_states import trend

FIVE_MINUTES_S = [300.0 * number for number in range(12)]


def test_a_line_has_its_slope_per_hour_and_grows_from_the_first_third_to_the_last() -> None:
    found = trend(FIVE_MINUTES_S, [100.0 + number for number in range(12)])
    assert (found.early, found.late) == (101.5, 109.5)
    assert found.growth == pytest.approx(8 / 101.5)
    assert found.slope_per_h == pytest.approx(12.0)
    assert found.slope_error_per_h == pytest.approx(0.0, abs=1e-9)


def test_one_odd_reading_is_no_growth() -> None:
    found = trend(FIVE_MINUTES_S, [100.0] * 11 + [150.0])
    assert found.growth == 0.0
    assert found.slope_per_h < 3 * found.slope_error_per_h


def test_what_goes_up_and_down_has_a_slope_within_its_error() -> None:
    found = trend(FIVE_MINUTES_S, [100.0, 104.0] * 6)
    assert found.growth == 0.0
    assert abs(found.slope_per_h) < found.slope_error_per_h


def test_a_single_reading_has_no_slope() -> None:
    found = trend([0.0], [100.0])
    assert (found.early, found.late, found.growth) == (100.0, 100.0, 0.0)
    assert math.isnan(found.slope_per_h)
