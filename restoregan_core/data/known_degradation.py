# SPDX-License-Identifier: Apache-2.0
"""Clean frames degraded in a known way, so that what they should look like is known."""

from dataclasses import dataclass

import numpy as np

from restoregan_core.images.rgb import RgbImage


@dataclass(frozen=True, kw_only=True)
class KnownDegradation:
    """Degrades clean frames in a known way, the same way at every run.

    Raises:
        ValueError: no such kind, or a severity outside [0, 1].
    """

    kind: str
    """blur, rain, blur_rain or drops."""
    severity: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("blur", "rain", "blur_rain", "drops"):
            raise ValueError(f"cannot degrade by {self.kind!r}; there are: blur, rain, blur_rain, drops")
        if not 0.0 <= self.severity <= 1.0:
            raise ValueError(f"severity is {self.severity}; it lies between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> "KnownDegradation":
        """``rain`` or ``rain:0.8``."""
        kind, _, severity = text.partition(":")
        try:
            return cls(kind=kind, severity=float(severity) if severity else 0.5)
        except ValueError as error:
            raise ValueError(f"--degrade {text}: {error}") from error

    def __call__(self, rgb_HWC: RgbImage, index: int) -> RgbImage:
        """The frame number ``index``, degraded: uint8 RGB of the same shape."""
        import torch

        from restoregan_core.data.camera_motion import whole_frame
        from restoregan_core.data.degrade import DegradeConfig, draw_degradation

        height, width = rgb_HWC.shape[:2]
        rng = np.random.default_rng((self.seed, index))
        drawn = draw_degradation(
            self.kind, DegradeConfig(), rng, whole_frame(height, width), severity=self.severity
        )
        margin = drawn.margin
        padded = np.pad(rgb_HWC, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
        sharp_CHW = torch.from_numpy(padded).permute(2, 0, 1).float() / 255
        with torch.no_grad():
            degraded_CHW, _ = drawn.apply(sharp_CHW)
        return np.ascontiguousarray((degraded_CHW.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
