# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM of an image against its reference, one function for each protocol that papers report.

Images are uint8 RGB of shape (height, width, 3), outputs already rounded: figures on floats read higher and
cannot be compared with published ones. Each function returns one float for one pair of images; a set's
figure is the mean over its images of the per-image value (for PSNR: `mean_psnr`), as the field has it.

    psnr_rgb, ssim_2d    deblurring, as users of scikit-image report it
    ssim_3d              deblurring, as MATLAB's ``ssim`` of a colour array has it; reads higher than ssim_2d
    psnr_y, ssim_y       deraining: on MATLAB's limited-range luma; PSNR reads some 1.3 dB above psnr_rgb
"""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage, require_rgb

PSNR_CAP_DB = 100.0
"""What identical images (infinite PSNR) count in a mean; 8-bit images that differ hardly reach it."""

_RANGE = 255.0
_C1, _C2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
_SIGMA, _RADIUS = 1.5, 5  # the 11-tap Gaussian of Wang et al. 2004


def psnr_rgb(image_HWC: RgbImage, reference_HWC: RgbImage) -> float:
    """Peak signal to noise ratio in dB, the error averaged over positions and channels; inf if identical.

    Raises:
        ValueError: not two uint8 RGB images of one size (as in every function here).
    """
    _check_pair(image_HWC, reference_HWC)
    return _psnr(image_HWC, reference_HWC)


def psnr_y(image_HWC: RgbImage, reference_HWC: RgbImage) -> float:
    """PSNR in dB of `luma` alone, peak 255, as deraining papers report it; inf if identical."""
    _check_pair(image_HWC, reference_HWC)
    return _psnr(luma(image_HWC), luma(reference_HWC))


def ssim_2d(image_HWC: RgbImage, reference_HWC: RgbImage) -> float:
    """Mean over the channels of the SSIM of Wang et al. 2004, by scikit-image.

    Gaussian weights of sigma 1.5 (11 taps), population covariance, data range 255, no border of 5 pixels.

    Raises:
        ValueError: also where a side is under 11 pixels.
    """
    _check_pair(image_HWC, reference_HWC)
    return _ssim(image_HWC, reference_HWC, channel_axis=2)


def ssim_y(image_HWC: RgbImage, reference_HWC: RgbImage) -> float:
    """`ssim_2d` of `luma` alone: Wang's ``ssim_index.m`` on MATLAB's Y, as papers on deraining report it."""
    _check_pair(image_HWC, reference_HWC)
    return _ssim(luma(image_HWC), luma(reference_HWC), channel_axis=None)


def ssim_3d(image_HWC: RgbImage, reference_HWC: RgbImage) -> float:
    """SSIM of the images as volumes: the 11-tap Gaussian also runs across the three channels.

    This is what MATLAB's ``ssim`` computes when it is handed a colour image: borders replicated in all
    three directions, and the mean over every position. The channels' errors average out: it reads higher.
    """
    _check_pair(image_HWC, reference_HWC)
    x_HWC, y_HWC = image_HWC.astype(np.float64), reference_HWC.astype(np.float64)
    mean_x, mean_y = _smooth_volume(x_HWC), _smooth_volume(y_HWC)
    variance_x = _smooth_volume(x_HWC * x_HWC) - mean_x * mean_x
    variance_y = _smooth_volume(y_HWC * y_HWC) - mean_y * mean_y
    covariance = _smooth_volume(x_HWC * y_HWC) - mean_x * mean_y
    numerator = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    denominator = (mean_x * mean_x + mean_y * mean_y + _C1) * (variance_x + variance_y + _C2)
    return float(np.mean(numerator / denominator))


def mean_psnr(values_db: Iterable[float]) -> float:
    """Mean in dB over images, an infinite value counted as `PSNR_CAP_DB` so that it cannot hide the others.

    Raises:
        ValueError: no values.
    """
    capped = np.minimum(np.fromiter(values_db, float), PSNR_CAP_DB)
    if capped.size == 0:
        raise ValueError("no PSNR to average: there are no images")
    return float(capped.mean())


def luma(image_HWC: RgbImage) -> npt.NDArray[np.float64]:
    """Y of MATLAB's ``rgb2ycbcr``: BT.601 in the limited range 16 to 235; shape (height, width).

    Not rounded, as in the field's Python tools. MATLAB rounds it when handed uint8 (its noise lowers PSNR by
    some 0.01 dB) and does not when handed floats.
    """
    weights = np.array([[65.481, 128.553, 24.966]]) / _RANGE
    return np.asarray(cv2.transform(image_HWC.astype(np.float64), weights) + 16.0, np.float64)


def _check_pair(image_HWC: RgbImage, reference_HWC: RgbImage) -> None:
    require_rgb(image_HWC)
    require_rgb(reference_HWC, "reference")
    if image_HWC.shape != reference_HWC.shape:
        raise ValueError(f"image {image_HWC.shape} and reference {reference_HWC.shape} differ in size")


def _psnr(image: npt.NDArray[Any], reference: npt.NDArray[Any]) -> float:
    squared_error = cv2.norm(image, reference, cv2.NORM_L2SQR)
    return (
        float("inf") if squared_error == 0 else float(10 * np.log10(_RANGE**2 * image.size / squared_error))
    )


def _ssim(image: npt.NDArray[Any], reference: npt.NDArray[Any], channel_axis: int | None) -> float:
    from skimage.metrics import structural_similarity  # lazy: training and inference do without it

    if min(image.shape[:2]) <= 2 * _RADIUS:
        raise ValueError(f"SSIM needs at least 11x11 pixels, got {image.shape[0]}x{image.shape[1]}")
    return float(
        structural_similarity(
            image,
            reference,
            gaussian_weights=True,
            sigma=_SIGMA,
            use_sample_covariance=False,
            data_range=_RANGE,
            channel_axis=channel_axis,
        )
    )


def _smooth_volume(volume_HWC: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The 11 x 11 x 11 Gaussian, borders replicated, separably; across channels it is a 3 x 3 matrix."""
    taps = cv2.getGaussianKernel(2 * _RADIUS + 1, _SIGMA, cv2.CV_64F)
    plane = cv2.sepFilter2D(volume_HWC, cv2.CV_64F, taps, taps, borderType=cv2.BORDER_REPLICATE)
    mixing = np.zeros((3, 3))
    for channel in range(3):
        for offset, tap in zip(range(-_RADIUS, _RADIUS + 1), taps[:, 0], strict=True):
            mixing[channel, np.clip(channel + offset, 0, 2)] += tap
    return np.asarray(cv2.transform(plane, mixing))
