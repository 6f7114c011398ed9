# SPDX-License-Identifier: Apache-2.0
"""What a network has to beat: restoration without learning, each at its best single setting for a set.

The best setting is chosen on some of the very images that are measured (by mean PSNR on RGB): an advantage
that no user has, given to the baselines on purpose. Of videos, ``median`` is the `TemporalMedian`, which has no
setting.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.evaluation.measure import EvaluationSet
from restoregan_core.images.folders import read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics import psnr_ssim

CHOOSING_IMAGES = 6
NAMES = ("none", "unsharp", "wiener", "richardson-lucy", "median")


@dataclass(frozen=True)
class Baseline:
    """One method at one setting: call it with a uint8 RGB image of shape (height, width, 3)."""

    name: str
    setting: str
    """For a table: ``sigma 1.5, amount 0.5``."""
    function: Callable[[RgbImage], RgbImage]

    def __call__(self, image_HWC: RgbImage) -> RgbImage:
        return self.function(image_HWC)


class TemporalMedian:
    """The median over time of the current frame and the two before it, aligned: for each pixel and channel.

    What falls through the image goes; what alignment misses is smeared or doubled.
    """

    name = "median"
    history = 2
    """Frames before the current one."""
    path = recurrent = False

    def __call__(self, rgb_HWC: RgbImage) -> RgbImage:
        """A frame without history stays as it is: uint8 RGB (height, width, 3), a new array."""
        return rgb_HWC.copy()

    def restore_aligned(self, rgb_HWC: RgbImage, aligned: Sequence[RgbImage]) -> RgbImage:
        """The median, as soon as there are two different frames before.

        Args:
            aligned: newest first, as ``AlignedHistory`` gives them.
        """
        if len(aligned) < 2 or aligned[0] is aligned[1]:  # the oldest frame stands for one that is missing
            return self(rgb_HWC)
        low, high = np.minimum(rgb_HWC, aligned[0]), np.maximum(rgb_HWC, aligned[0])
        return np.maximum(low, np.minimum(high, aligned[1]))


def baselines(name: str) -> list[Baseline]:
    """The settings of one method that are tried.

    Raises:
        ValueError: no such method.
    """
    if name == "none":
        return [Baseline(name, "", np.copy)]
    if name == "unsharp":
        return [
            Baseline(name, f"sigma {sigma}, amount {amount}", partial(unsharp, sigma=sigma, amount=amount))
            for sigma in (1.0, 2.0, 4.0)
            for amount in (0.1, 0.25, 0.5, 1.0)
        ]
    if name == "wiener":
        return [
            Baseline(name, f"{psf_name}, balance {balance}", partial(wiener, psf=psf, balance=balance))
            for psf_name, psf in _psfs().items()
            for balance in (0.03, 0.1, 0.3, 1.0)
        ]
    if name == "richardson-lucy":
        return [
            Baseline(name, f"{psf_name}, {steps} steps", partial(richardson_lucy, psf=psf, steps=steps))
            for psf_name, psf in list(_psfs().items())[:4]  # slow: not the longest kernels
            for steps in (3, 10)
        ]
    if name == "median":
        return [Baseline(name, f"{side}x{side}", partial(median, side=side)) for side in (3, 5, 7)]
    raise ValueError(f"no baseline {name!r}; there are: {', '.join(NAMES)}")


def best_for_set(name: str, evaluation_set: EvaluationSet) -> Baseline:
    """The best setting for a set, chosen on `CHOOSING_IMAGES` of its images, evenly spread.

    Raises:
        ValueError: no such method, or an image that cannot be read.
    """
    count = len(evaluation_set.pairs)
    indices = sorted({round(i) for i in np.linspace(0, count - 1, min(count, CHOOSING_IMAGES))})
    chosen = (evaluation_set.pairs[i] for i in indices)
    return best_baseline(name, ((read_rgb(p.input_path), read_rgb(p.target_path)) for p in chosen))


def best_baseline(name: str, pairs: Iterable[tuple[RgbImage, RgbImage]]) -> Baseline:
    """The setting with the highest mean PSNR (RGB) over (input, target) pairs.

    Raises:
        ValueError: no such method, or no pairs.
    """
    candidates = baselines(name)
    if len(candidates) == 1:
        return candidates[0]
    table = [[psnr_ssim.psnr_rgb(b(image), target) for b in candidates] for image, target in pairs]
    if not table:
        raise ValueError("no images to choose a baseline's setting by")
    means = np.minimum(np.array(table), psnr_ssim.PSNR_CAP_DB).mean(axis=0)
    return candidates[int(means.argmax())]


def unsharp(image_HWC: RgbImage, *, sigma: float, amount: float) -> RgbImage:
    """Unsharp masking: the image plus ``amount`` times what a Gaussian of ``sigma`` pixels takes away."""
    smooth = cv2.GaussianBlur(image_HWC, (0, 0), sigma)
    return np.asarray(cv2.addWeighted(image_HWC, 1 + amount, smooth, -amount, 0), np.uint8)


def wiener(image_HWC: RgbImage, *, psf: npt.NDArray[np.float64], balance: float) -> RgbImage:
    """Wiener deconvolution of each channel by scikit-image; ``balance`` weighs its Laplacian prior."""
    from skimage.restoration import wiener as deconvolve

    return _by_channel(image_HWC, psf, lambda plane: deconvolve(plane, psf, balance, clip=False))


def richardson_lucy(image_HWC: RgbImage, *, psf: npt.NDArray[np.float64], steps: int) -> RgbImage:
    """Richardson-Lucy deconvolution of each channel by scikit-image."""
    from skimage.restoration import richardson_lucy as deconvolve

    return _by_channel(
        image_HWC, psf, lambda plane: deconvolve(plane, psf, num_iter=steps, filter_epsilon=1e-3)
    )


def median(image_HWC: RgbImage, *, side: int) -> RgbImage:
    """Median over side x side pixels, channel by channel: thin streaks go, and so does fine detail."""
    return np.asarray(cv2.medianBlur(image_HWC, side), np.uint8)


def _by_channel(
    image_HWC: RgbImage,
    psf: npt.NDArray[np.float64],
    deconvolve: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> RgbImage:
    # Both methods take the image to be periodic or zero outside: mirrored margins keep their ringing out.
    margin = 2 * max(psf.shape)
    border = (margin, margin, margin, margin)
    height, width = image_HWC.shape[:2]
    padded = cv2.copyMakeBorder(image_HWC, *border, cv2.BORDER_REFLECT_101).astype(np.float32) / 255
    planes = [deconvolve(np.ascontiguousarray(padded[..., c])) for c in range(3)]
    restored = np.stack(planes, axis=2)[margin : margin + height, margin : margin + width]
    return np.round(np.clip(restored, 0, 1) * 255).astype(np.uint8)


def _gaussian_psf(sigma: float) -> npt.NDArray[np.float64]:
    taps = cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma, cv2.CV_64F)
    return np.asarray(taps @ taps.T, np.float64)


def _line_psf(length: int, vertical: bool) -> npt.NDArray[np.float64]:
    psf = np.zeros((length, length))
    psf[length // 2] = 1 / length
    return psf.T.copy() if vertical else psf


def _psfs() -> dict[str, npt.NDArray[np.float64]]:
    return {
        "Gaussian 0.7 px": _gaussian_psf(0.7),
        "Gaussian 1.0 px": _gaussian_psf(1.0),
        "Gaussian 1.5 px": _gaussian_psf(1.5),
        "horizontal motion 5 px": _line_psf(5, vertical=False),
        "vertical motion 5 px": _line_psf(5, vertical=True),
        "horizontal motion 9 px": _line_psf(9, vertical=False),
    }
