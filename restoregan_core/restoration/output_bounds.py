# SPDX-License-Identifier: Apache-2.0
"""Bounds on what a network may do to one frame: a shift of mean colour or brightness is refused, the change to any
pixel is clamped."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage


class OutputRefusedError(Exception):
    """The output as a whole is not true to its source: publish the source instead."""


class ColourShiftError(OutputRefusedError):
    """The mean of a channel moved against the mean of all three."""


class BrightnessShiftError(OutputRefusedError):
    """The mean of all channels moved."""


@dataclass(frozen=True, kw_only=True)
class OutputLimits:
    """How far the output may depart from its source.

    Raises:
        ValueError: a value out of its range.
    """

    max_pixel_change: int = 128
    """Grey levels, 0 to 255, by which any channel of any pixel may change; more is clamped. Dense
    rain is brighter than what it hides by as much: a tighter bound would leave it standing."""
    max_colour_shift: float = 12.0
    """Grey levels, 0 to 255, by which the frame's mean of any channel may move against the mean of all three
    (a colour cast); more fails open. Between Rain100L's pairs it is at most 1.3, GOPRO's and REDS's 0.4."""
    max_brightness_shift: float = 110.0
    """Grey levels, 0 to 255, by which the frame's mean over all channels may move; more fails open. Looser,
    because rain brightens: between Rain100L's pairs it is up to 12.6, between Rain100H's 104."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_pixel_change <= 255:
            raise ValueError(f"max_pixel_change is {self.max_pixel_change}; it counts grey levels, 0 to 255")
        for name in ("max_colour_shift", "max_brightness_shift"):
            if not 0.0 <= getattr(self, name) <= 255.0:  # NaN fails too
                raise ValueError(f"{name} is {getattr(self, name)}; it counts grey levels, 0 to 255")


@dataclass(frozen=True)
class OutputBounds:
    """Holds a network's output to ``limits``. Keeps no state: each frame is judged by itself."""

    limits: OutputLimits

    def check(
        self,
        source_HWC: RgbImage,
        restored_HWC: RgbImage,
        selected_HW: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Refuse a frame whose colours moved as a whole. To be asked before ``clamp``, which would hide most of it.

        Args:
            source_HWC: uint8 (height, width, 3).
            restored_HWC: uint8 of the same shape.
            selected_HW: where to look, bool (height, width); None is everywhere.

        Raises:
            BrightnessShiftError, ColourShiftError: mean brightness or a mean colour moved by more than its bound.
            ValueError: not uint8, or of another shape than the source.
        """
        if restored_HWC.shape != source_HWC.shape or restored_HWC.dtype != np.uint8:
            raise ValueError(
                f"the network gave {restored_HWC.dtype} {restored_HWC.shape}"
                f" for a frame of {source_HWC.dtype} {source_HWC.shape}"
            )
        mask = None if selected_HW is None else selected_HW.view(np.uint8)
        shifts = np.subtract(cv2.mean(restored_HWC, mask), cv2.mean(source_HWC, mask))[:3]
        brightness = float(shifts.mean())
        if abs(brightness) > self.limits.max_brightness_shift:
            raise BrightnessShiftError(
                f"mean brightness moved by {brightness:+.1f} grey levels,"
                f" more than {self.limits.max_brightness_shift:g}"
            )
        casts = shifts - brightness
        worst = int(np.abs(casts).argmax())
        if abs(casts[worst]) > self.limits.max_colour_shift:
            raise ColourShiftError(
                f"mean {('red', 'green', 'blue')[worst]} moved by {casts[worst]:+.1f} grey levels"
                " against all three,"
                f" more than {self.limits.max_colour_shift:g}"
            )

    def clamp(self, source_HWC: RgbImage, restored_HWC: RgbImage) -> RgbImage:
        """Bound the change to each pixel.

        Args:
            source_HWC: uint8 (height, width, 3).
            restored_HWC: uint8 of the same shape; not written to.

        Returns:
            uint8 (height, width, 3), at most ``max_pixel_change`` away from the source anywhere.
        """
        bound = self.limits.max_pixel_change
        if cv2.norm(restored_HWC, source_HWC, cv2.NORM_INF) <= bound:
            return restored_HWC
        # OpenCV's uint8 arithmetic saturates at 0 and 255, which is what a bound needs.
        step = np.full_like(source_HWC, bound)
        bounded = cv2.min(restored_HWC, cv2.add(source_HWC, step))
        return np.asarray(cv2.max(bounded, cv2.subtract(source_HWC, step)), np.uint8)
