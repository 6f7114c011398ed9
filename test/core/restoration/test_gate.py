# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.restoration.gate import DEFAULT_PRESET, PRESETS, Gate, GateThresholds, tile_evidence

TILE = 64
LIMITS = GateThresholds(blur_on=0.6, blur_off=0.4, rain_on=0.7, rain_off=0.3)


def assessed(blur, rain=None):
    blur = np.atleast_2d(np.asarray(blur, np.float32))
    rain = np.zeros_like(blur) if rain is None else np.atleast_2d(np.asarray(rain, np.float32))
    return Assessment(float("nan"), float("nan"), blur_grid=blur, rain_grid=rain)


def run(gate, blurs, camera="front"):
    return [bool(gate.select(camera, assessed(p))[0, 0]) for p in blurs]


def test_tile_between_the_thresholds_keeps_the_state_it_is_in():
    assert run(Gate(LIMITS, dwell_frames=1), [0.5, 0.6, 0.5, 0.41, 0.39, 0.5]) == [
        False, True, True, True, False, False,
    ]  # fmt: skip


def test_tile_stays_on_while_either_blur_or_rain_asks_for_it():
    gate = Gate(LIMITS, dwell_frames=1)
    assert gate.select("front", assessed(0.9, 0.0))[0, 0]
    assert gate.select("front", assessed(0.0, 0.5))[0, 0]
    assert not gate.select("front", assessed(0.0, 0.2))[0, 0]


def test_tile_that_was_switched_on_stays_on_for_the_dwell_time():
    assert run(Gate(LIMITS, dwell_frames=3), [0.9, 0.0, 0.0, 0.0]) == [True, True, True, False]


def test_a_lone_tile_in_a_sharp_frame_counts_less_than_one_in_a_blurred_frame():
    """What a shadow's edge or a shop window looks like, and what a turning camera does."""
    grid = np.array([[0.9, 0.02]], np.float32)
    lone, common = (
        Assessment(frame, 0.0, blur_grid=grid, rain_grid=np.zeros_like(grid)) for frame in (0.2, 0.9)
    )
    assert not Gate(LIMITS).select("front", lone).any()
    assert Gate(LIMITS).select("front", common).any()


@given(hnp.arrays(np.float32, (2, 3), elements=st.floats(0, 1, width=32)), st.floats(0, 1), st.floats(0, 1))
def test_evidence_lies_between_tile_and_frame_and_grows_with_both(grid, frame, more):
    evidence = tile_evidence(grid, frame)
    low, high = np.minimum(grid, frame), np.maximum(grid, frame)
    assert ((evidence >= low - 1e-5) & (evidence <= high + 1e-5)).all()
    assert (tile_evidence(grid, max(frame, more)) >= evidence - 1e-6).all()
    np.testing.assert_array_equal(tile_evidence(grid, float("nan")), grid)


def test_neighbours_go_along_but_what_is_selected_does_not_creep_over_the_frame():
    blurs = np.zeros((5, 6))
    blurs[1, 1] = 0.9
    expected = np.zeros((5, 6), bool)
    expected[:3, :3] = True
    gate = Gate(LIMITS, dwell_frames=3)
    for _ in range(5):
        np.testing.assert_array_equal(gate.select("front", assessed(blurs)), expected)


def test_cameras_do_not_see_each_others_state():
    gate = Gate(LIMITS, dwell_frames=1)
    assert run(gate, [0.9], "front") == [True]
    assert run(gate, [0.5], "rear") == [False]
    assert run(gate, [0.5], "front") == [True]


def test_another_grid_size_starts_over():
    gate = Gate(LIMITS, dwell_frames=9)
    gate.select("front", assessed(np.ones((2, 3))))
    assert not gate.select("front", assessed(np.full((3, 2), 0.5))).any()


def test_reset_of_one_camera_leaves_the_others_alone():
    gate = Gate(LIMITS, dwell_frames=1)
    run(gate, [0.9], "front")
    run(gate, [0.9], "rear")
    gate.reset("front")
    assert run(gate, [0.5], "front") == [False]
    assert run(gate, [0.5], "rear") == [True]
    gate.reset()
    assert run(gate, [0.5], "rear") == [False]


def test_state_carries_over_to_another_gate():
    first, second = Gate(LIMITS), Gate(LIMITS)
    run(first, [0.9])
    second.load_state(first.state())
    assert run(second, [0.5]) == [True]


def test_thresholds_can_be_replaced_between_frames():
    gate = Gate(LIMITS, dwell_frames=1)
    assert run(gate, [0.55]) == [False]
    gate.thresholds = GateThresholds(blur_on=0.5, blur_off=0.4)
    assert run(gate, [0.55]) == [True]


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)))
def test_preset_always_selects_every_tile_and_preset_off_none(grid):
    assert Gate(PRESETS["always"]).select("front", assessed(grid, grid)).all()
    gate = Gate(PRESETS["off"])
    assert gate.is_off
    assert not gate.select("front", assessed(grid, grid)).any()


def test_switching_off_lets_no_tile_dwell():
    gate = Gate(LIMITS, dwell_frames=9)
    run(gate, [0.9])
    gate.thresholds = PRESETS["off"]
    assert run(gate, [0.9]) == [False]


GRIDS = hnp.arrays(np.float32, (2, 2), elements=st.floats(0, 1, width=32))


@given(GRIDS, GRIDS)
def test_each_preset_selects_nothing_that_the_next_does_not(blur, rain):
    chosen = [
        Gate(PRESETS[name]).select("front", assessed(blur, rain)) for name in ("cautious", "rain", "balanced")
    ]
    for fewer, more in pairwise(chosen):
        assert not (fewer & ~more).any()


@pytest.mark.parametrize("name", ["rain", "cautious"])
def test_what_restores_rain_alone_neither_begins_for_blur_nor_goes_on_for_it(name):
    gate = Gate(PRESETS[name], dwell_frames=1)
    blurred, rainy = assessed(np.ones((2, 2)) * 0.99), assessed(np.zeros((2, 2)), np.ones((2, 2)) * 0.99)
    for _ in range(3):
        assert not gate.select("front", blurred).any()
    assert gate.select("front", rainy).all()
    assert not gate.select("front", blurred).any()


def test_the_default_is_one_of_them():
    assert PRESETS[DEFAULT_PRESET] == PRESETS["rain"]


def test_frame_that_was_not_assessed_selects_nothing():
    assert Gate(PRESETS["always"]).select("front", Assessment.not_assessed()).shape == (0, 0)
    assert not Gate(LIMITS).select("front", assessed(np.full((2, 2), np.nan))).any()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"blur_on": 1.2}, "blur_on is 1.2"),
        ({"rain_off": -0.1}, "rain_off is -0.1"),
        ({"blur_on": float("nan")}, "blur_on is nan"),
        ({"blur_on": 0.3, "blur_off": 0.5}, r"blur_off \(0.5\) is above blur_on \(0.3\)"),
    ],
)
def test_impossible_thresholds_are_refused_by_name(values, named):
    with pytest.raises(ValueError, match=named):
        GateThresholds(**values)


def test_dwell_of_no_frames_is_refused():
    with pytest.raises(ValueError, match="dwell_frames is 0"):
        Gate(dwell_frames=0)
