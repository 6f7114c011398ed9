# SPDX-License-Identifier: Apache-2.0
"""What is measured of one image, side by side, and how the figures of a set come from it.

Always ``psnr_rgb``, ``psnr_y``, ``ssim_2d``, ``ssim_3d`` and ``ssim_y`` (see `restoregan_core.metrics.psnr_ssim`);
``psnr_rgb_aligned`` and ``ssim_2d_aligned`` too where references come from a second camera (RealBlur);
``lpips`` where its weights are available. Images are uint8: rounded before they are measured.
"""

from collections.abc import Callable, Sequence

import numpy as np

from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics import psnr_ssim

Scores = dict[str, float]
"""Name of a metric -> its value for one image, or its mean over a set. Always finite."""
Scorer = Callable[[RgbImage, RgbImage], Scores]
"""(image, reference) -> some metrics of it."""

TITLES = {
    "psnr_rgb": "PSNR RGB",
    "psnr_y": "PSNR Y",
    "ssim_2d": "SSIM 2-D",
    "ssim_3d": "SSIM 3-D",
    "ssim_y": "SSIM Y",
    "psnr_rgb_aligned": "PSNR RGB aligned",
    "ssim_2d_aligned": "SSIM 2-D aligned",
    "lpips": "LPIPS (less is better)",
}


def score(image_HWC: RgbImage, reference_HWC: RgbImage, extra: Sequence[Scorer] = ()) -> Scores:
    """Every metric of one image. PSNR is capped at `psnr_ssim.PSNR_CAP_DB`, which identical images get.

    Args:
        image_HWC, reference_HWC: uint8 RGB of one size.
        extra: what else to measure: `realblur.aligned_scores`, or LPIPS.

    Raises:
        ValueError: sizes differ, or a side is under 11 pixels.
    """
    scores = {
        "psnr_rgb": min(psnr_ssim.psnr_rgb(image_HWC, reference_HWC), psnr_ssim.PSNR_CAP_DB),
        "psnr_y": min(psnr_ssim.psnr_y(image_HWC, reference_HWC), psnr_ssim.PSNR_CAP_DB),
        "ssim_2d": psnr_ssim.ssim_2d(image_HWC, reference_HWC),
        "ssim_3d": psnr_ssim.ssim_3d(image_HWC, reference_HWC),
        "ssim_y": psnr_ssim.ssim_y(image_HWC, reference_HWC),
    }
    for scorer in extra:
        scores |= scorer(image_HWC, reference_HWC)
    return scores


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Mean over images of the per-image values, as papers report a set.

    Raises:
        ValueError: no images.
    """
    if not scores:
        raise ValueError("nothing to average: there are no images")
    return {name: float(np.mean([values[name] for values in scores])) for name in scores[0]}
