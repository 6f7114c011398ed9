# SPDX-License-Identifier: Apache-2.0
"""What a training run minimises: the weights of the loss terms, and the networks whose features they compare."""

from dataclasses import dataclass
from typing import Literal

from restoregan_core.training.losses.adversarial import AdversarialKind
from restoregan_core.training.losses.pixel import PixelKind


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError`` with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the generator's loss terms (0 = off) and the critic's game. The defaults are the paper's.

    Args:
        perceptual_weight: of the squared difference of VGG features (eq. 10).
        adversarial_weight: of the critic's judgement; it needs patches of ``critic_size``.
        pixel_weight: of the difference of pixels; not in the paper.
        fft_weight: of the difference of spectra; not in the paper.
        detector_weight: of the difference of a detector's features; not in the paper.
        pixel: which difference of pixels.
        adversarial: the paper's Wasserstein loss with a sigmoid, or one of the games it is compared with.
        critic_steps: steps of the critic to one of the generator, all on the same batch.
        gradient_penalty_weight: lambda of ``wgan_gp``.
        weight_clip: limit of ``wgan_clip``.
    """

    perceptual_weight: float = 100.0
    adversarial_weight: float = 1.0
    pixel_weight: float = 0.0
    fft_weight: float = 0.0
    detector_weight: float = 0.0
    pixel: PixelKind = "l1"
    adversarial: AdversarialKind = "wasserstein_sigmoid"
    critic_steps: int = 5
    gradient_penalty_weight: float = 10.0
    weight_clip: float = 0.01

    def __post_init__(self) -> None:
        weights = (
            self.perceptual_weight, self.adversarial_weight, self.pixel_weight, self.fft_weight,
            self.detector_weight,
        )  # fmt: skip
        require(min(weights) >= 0, "loss weights must not be negative")
        require(max(weights) > 0, "every loss weight is 0: there is nothing to learn from")
        require(self.critic_steps >= 1, f"critic_steps={self.critic_steps} must be at least 1")
        require(self.gradient_penalty_weight >= 0, "gradient_penalty_weight must not be negative")
        require(self.weight_clip > 0, f"weight_clip={self.weight_clip} must be positive")


@dataclass(frozen=True, kw_only=True)
class PerceptualConfig:
    """The network whose features the perceptual loss compares, at conv3_3 after its ReLU.

    Args:
        network: ``vgg19``, or ``vgg16_stand_in`` for a machine without VGG19's weights.
        weights: a file with them; empty: torch.hub fetches VGG19's. See ``training/losses/perceptual.py``.
        channels: ``sum`` over feature channels as in eq. 10, or their ``mean``.
    """

    network: Literal["vgg19", "vgg16_stand_in"] = "vgg19"
    weights: str = ""
    channels: Literal["sum", "mean"] = "sum"


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """The detector that restored images are for.

    Args:
        weights: an ONNX file of the YOLOX family. See ``training/losses/detector.py``.
    """

    weights: str = ""
