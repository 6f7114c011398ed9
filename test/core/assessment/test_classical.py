# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from street_scene import rained_on, smeared, street

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.assessment.classical import ClassicalAssessor
from restoregan_core.assessment.classical_measures import (
    BLUR_MEASURES,
    RAIN_MEASURES,
    measure_blur,
    measure_rain,
)
from restoregan_core.images.tile_grid import grid_shape
from restoregan_core.restoration.gate import PRESETS, Gate

EVAL = Path(__file__).parents[4] / "shared" / "data" / "eval"
BALANCED = PRESETS["balanced"]


@pytest.fixture(scope="module")
def assessor():
    return ClassicalAssessor()


def test_sharp_dry_street_is_neither_blurred_nor_rainy(assessor):
    for seed in range(3):
        found = assessor.assess(street(seed=seed))
        assert found.blur_probability < BALANCED.blur_on
        assert found.rain_probability < BALANCED.rain_on


@pytest.mark.parametrize("angle_deg", [0, 30, 90, 135])
def test_longer_smear_means_more_blur_in_any_direction(assessor, angle_deg):
    sharp = street()
    found = [assessor.assess(p) for p in (sharp, *(smeared(sharp, px, angle_deg) for px in (5, 15)))]
    probabilities = [assessment.blur_probability for assessment in found]
    assert probabilities == sorted(probabilities)
    assert not Gate(BALANCED).select("", found[0]).any()
    assert Gate(BALANCED).select("", found[-1]).any()


def test_streaks_mean_rain_and_more_of_them_more(assessor):
    dry = street()
    found = [assessor.assess(rained_on(dry, drops)).rain_probability for drops in (0, 300, 3000)]
    assert found == sorted(found)
    assert found[-1] > BALANCED.rain_on


def test_clear_sky_is_not_blurred(assessor):
    sky = np.full((128, 192, 3), (120, 160, 220), np.uint8)
    noise = np.random.default_rng(0).normal(0, 1, sky.shape)
    found = assessor.assess(np.clip(sky + noise, 0, 255).astype(np.uint8))
    assert found.blur_probability < 0.1
    assert found.blur_grid.max() < 0.1


def test_smooth_tiles_of_a_blurred_frame_are_left_alone(assessor):
    frame = smeared(street(), 15, 0)
    frame[:128] = (120, 160, 220)
    found = assessor.assess(frame)
    assert found.blur_grid[0].max() < 0.1
    assert found.blur_grid[3:].max() > 0.6


def test_blur_of_one_half_scores_higher_there(assessor):
    frame = street()
    frame[:, 320:] = smeared(frame, 15, 20)[:, 320:]
    grid = assessor.assess(frame).blur_grid
    assert grid[:, 6:].mean() > grid[:, :4].mean() + 0.2


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32 - 1))
def test_any_size_gives_probabilities_on_a_grid_that_covers_it(height, width, seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rgb.flags.writeable = False
    found = ClassicalAssessor().assess(rgb)
    for grid in (found.blur_grid, found.rain_grid):
        assert grid.shape == grid_shape(height, width, found.tile_size_px)
        assert grid.dtype == np.float32
        assert ((grid >= 0) & (grid <= 1)).all()
    assert 0 <= found.blur_probability <= 1
    assert 0 <= found.rain_probability <= 1


def test_lens_drops_are_not_claimed_to_be_assessed(assessor):
    assert np.isnan(assessor.assess(street()).lens_drop_probability)


def test_not_assessed_is_nan_with_empty_grids():
    nothing = Assessment.not_assessed()
    assert np.isnan([nothing.blur_probability, nothing.rain_probability, nothing.lens_drop_probability]).all()
    assert nothing.blur_grid.shape == nothing.rain_grid.shape == (0, 0)


def test_measures_have_as_many_columns_as_names():
    grey = street()[..., 1]
    assert measure_blur(grey).shape == (6, 10, len(BLUR_MEASURES))
    assert measure_rain(grey).shape == (6, 10, len(RAIN_MEASURES))


def test_thinning_out_the_rows_of_a_large_frame_changes_little():
    grey = street(384, 640)[..., 1]
    large = np.tile(grey, (3, 3))  # over half a megapixel: every second row; the first tiles show the same
    small_mean, large_mean = (measure_blur(g)[:5, 1:9].mean(axis=(0, 1)) for g in (grey, large))
    np.testing.assert_allclose(large_mean, small_mean, atol=0.15)


def images(folder, count):
    paths = sorted((EVAL / folder).iterdir())[:count]
    return [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in paths]


@pytest.mark.skipif(not EVAL.is_dir(), reason="needs ../shared/data/eval")
def test_real_blur_and_rain_score_above_their_clean_targets(assessor):
    for folder, kind in (("gopro_crops256", "blur"), ("rain100h", "rain"), ("nturain_a1", "rain")):
        degraded, clean = (
            [getattr(assessor.assess(rgb), f"{kind}_probability") for rgb in images(f"{folder}/{side}", 8)]
            for side in ("input", "target")
        )
        wins = np.subtract.outer(degraded, clean) > 0
        assert wins.mean() > 0.9, folder
