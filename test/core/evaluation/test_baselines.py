# SPDX-License-Identifier: Apache-2.0
"""The baselines do what their names say, at the setting that suits the images."""

import cv2
import numpy as np
import pytest

from restoregan_core.evaluation.baselines import (
    NAMES,
    TemporalMedian,
    baselines,
    best_baseline,
    median,
    richardson_lucy,
    unsharp,
    wiener,
)
from restoregan_core.metrics.psnr_ssim import psnr_rgb


def scene() -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2).astype(np.float64)
    return np.clip((smooth - 127) * 3 + 127, 0, 255).astype(np.uint8)


def blurred() -> np.ndarray:
    return cv2.GaussianBlur(scene(), (0, 0), 1.5)


@pytest.mark.parametrize("name", ["unsharp", "wiener", "richardson-lucy"])
def test_deblurring_baselines_sharpen_a_gaussian_blur(name: str):
    chosen = best_baseline(name, [(blurred(), scene())])
    assert psnr_rgb(chosen(blurred()), scene()) > psnr_rgb(blurred(), scene()) + 1


def test_deconvolution_by_the_true_kernel_beats_a_wrong_one_without_ringing_at_the_border():
    taps = cv2.getGaussianKernel(9, 1.5)
    right = wiener(blurred(), psf=taps @ taps.T, balance=0.03)
    line = np.zeros((9, 9))
    line[4] = 1 / 9
    wrong = wiener(blurred(), psf=line, balance=0.03)
    assert psnr_rgb(right, scene()) > psnr_rgb(wrong, scene())
    border = np.abs(right.astype(int) - scene())[:, :4].mean()
    inside = np.abs(right.astype(int) - scene())[:, 20:60].mean()
    assert border < 3 * inside
    lucy = richardson_lucy(blurred(), psf=taps @ taps.T, steps=10)
    assert psnr_rgb(lucy, scene()) > psnr_rgb(blurred(), scene())


def test_median_removes_a_thin_streak():
    rainy = np.full((20, 20, 3), 100, np.uint8)
    rainy[:, 10] = 255
    assert (median(rainy, side=3) == 100).all()


def test_the_median_over_time_is_that_of_three_frames_pixel_by_pixel():
    frames = [np.random.default_rng(seed).integers(0, 256, (9, 11, 3), np.uint8) for seed in range(3)]
    found = TemporalMedian().restore_aligned(frames[0], frames[1:])
    np.testing.assert_array_equal(found, np.median(np.stack(frames), axis=0).astype(np.uint8))


def test_the_median_over_time_leaves_a_frame_alone_until_two_different_ones_came_before():
    frame, older = np.zeros((9, 11, 3), np.uint8), np.ones((9, 11, 3), np.uint8)
    for history in ([], [older], [older, older]):
        np.testing.assert_array_equal(TemporalMedian().restore_aligned(frame, history), frame)
    np.testing.assert_array_equal(TemporalMedian()(frame), frame)


def test_unsharp_by_nothing_changes_nothing():
    np.testing.assert_array_equal(unsharp(scene(), sigma=2.0, amount=0.0), scene())


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_gives_an_image_of_the_inputs_size_and_leaves_it_alone(name: str):
    image = scene()[:33, :41].copy()
    before = image.copy()
    for baseline in baselines(name):
        restored = baseline(image)
        assert restored.shape == image.shape
        assert restored.dtype == np.uint8
        np.testing.assert_array_equal(image, before)


def test_the_best_setting_is_the_best_over_all_pairs():
    pairs = [(blurred(), scene()), (blurred()[::-1].copy(), scene()[::-1].copy())]
    chosen = best_baseline("unsharp", pairs)
    figures = {b.setting: np.mean([psnr_rgb(b(x), y) for x, y in pairs]) for b in baselines("unsharp")}
    assert chosen.setting == max(figures, key=lambda setting: figures[setting])


def test_unknown_names_and_empty_sets_are_refused():
    with pytest.raises(ValueError, match="no baseline 'magic'"):
        baselines("magic")
    with pytest.raises(ValueError, match="no images"):
        best_baseline("unsharp", [])
