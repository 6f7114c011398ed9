# SPDX-License-Identifier: Apache-2.0
"""Probabilities to log-odds and back, at the ends as well."""

import numpy as np

from restoregan_core.assessment.log_odds import log_odds_of, probability_of


def test_there_and_back_is_the_same_between_the_ends():
    probabilities = np.linspace(0.01, 0.99, 50, dtype=np.float32)
    np.testing.assert_allclose(probability_of(log_odds_of(probabilities, 1e-4)), probabilities, atol=1e-6)


def test_certainty_is_held_finite():
    found = log_odds_of(np.array([0, 0.5, 1], np.float32), 0.01)
    np.testing.assert_allclose(found, [-np.log(99), 0, np.log(99)], atol=1e-4)
