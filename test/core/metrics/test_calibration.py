# SPDX-License-Identifier: Apache-2.0
"""Promises about probabilities: calibration undoes a distortion, the error measures are those of the papers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from restoregan_core.metrics.calibration import (
    Platt,
    auroc,
    brier,
    expected_calibration_error,
    prevalence_weights,
    reliability,
    temperature,
)


def test_calibration_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, 20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-honest))
    shown = 3 * honest - 1
    fit = Platt.fit(shown, truth.astype(float))
    assert fit.weights[0] == pytest.approx(1 / 3, rel=0.05)
    assert fit.bias == pytest.approx(1 / 3, abs=0.05)
    assert expected_calibration_error(1 / (1 + np.exp(-shown)), truth) > 0.1
    assert expected_calibration_error(fit(shown), truth) < 0.02


def test_two_witnesses_are_weighed_by_what_they_know() -> None:
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 2, 20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-honest))
    fit = Platt.fit(np.stack([honest, rng.normal(0, 2, 20_000)], 1), truth.astype(float))
    assert fit.weights[0] == pytest.approx(1, rel=0.05)
    assert fit.weights[1] == pytest.approx(0, abs=0.05)
    assert fit(np.array([[2.0, 0.0]])) == pytest.approx(1 / (1 + np.exp(-2)), abs=0.02)


def test_a_temperature_undoes_too_much_and_too_little_confidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, 20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-honest))
    assert temperature(3 * honest, truth) == pytest.approx(3, rel=0.05)
    assert temperature(honest / 2, truth) == pytest.approx(0.5, rel=0.05)


def test_calibration_wants_both_outcomes() -> None:
    with pytest.raises(ValueError, match="with the event and images without"):
        Platt.fit(np.array([1.0, 2.0]), np.array([0.0, 0.0]))


def test_the_area_counts_pairs_in_order_and_ties_half() -> None:
    assert auroc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, True, False, True])) == 3.5 / 4
    assert np.isnan(auroc(np.array([0.1, 0.2]), np.array([True, True])))


@settings(max_examples=50, deadline=None)
@given(scores=arrays.arrays(np.float64, 12, elements=st.floats(-5, 5, width=16)))
def test_the_area_does_not_care_about_the_scale_and_mirrors(scores: np.ndarray) -> None:
    truth = np.arange(12) % 3 == 0
    area = auroc(scores, truth)
    assert auroc(2 * scores + 1, truth) == pytest.approx(area)
    assert auroc(-scores, truth) == pytest.approx(1 - area)


def test_error_measures_by_hand() -> None:
    probabilities = np.array([0.1, 0.1, 0.9, 0.9])
    truth = np.array([False, True, True, True])
    assert brier(probabilities, truth) == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)
    assert expected_calibration_error(probabilities, truth) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    low, high = reliability(probabilities, truth)
    assert (low.frequency, low.share, high.frequency) == (0.5, 0.5, 1.0)


def test_probability_one_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0


def test_weights_give_the_prevalence_asked_for() -> None:
    truth = np.array([True] * 3 + [False] * 7)
    weights = prevalence_weights(truth, 0.01)
    assert np.average(truth, weights=weights) == pytest.approx(0.01)
