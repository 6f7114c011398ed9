# SPDX-License-Identifier: Apache-2.0
"""Promises about measuring a smear between a sharp and a blurred image."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restoregan_core.data.blur_extent import MIN_DIFFERENCE, REACH_PX, measured_extent_px


def scene(seed: int, side: int = 128) -> np.ndarray:
    """Squares with sharp edges, as walls and windows have."""
    coarse = np.random.default_rng(seed).uniform(20, 235, (side // 6 + 1, side // 6 + 1)).astype(np.float32)
    return np.ascontiguousarray(coarse.repeat(6, 0).repeat(6, 1)[:side, :side])


def smeared(image: np.ndarray, extent_px: float, angle_deg: float) -> np.ndarray:
    """The mean of the image at 41 places along a straight line."""
    angle, height, width = np.deg2rad(angle_deg), *image.shape
    total = np.zeros_like(image, dtype=np.float64)
    for shift in np.linspace(-extent_px / 2, extent_px / 2, 41):
        moved = np.array([[1, 0, shift * np.cos(angle)], [0, 1, shift * np.sin(angle)]])
        total += cv2.warpAffine(
            image, moved, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
    return (total / 41).astype(np.float32)


@given(
    st.integers(0, 1000),
    st.floats(3, 20),
    st.floats(0, 180),
    st.floats(0.5, 1.5).map(lambda sigma: round(sigma, 1)),
)
def test_the_length_of_a_straight_smear_is_found_whatever_its_direction(seed, extent_px, angle_deg, sigma):
    sharp = scene(seed)
    noise = np.random.default_rng(seed).normal(0, sigma, sharp.shape)
    blurred = (smeared(sharp, extent_px, angle_deg) + noise).astype(np.float32)
    assert measured_extent_px(sharp, blurred) == pytest.approx(extent_px, rel=0.25, abs=0.6)


def test_equal_images_have_no_smear_and_longer_ones_measure_longer():
    sharp = scene(3)
    measured = [measured_extent_px(sharp, smeared(sharp, px, 30)) for px in (0, 2, 4, 8, 16)]
    assert measured[0] == 0
    assert measured == sorted(measured)
    assert measured[1] < 3


def test_a_soft_lens_is_not_a_smear():
    soft = cv2.GaussianBlur(scene(1), (0, 0), 1.5)
    assert measured_extent_px(soft, soft) == 0
    assert measured_extent_px(soft, smeared(soft, 6, 60)) == pytest.approx(6, rel=0.3)


def test_where_there_is_no_detail_nobody_knows():
    flat = np.full((64, 64), 90, np.float32)
    flat += np.random.default_rng(0).normal(0, MIN_DIFFERENCE / 4, flat.shape).astype(np.float32)
    assert np.isnan(measured_extent_px(flat, flat))


@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_tell_nothing_of_a_smear_along_them(axis: int):
    stripes = np.repeat(scene(5).take([0], axis), 128, axis)
    assert np.isnan(measured_extent_px(stripes, smeared(stripes, 8, 90 if axis == 0 else 0)))


def test_images_that_are_not_a_pair_are_refused():
    side = 2 * REACH_PX
    with pytest.raises(ValueError, match=f"{side + 1} px or more"):
        measured_extent_px(np.zeros((side, side), np.float32), np.zeros((side, side), np.float32))
    with pytest.raises(ValueError, match="one shape"):
        measured_extent_px(scene(0, 100), scene(0, 120))
