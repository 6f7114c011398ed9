# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restoregan_core.restoration.output_bounds import (
    BrightnessShiftError,
    ColourShiftError,
    OutputBounds,
    OutputLimits,
)


def bounds(**limits):
    return OutputBounds(OutputLimits(**limits))


def images(seed, height=9, width=7):
    return np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(0, 255))
def test_no_pixel_changes_by_more_than_the_bound_and_smaller_changes_are_kept(seed, bound):
    source, restored = images(seed)
    given_back = bounds(max_pixel_change=bound).clamp(source, restored)
    wanted = source.astype(int) + np.clip(restored.astype(int) - source.astype(int), -bound, bound)
    np.testing.assert_array_equal(given_back, wanted)


def test_neither_image_is_written_to():
    source, restored = images(0)
    source.flags.writeable = restored.flags.writeable = False
    held = bounds(max_pixel_change=3, max_colour_shift=255, max_brightness_shift=255)
    held.check(source, restored)
    held.clamp(source, restored)


@pytest.mark.parametrize(("channel", "name"), list(enumerate(["red", "green", "blue"])))
def test_shift_of_a_mean_colour_is_refused_and_named(channel, name):
    source = np.full((8, 8, 3), 100, np.uint8)
    restored = source.copy()
    restored[..., channel] += 18  # 12 more than the mean of the three
    with pytest.raises(ColourShiftError, match=rf"mean {name} moved by \+12"):
        bounds(max_colour_shift=11).check(source, restored)
    bounds(max_colour_shift=12).check(source, restored)


@pytest.mark.parametrize("shift", [-41, 41])
def test_shift_of_the_mean_brightness_is_refused(shift):
    source = np.full((8, 8, 3), 100, np.uint8)
    restored = (source.astype(int) + shift).astype(np.uint8)
    with pytest.raises(BrightnessShiftError, match=rf"mean brightness moved by \{shift:+d}"):
        bounds(max_brightness_shift=40).check(source, restored)
    bounds(max_brightness_shift=41).check(source, restored)


def test_a_shift_where_it_was_restored_is_not_thinned_by_the_rest_of_the_frame():
    source = np.full((64, 64, 3), 100, np.uint8)
    restored, selected = source.copy(), np.zeros((64, 64), bool)
    selected[:16, :16] = True
    restored[selected, 0] += 60
    bounds(max_colour_shift=30).check(source, restored)
    with pytest.raises(ColourShiftError):
        bounds(max_colour_shift=30).check(source, restored, selected)
    bounds(max_colour_shift=30).check(source, restored, ~selected)


def test_rain_may_be_taken_away_although_that_darkens_the_frame():
    clean = np.random.default_rng(0).integers(0, 150, (64, 64, 3), dtype=np.uint8)
    rainy = clean + np.where(np.arange(64) % 6 == 0, np.uint8(90), np.uint8(0))[:, np.newaxis]
    bounds().check(rainy, clean)
    np.testing.assert_array_equal(bounds().clamp(rainy, clean), clean)


def test_output_of_another_shape_or_type_is_refused():
    source = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match=r"uint8 \(8, 6, 3\)"):
        bounds().check(source, source[:, :6])
    with pytest.raises(ValueError, match="float32"):
        bounds().check(source, source.astype(np.float32))


@pytest.mark.parametrize(
    "values",
    [
        {"max_pixel_change": 256},
        {"max_pixel_change": -1},
        {"max_colour_shift": float("nan")},
        {"max_brightness_shift": 300.0},
    ],
)
def test_impossible_limits_are_refused_by_name(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        OutputLimits(**values)
