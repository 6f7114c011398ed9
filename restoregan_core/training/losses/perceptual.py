# SPDX-License-Identifier: Apache-2.0
"""VGG features up to conv3_3, and the perceptual loss on them (Wei et al. 2021, eq. 10).

The weights do not come with this package. VGG19's are torchvision's published state dict, given as a file or
fetched by torch.hub; where neither is available, VGG16's first layers serve as a stand-in from an ``.npz`` with
arrays ``block{b}_conv{c}_w`` (OIHW) and ``_b`` for BGR images of 0 to 255.
"""

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
HOW_TO_GET_THEM = (
    f"download {VGG19_URL} and set perceptual.weights to the file, or set perceptual.network to "
    "vgg16_stand_in and perceptual.weights to an .npz of VGG16, or set loss.perceptual_weight to 0"
)

_CHANNELS = ((64, 64), (128, 128), (256, 256, 256))
_TORCHVISION_INDICES = (0, 2, 5, 7, 10, 12, 14)
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CAFFE = ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255))


class VggFeatures(nn.Module):
    """conv3_3 after its ReLU, of VGG16 or VGG19 (equal in plan up to there). Frozen.

    Args:
        state: weight and bias of the seven convolutions, in order, OIHW.
        mean, std: what the network's inputs were normalised with, RGB, for images in [0, 1].
        bgr: the network was trained on BGR.

    Shape: (B, 3, H, W) RGB in [-1, 1] -> (B, 256, H // 4, W // 4).
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        state: list[tuple[Tensor, Tensor]],
        mean: tuple[float, ...] = _IMAGENET[0],
        std: tuple[float, ...] = _IMAGENET[1],
        bgr: bool = False,
    ) -> None:
        super().__init__()
        self.bgr = bgr
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        layers: list[nn.Module] = []
        tensors = iter(state)
        channels = 3
        for block, widths in enumerate(_CHANNELS):
            if block > 0:
                layers.append(nn.MaxPool2d(2))
            for width in widths:
                conv = nn.Conv2d(channels, width, 3, padding=1)
                weight, bias = next(tensors)
                shapes = [
                    tuple(getattr(tensor, "shape", ())) for tensor in (weight, bias)
                ]  # a file may hold anything
                if shapes != [tuple(conv.weight.shape), (width,)]:
                    raise ValueError(
                        f"VGG weights of shape {shapes[0]} and {shapes[1]} do not fit a "
                        f"layer of {tuple(conv.weight.shape)}: not VGG16 or VGG19"
                    )
                with torch.no_grad():
                    conv.weight.copy_(weight)
                    conv.bias.copy_(bias)  # type: ignore[union-attr]
                layers += [conv, nn.ReLU()]
                channels = width
        self.layers = nn.Sequential(*layers)
        self.requires_grad_(False).eval()

    def normalise(self, image_BCHW: Tensor) -> Tensor:
        """Every image of the batch from [-1, 1] to what the network was trained on."""
        x_BCHW = ((image_BCHW + 1) / 2 - self.mean) / self.std
        return x_BCHW.flip(1) if self.bgr else x_BCHW

    def forward(self, image_BCHW: Tensor) -> Tensor:
        features_BCHW: Tensor = self.layers(self.normalise(image_BCHW))
        return features_BCHW


class PerceptualLoss(nn.Module):
    """Squared difference of features: sum (or mean) over channels, mean over positions and images.

    VGG19 is used at its own scale, which the paper's weight means. Another network has another scale: after
    ``calibrate`` the squared difference is divided by the mean energy of a feature on sharp images, so that
    a weight means the same relative difference whatever network stands in.

    Shape: two batches (B, 3, H, W) RGB in [-1, 1] -> scalar.
    """

    energy: Tensor

    def __init__(self, features: nn.Module, channels: Literal["sum", "mean"] = "sum") -> None:
        super().__init__()
        self.features = features
        self.channels = channels
        self.register_buffer("energy", torch.ones(()))

    @torch.no_grad()
    def calibrate(self, sharp_BCHW: Tensor) -> None:
        """Measure the mean square of a feature on sharp images in [-1, 1], and divide by it from now on."""
        self.energy.copy_(self.features(sharp_BCHW).float().square().mean())

    def forward(self, restored_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
        with torch.no_grad():
            target_features_BCHW = self.features(target_BCHW)
        difference_BCHW = self.features(restored_BCHW).float() - target_features_BCHW.float()
        squared_BHW = difference_BCHW.square().sum(1)
        if self.channels == "mean":
            squared_BHW = squared_BHW / difference_BCHW.shape[1]
        return squared_BHW.mean() / self.energy


def load_vgg19(path: str | os.PathLike[str] = "") -> VggFeatures:
    """VGG19 of torchvision (IMAGENET1K_V1) from its state-dict file, or by torch.hub if ``path`` is empty.

    Raises:
        ValueError: no such file, not a network, or not VGG19; the message says how to get the weights.
    """
    state: Any
    try:
        if path:
            state = torch.load(path, map_location="cpu", weights_only=True)
        else:
            state = torch.hub.load_state_dict_from_url(
                VGG19_URL, map_location="cpu", weights_only=True, check_hash=True
            )
    except FileNotFoundError as error:
        raise ValueError(f"no VGG19 weights at {os.fspath(path)!r}: {HOW_TO_GET_THEM}") from error
    except OSError as error:  # no network, no permission, a damaged file
        raise ValueError(f"VGG19's weights cannot be fetched ({error}): {HOW_TO_GET_THEM}") from error
    except Exception as error:  # torch.load raises what the file makes it raise
        raise ValueError(f"{os.fspath(path)!r} is not a state dict: {HOW_TO_GET_THEM}") from error
    try:
        tensors = [(state[f"features.{i}.weight"], state[f"features.{i}.bias"]) for i in _TORCHVISION_INDICES]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is not torchvision's VGG19 ({error} is missing): {HOW_TO_GET_THEM}"
        ) from error
    return VggFeatures(tensors)


def load_vgg16_stand_in(path: str | os.PathLike[str]) -> VggFeatures:
    """VGG16 up to conv3_3 from an ``.npz``: BGR, 0 to 255 minus the mean colour.

    Raises:
        ValueError: no such file, or not what this module's docstring describes.
    """
    if not Path(path).is_file():
        raise ValueError(f"no VGG16 weights at {os.fspath(path)!r}: {HOW_TO_GET_THEM}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            tensors = [
                (
                    torch.from_numpy(arrays[f"block{block}_conv{conv}_w"]),
                    torch.from_numpy(arrays[f"block{block}_conv{conv}_b"]),
                )
                for block, widths in enumerate(_CHANNELS, 1)
                for conv in range(1, len(widths) + 1)
            ]
    except Exception as error:  # zipfile and NumPy raise nearly anything for damaged bytes
        raise ValueError(f"{os.fspath(path)!r} does not hold VGG16's layers ({error})") from error
    return VggFeatures(tensors, *_CAFFE, bgr=True)
