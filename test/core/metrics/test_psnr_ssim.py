# SPDX-License-Identifier: Apache-2.0
"""The metrics against independent implementations, hand-computed values and known input figures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restoregan_core.metrics.psnr_ssim import (
    PSNR_CAP_DB,
    luma,
    mean_psnr,
    psnr_rgb,
    psnr_y,
    ssim_2d,
    ssim_3d,
    ssim_y,
)

EVAL = Path(__file__).parents[4] / "shared" / "data" / "eval"
ALL = (psnr_rgb, psnr_y, ssim_2d, ssim_y, ssim_3d)

images = hnp.arrays(np.uint8, st.tuples(st.integers(11, 20), st.integers(11, 20), st.just(3)))


def random_pair(seed: int = 0, height: int = 40, width: int = 50) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    reference = cv2.GaussianBlur(generator.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 2)
    noise = generator.normal(0, 12, reference.shape)
    return np.clip(reference + noise, 0, 255).astype(np.uint8), reference


def test_psnr_of_a_uniform_error_is_the_hand_computed_one():
    reference = np.full((12, 12, 3), 100, np.uint8)
    assert psnr_rgb(reference + 5, reference) == pytest.approx(20 * np.log10(255 / 5))
    # Limited range: a step of 5 in all channels is one of 5 * 219 / 255 in Y.
    assert psnr_y(reference + 5, reference) == pytest.approx(20 * np.log10(255 / (5 * 219 / 255)))


def test_psnr_rgb_agrees_with_scikit_image():
    image, reference = random_pair()
    assert psnr_rgb(image, reference) == pytest.approx(
        peak_signal_noise_ratio(reference, image, data_range=255)
    )


def test_luma_is_matlabs_limited_range_y():
    image, _ = random_pair()
    np.testing.assert_allclose(luma(image), rgb2ycbcr(image)[..., 0], atol=1e-4)
    assert luma(np.zeros((1, 1, 3), np.uint8)) == pytest.approx(16)
    assert luma(np.full((1, 1, 3), 255, np.uint8)) == pytest.approx(235)


def test_ssim_2d_is_the_mean_of_the_channels_by_scikit_image():
    image, reference = random_pair()
    options = {"gaussian_weights": True, "use_sample_covariance": False, "sigma": 1.5, "data_range": 255}
    channels = [structural_similarity(image[..., c], reference[..., c], **options) for c in range(3)]
    assert ssim_2d(image, reference) == pytest.approx(np.mean(channels), abs=1e-9)
    y_image, y_reference = rgb2ycbcr(image)[..., 0], rgb2ycbcr(reference)[..., 0]
    assert ssim_y(image, reference) == pytest.approx(
        structural_similarity(y_image, y_reference, **options), abs=1e-6
    )


def test_ssim_3d_is_a_convolution_of_the_volume_with_an_11_tap_cube():
    image, reference = random_pair()
    positions = torch.arange(-5, 6, dtype=torch.float64)
    taps = torch.exp(-(positions**2) / (2 * 1.5**2))
    cube = torch.einsum("i,j,k->ijk", taps, taps, taps)
    cube = (cube / cube.sum())[None, None]

    def smooth(volume: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(volume[None, None], (5,) * 6, mode="replicate")
        return torch.nn.functional.conv3d(padded, cube)[0, 0]

    x, y = torch.from_numpy(image).double(), torch.from_numpy(reference).double()
    mx, my = smooth(x), smooth(y)
    vx, vy, cov = smooth(x * x) - mx**2, smooth(y * y) - my**2, smooth(x * y) - mx * my
    c1, c2 = 2.55**2, 7.65**2
    expected = ((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()
    assert ssim_3d(image, reference) == pytest.approx(float(expected), abs=1e-9)


def test_channels_with_independent_errors_read_higher_in_3d():
    image, reference = random_pair()
    assert ssim_3d(image, reference) > ssim_2d(image, reference) + 0.01


@settings(max_examples=15, deadline=None)
@given(images)
def test_an_image_equals_itself(image: np.ndarray):
    assert psnr_rgb(image, image) == psnr_y(image, image) == float("inf")
    for ssim in (ssim_2d, ssim_y, ssim_3d):
        assert ssim(image, image) == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(images, st.integers(0, 2**32 - 1))
def test_every_metric_is_symmetric_and_bounded(image: np.ndarray, seed: int):
    other = np.random.default_rng(seed).integers(0, 256, image.shape, np.uint8)
    for metric in ALL:
        value = metric(image, other)
        assert value == pytest.approx(metric(other, image), rel=1e-9, abs=1e-9)
        assert value > 0 if metric in (psnr_rgb, psnr_y) else -1 <= value <= 1


def test_one_perfect_image_does_not_hide_the_others_in_a_mean():
    assert mean_psnr([20.0, 30.0]) == 25.0
    assert mean_psnr([20.0, float("inf")]) == (20.0 + PSNR_CAP_DB) / 2
    with pytest.raises(ValueError, match="no images"):
        mean_psnr([])


@pytest.mark.parametrize("metric", ALL)
def test_wrong_images_are_refused_by_name(metric):
    good = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in size"):
        metric(good, np.zeros((16, 17, 3), np.uint8))
    with pytest.raises(ValueError, match="image must be uint8 RGB"):
        metric(good.astype(np.float32), good)
    with pytest.raises(ValueError, match="reference must be uint8 RGB"):
        metric(good, good[..., 0])


def test_ssim_of_an_image_smaller_than_its_window_is_refused():
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="at least 11x11 pixels, got 10x40"):
        ssim_2d(small, small)


@pytest.mark.parametrize(
    ("name", "rgb_db", "y_db"),
    [("gopro", 23.49, 24.85), ("reds_x4", 25.76, 27.25), ("gopro_crops256", 23.95, 25.26)],
)
def test_input_figures_of_known_sets_are_reproduced(name: str, rgb_db: float, y_db: float):
    folder = EVAL / name
    if not folder.is_dir():
        pytest.skip(f"no evaluation images at {folder}")
    pairs = [
        (cv2.imread(str(path))[..., ::-1], cv2.imread(str(folder / "target" / path.name))[..., ::-1])
        for path in sorted((folder / "input").iterdir())
    ]
    assert mean_psnr(psnr_rgb(*pair) for pair in pairs) == pytest.approx(rgb_db, abs=0.0051)
    assert mean_psnr(psnr_y(*pair) for pair in pairs) == pytest.approx(y_db, abs=0.0051)
