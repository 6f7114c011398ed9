# SPDX-License-Identifier: Apache-2.0
"""How far did the camera move? Measured between the sharp and the blurred image of a real pair."""

import numpy as np
import numpy.typing as npt

REACH_PX = 16
"""Reach of the kernel that is looked at, to each side: smears of more than some 30 px are measured as too short."""
MIN_DIFFERENCE = 2.0
"""Grey levels, of 255, by which neighbouring pixels of the sharp image must differ in the mean, across and down:
along an axis without detail a smear leaves no trace."""
_REGULARISATION = 3e-3
_NOISE_SHARE = 0.15
"""Kernel values below that share of the greatest one are taken for noise."""

Grey = npt.NDArray[np.float32]


def measured_extent_px(sharp_HW: Grey, blurred_HW: Grey) -> float:
    """Length of the smear that turns the one image into the other, along its longest axis.

    The kernel between the two is found by regularised division in the frequency domain; its length is that of
    an even straight smear of the same variance. One kernel for the whole image: measure large ones in parts.
    Under 2 px it measures up to a pixel too much, since even a fraction of a pixel spreads over two.

    Args:
        sharp_HW, blurred_HW: grey values in [0, 255] of one shape, at least 2 * ``REACH_PX`` + 1 to each side.

    Returns:
        In pixels; NaN where the sharp image has too little detail along either axis.

    Raises:
        ValueError: shapes differ, or are too small.
    """
    if sharp_HW.shape != blurred_HW.shape or min(sharp_HW.shape) < 2 * REACH_PX + 1:
        raise ValueError(
            f"a pair of {sharp_HW.shape} and {blurred_HW.shape}:"
            f" both must be of one shape, {2 * REACH_PX + 1} px or more to each side"
        )
    if min(np.abs(np.diff(sharp_HW, axis=axis)).mean() for axis in (0, 1)) < MIN_DIFFERENCE:
        return float("nan")
    height, width = sharp_HW.shape
    window_HW = np.outer(np.hanning(height), np.hanning(width))
    mean = sharp_HW.mean()
    sharp = np.fft.rfft2((sharp_HW - mean) * window_HW)
    blurred = np.fft.rfft2((blurred_HW - mean) * window_HW)
    power = np.abs(sharp) ** 2
    floor = _REGULARISATION * power.mean()
    smear = _spread(np.fft.irfft2(sharp.conj() * blurred / (power + floor), s=sharp_HW.shape))
    # Of an image without fine detail even no motion at all would come out as a spot of some width.
    spot = _spread(np.fft.irfft2(power / (power + floor), s=sharp_HW.shape))
    return float(np.sqrt(12 * max(np.linalg.eigvalsh(smear - spot)[-1], 0.0)))


def _spread(kernel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Covariance of a kernel's rows and columns, in px squared, around its origin: (2, 2)."""
    span = np.arange(-REACH_PX, REACH_PX + 1)
    kernel = kernel[span[:, np.newaxis], span]  # negative indices: it wraps around its origin
    kernel = np.where(kernel < _NOISE_SHARE * kernel.max(), 0, kernel)
    points_2N = np.stack([axis.ravel() for axis in np.meshgrid(span, span, indexing="ij")])
    return np.asarray(np.cov(points_2N, aweights=kernel.ravel(), ddof=0))
