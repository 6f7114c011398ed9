# SPDX-License-Identifier: Apache-2.0
"""RealBlur's protocol: its sharp and blurred images come from two cameras behind one beam splitter.

They differ by a little geometry and exposure that no network can know. As the benchmark's authors do, an
image is first scaled in intensity and warped onto its reference (a homography, by ECC), and the two are
compared only where the warped image covers the reference. The same output reads higher so: report both.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics import psnr_ssim
from restoregan_core.metrics.protocols import Scores

_ITERATIONS = 100
_SMOOTHING_TAPS = 5
_SSIM_BORDER_PX = 5


@dataclass(frozen=True)
class Alignment:
    """An image warped onto its reference."""

    image: npt.NDArray[Any]
    """float32 RGB (H, W, 3), scaled in intensity; 1 is white; 0 outside the mask."""
    reference: npt.NDArray[Any]
    """float32 RGB (H, W, 3) in [0, 1]; 0 outside the mask."""
    mask: npt.NDArray[np.bool_]
    """bool (H, W), where the warped image covers the reference."""
    homography: npt.NDArray[Any]
    """3 x 3, from positions in the reference to positions in the image."""


def align(image_HWC: RgbImage, reference_HWC: RgbImage) -> Alignment:
    """Match a uint8 RGB image to its reference in brightness (one factor) and geometry (one homography).

    100 iterations of ECC on grey images smoothed over 5 pixels, always all of them: seconds an image.

    Raises:
        ValueError: sizes differ, or the images have nothing in common to align by.
    """
    if image_HWC.shape != reference_HWC.shape:
        raise ValueError(f"image {image_HWC.shape} and reference {reference_HWC.shape} differ in size")
    image = image_HWC.astype(np.float32) / 255
    reference = reference_HWC.astype(np.float32) / 255
    energy = float(np.sum(image * image, dtype=np.float64))
    if energy == 0:
        raise ValueError("a black image cannot be aligned")
    image *= float(np.sum(image * reference, dtype=np.float64)) / energy
    try:
        _, homography = cv2.findTransformECC(
            cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY),
            cv2.cvtColor(image, cv2.COLOR_RGB2GRAY),
            np.eye(3, dtype=np.float32),
            cv2.MOTION_HOMOGRAPHY,
            (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, 0),
            np.ones(image.shape[:2], np.uint8),
            _SMOOTHING_TAPS,
        )
    except cv2.error as error:
        raise ValueError(f"the image cannot be aligned with its reference: {error.err}") from error
    height, width = reference.shape[:2]
    warped = cv2.warpPerspective(
        image,
        homography,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    covered = cv2.warpPerspective(
        np.ones((height, width), np.uint8),
        homography,
        (width, height),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    mask = covered.astype(bool)
    warped[~mask] = 0
    reference[~mask] = 0
    return Alignment(warped, reference, mask, np.asarray(homography))


def psnr_aligned(alignment: Alignment) -> float:
    """PSNR in dB over the covered pixels, all three channels; inf if they are identical there."""
    difference = alignment.image[alignment.mask] - alignment.reference[alignment.mask]
    error = float(np.mean(np.square(difference, dtype=np.float64)))
    return float("inf") if error == 0 else float(-10 * np.log10(error))


def ssim_aligned(alignment: Alignment) -> float:
    """`psnr_ssim.ssim_2d` averaged over the covered pixels alone."""
    from skimage.metrics import structural_similarity

    _, map_HWC = structural_similarity(
        alignment.image,
        alignment.reference,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=2,
        full=True,
    )
    inner = slice(_SSIM_BORDER_PX, -_SSIM_BORDER_PX)
    return float(map_HWC[inner, inner][alignment.mask[inner, inner]].mean())


def aligned_scores(image_HWC: RgbImage, reference_HWC: RgbImage) -> Scores:
    """``psnr_rgb_aligned`` and ``ssim_2d_aligned`` of one image, aligned once for both.

    Raises:
        ValueError: as `align`.
    """
    alignment = align(image_HWC, reference_HWC)
    return {
        "psnr_rgb_aligned": min(psnr_aligned(alignment), psnr_ssim.PSNR_CAP_DB),
        "ssim_2d_aligned": ssim_aligned(alignment),
    }
