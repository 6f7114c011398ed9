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
    """Weights of the generator's loss terms (0 = off) and the critic's game. The defaults are the paper's."""

    perceptual_weight: float = 100.0
    """Weight of the squared difference of VGG features (eq. 10)."""
    adversarial_weight: float = 1.0
    """Weight of the critic's judgement; it needs patches of ``critic_size``."""
    pixel_weight: float = 0.0
    """Weight of the difference of pixels; not in the paper."""
    degraded_weight: float = 0.0
    """Weight of the difference of pixels where the input is degraded; not in the paper."""
    fft_weight: float = 0.0
    """Weight of the difference of spectra; not in the paper."""
    detector_weight: float = 0.0
    """Weight of the difference of a detector's features; not in the paper."""
    pixel: PixelKind = "l1"
    """Which difference of pixels."""
    adversarial: AdversarialKind = "wasserstein_sigmoid"
    """The paper's Wasserstein loss with a sigmoid, or one of the games it is compared with."""
    critic_steps: int = 5
    """Steps of the critic to one of the generator, all on the same batch."""
    gradient_penalty_weight: float = 10.0
    """Lambda of ``wgan_gp``."""
    weight_clip: float = 0.01
    """Limit of ``wgan_clip``."""

    def __post_init__(self) -> None:
        terms = ("perceptual", "adversarial", "pixel", "degraded", "fft", "detector")
        weights = {f"{term}_weight": getattr(self, f"{term}_weight") for term in terms}
        for name, weight in weights.items():
            require(weight >= 0, f"{name}={weight} must not be negative")
        require(max(weights.values()) > 0, "every loss weight is 0: there is nothing to learn from")
        require(self.critic_steps >= 1, f"critic_steps={self.critic_steps} must be at least 1")
        require(self.gradient_penalty_weight >= 0, "gradient_penalty_weight must not be negative")
        require(self.weight_clip > 0, f"weight_clip={self.weight_clip} must be positive")


@dataclass(frozen=True, kw_only=True)
class PerceptualConfig:
    """The network whose features the perceptual loss compares, at conv3_3 after its ReLU."""

    network: Literal["vgg19", "vgg16_stand_in"] = "vgg19"
    """``vgg19``, or ``vgg16_stand_in`` for a machine without VGG19's weights."""
    weights: str = ""
    """A file with them; empty: torch.hub fetches VGG19's. See ``training/losses/perceptual.py``."""
    channels: Literal["sum", "mean"] = "sum"
    """``sum`` over feature channels as in eq. 10, or their ``mean``."""


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """The detector that restored images are for."""

    weights: str = ""
    """An ONNX file of the YOLOX family. See ``training/losses/detector.py``."""
