# SPDX-License-Identifier: Apache-2.0
"""RealBlur's alignment: undoes what two cameras differ by, hides nothing else."""

import cv2
import numpy as np
import pytest

from restoregan_core.metrics import psnr_ssim
from restoregan_core.metrics.realblur import align, aligned_scores, psnr_aligned, ssim_aligned


def scene(height: int = 96, width: int = 120) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4).astype(np.float64)
    return np.clip((smooth - 127) * 4 + 127, 0, 255).astype(np.uint8)


def displaced(image: np.ndarray, homography: np.ndarray, gain: float) -> np.ndarray:
    height, width = image.shape[:2]
    warped = cv2.warpPerspective(image, homography, (width, height), flags=cv2.INTER_CUBIC)
    return np.round(warped * gain).astype(np.uint8)


SHIFT = np.array([[1, 0, 2.0], [0, 1, -1.5], [0, 0, 1]])


def test_a_shift_and_another_exposure_do_not_count():
    reference = scene()
    moved = displaced(reference, SHIFT, gain=0.8)
    assert psnr_ssim.psnr_rgb(moved, reference) < 20
    scores = aligned_scores(moved, reference)
    assert scores["psnr_rgb_aligned"] > 32
    assert scores["ssim_2d_aligned"] > 0.97


def test_the_homography_takes_the_reference_to_the_image():
    alignment = align(displaced(scene(), SHIFT, gain=1.0), scene())
    centre = alignment.homography @ np.array([60, 48, 1])
    np.testing.assert_allclose(centre[:2] / centre[2], [62, 46.5], atol=0.15)


def test_pixels_that_the_warped_image_does_not_cover_are_left_out():
    alignment = align(displaced(scene(), SHIFT, gain=1.0), scene())
    assert 0.9 < alignment.mask.mean() < 1
    assert not alignment.mask[
        :, -2:
    ].any()  # content came from 2 px further right: the last columns have none
    assert not alignment.image[~alignment.mask].any()
    before = psnr_aligned(alignment), ssim_aligned(alignment)
    alignment.image[:, -1] = 1  # garbage outside the mask changes no PSNR
    assert psnr_aligned(alignment) == before[0]


def test_noise_still_counts():
    reference = scene()
    noise = np.random.default_rng(0).normal(0, 12, reference.shape)
    noisy = np.clip(reference + noise, 0, 255).astype(np.uint8)
    aligned = aligned_scores(noisy, reference)["psnr_rgb_aligned"]
    assert aligned == pytest.approx(psnr_ssim.psnr_rgb(noisy, reference), abs=0.5)


def test_what_cannot_be_aligned_is_said():
    with pytest.raises(ValueError, match="black image"):
        align(np.zeros((32, 32, 3), np.uint8), scene(32, 32))
    with pytest.raises(ValueError, match="cannot be aligned"):
        align(np.full((32, 32, 3), 90, np.uint8), scene(32, 32))
    with pytest.raises(ValueError, match="differ in size"):
        align(scene(32, 32), scene(32, 40))
