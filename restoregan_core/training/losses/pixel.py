# SPDX-License-Identifier: Apache-2.0
"""How far a restored image is from its target, pixel by pixel and in its spectrum.

Images are float (B, C, H, W) RGB in [-1, 1]; every loss is a scalar tensor.
Sources: Lai et al. 2017 for Charbonnier; Cho et al. 2021 for the Fourier term.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

_WHOLLY_DEGRADED = 16 / 255
"""Difference from which on a pixel counts in full: eight grey levels, in [-1, 1]."""

PixelKind = Literal["l1", "charbonnier", "psnr"]


def pixel_loss(kind: PixelKind, restored_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """L1, Charbonnier or negative PSNR between two batches."""
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "l1": F.l1_loss,
        "charbonnier": charbonnier_loss,
        "psnr": psnr_loss,
    }
    return losses[kind](restored_BCHW, target_BCHW)


def charbonnier_loss(restored_BCHW: Tensor, target_BCHW: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(difference^2 + epsilon^2): L1 with a smooth bottom."""
    return ((restored_BCHW - target_BCHW).square() + epsilon**2).sqrt().mean()


def psnr_loss(restored_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Minus the PSNR in dB (peak 2, the width of [-1, 1]), averaged over the images; at least -80."""
    mse_B = (restored_BCHW - target_BCHW).square().flatten(1).mean(1)
    return 10 * torch.log10(mse_B / 4 + 1e-8).mean()


def degraded_loss(restored_BCHW: Tensor, target_BCHW: Tensor, degraded_BCHW: Tensor) -> Tensor:
    """L1 where something is to be restored: each pixel counts by how far its degraded value is from the target.

    The mean over all pixels. Under L1 alone a network leaves a faint streak unless it is more likely rain than scenery;
    with this beside it, a smaller likelihood is enough.
    """
    weights_B1HW = (degraded_BCHW - target_BCHW).abs().amax(1, keepdim=True) / _WHOLLY_DEGRADED
    return (weights_B1HW.clamp_max(1) * (restored_BCHW - target_BCHW).abs()).mean()


def fft_loss(restored_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Mean absolute difference of the real and imaginary parts of the two spectra.

    The transform is orthonormal, so that the loss does not grow with the patch; a published weight of 0.1 for
    the unnormalised transform at 256 x 256 is 25.6 here.
    """
    difference_BCHW = restored_BCHW - target_BCHW
    if difference_BCHW.dtype in (torch.bfloat16, torch.float16):  # without Fourier transform
        difference_BCHW = difference_BCHW.float()
    return torch.view_as_real(torch.fft.rfft2(difference_BCHW, norm="ortho")).abs().mean()
