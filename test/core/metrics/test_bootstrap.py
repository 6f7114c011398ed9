# SPDX-License-Identifier: Apache-2.0
"""Bootstrap intervals: honest about luck, and about frames that are not independent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.metrics.bootstrap import bootstrap_interval, paired_bootstrap


def test_the_interval_has_the_width_of_the_standard_error():
    values = np.random.default_rng(0).normal(0.3, 1.0, 400)
    interval = paired_bootstrap(values)
    half_width = 1.96 * values.std() / 20
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half_width, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + half_width, abs=0.02)
    assert interval.count == 400


def test_95_percent_of_intervals_hold_the_truth():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(100):
        sample = rng.normal(0.3, 1.0, 60)
        interval = bootstrap_interval(
            60, lambda drawn, s=sample: float(s[drawn].mean()), resamples=500, seed=seed
        )
        held += interval.low <= 0.3 <= interval.high
    assert 87 <= held <= 100


def test_frames_of_one_scene_are_resampled_together():
    rng = np.random.default_rng(0)
    scenes = np.repeat(np.arange(8), 50)
    values = rng.normal(0, 1, 8)[scenes] + rng.normal(0, 0.1, 400)  # scenes differ, frames hardly
    alone, together = paired_bootstrap(values), paired_bootstrap(values, groups=scenes.tolist())
    assert together.count == 8
    assert together.high - together.low > 3 * (alone.high - alone.low)
    assert together.mean == pytest.approx(alone.mean)


def test_a_constant_difference_has_no_spread():
    interval = paired_bootstrap([0.5] * 10)
    assert interval.low == interval.mean == interval.high == 0.5


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.integers(0, 5))
def test_the_same_seed_gives_the_same_interval_and_it_stays_within_the_data(values: list[float], seed: int):
    interval = paired_bootstrap(values, seed=seed)
    assert interval == paired_bootstrap(values, seed=seed)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="at least one difference"):
        paired_bootstrap([])
    with pytest.raises(ValueError, match="finite"):
        paired_bootstrap([float("nan")])
    with pytest.raises(ValueError, match="2 groups for 1 differences"):
        paired_bootstrap([1.0], groups=["a", "b"])
    with pytest.raises(ValueError, match="at least one unit"):
        bootstrap_interval(0, lambda drawn: 0.0)
