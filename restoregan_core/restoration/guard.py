# SPDX-License-Identifier: Apache-2.0
"""Keeps a network that misbehaves from harming the detectors: bounds on its output, and a circuit breaker.

Bounds look at one frame: the change to any pixel is clamped, a shift of mean colour or brightness is refused.
The breaker looks at the network's record: after several faults in a row, refused frames among them, it rests, and
tries again later.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt


class GuardError(Exception):
    """The output as a whole is not true to its source: publish the source instead."""


class ColourShiftError(GuardError):
    """The mean of a channel moved against the mean of all three."""


class BrightnessShiftError(GuardError):
    """The mean of all channels moved."""


@dataclass(frozen=True, kw_only=True)
class GuardLimits:
    """How far the output may depart from its source, and how often the network may fail.

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
    circuit_opens_after: int = 5
    """Faults in a row after which restoration rests."""
    circuit_probe_after_s: float = 5.0
    """Seconds of rest before one frame is tried again."""

    def __post_init__(self) -> None:
        if not 0 <= self.max_pixel_change <= 255:
            raise ValueError(f"max_pixel_change is {self.max_pixel_change}; it counts grey levels, 0 to 255")
        for name in ("max_colour_shift", "max_brightness_shift"):
            if not 0.0 <= getattr(self, name) <= 255.0:  # NaN fails too
                raise ValueError(f"{name} is {getattr(self, name)}; it counts grey levels, 0 to 255")
        if self.circuit_opens_after < 1:
            raise ValueError(
                f"circuit_opens_after is {self.circuit_opens_after}; it counts faults, at least 1"
            )
        if not 0.0 <= self.circuit_probe_after_s < float("inf"):
            raise ValueError(
                f"circuit_probe_after_s is {self.circuit_probe_after_s}; it is a time in seconds, 0 or more"
            )


class Guard:
    """Bounds and circuit breaker of one network. The breaker is shared by all cameras, as the network is.

    Args:
        limits: may be replaced between frames by assigning ``guard.limits``.
        clock_s: the steady clock in seconds.
    """

    def __init__(
        self, limits: GuardLimits | None = None, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = GuardLimits() if limits is None else limits
        self._clock_s = clock_s
        self._faults_in_a_row = 0
        self._opened_at_s: float | None = None

    def check(
        self, source_HWC: npt.NDArray[np.uint8], restored_HWC: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.uint8]:
        """Bound the change to each pixel; refuse a frame whose colours moved as a whole.

        The colours are compared before clamping, which would hide most of a shift.

        Args:
            source_HWC: uint8 (height, width, 3).
            restored_HWC: uint8 of the same shape; not written to.

        Returns:
            uint8 (height, width, 3), at most ``max_pixel_change`` away from the source anywhere.

        Raises:
            BrightnessShiftError, ColourShiftError: mean brightness or a mean colour moved by more than its bound.
            ValueError: not uint8, or of another shape than the source.
        """
        if restored_HWC.shape != source_HWC.shape or restored_HWC.dtype != np.uint8:
            raise ValueError(
                f"the network gave {restored_HWC.dtype} {restored_HWC.shape}"
                f" for a frame of {source_HWC.dtype} {source_HWC.shape}"
            )
        shifts = np.subtract(cv2.mean(restored_HWC), cv2.mean(source_HWC))[:3]
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
        return self.clamp(source_HWC, restored_HWC)

    def clamp(
        self, source_HWC: npt.NDArray[np.uint8], restored_HWC: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.uint8]:
        """Bound the change to each pixel alone; arguments and result as ``check`` has them."""
        bound = self.limits.max_pixel_change
        if bound >= 255:
            return restored_HWC
        # OpenCV's uint8 arithmetic saturates at 0 and 255, which is what a bound needs.
        step = np.full_like(source_HWC, bound)
        bounded = cv2.min(restored_HWC, cv2.add(source_HWC, step))
        return np.asarray(cv2.max(bounded, cv2.subtract(source_HWC, step)), np.uint8)

    def may_restore(self) -> bool:
        """Whether to try the network now: the circuit is closed, or has rested long enough for a probe."""
        return self._opened_at_s is None or self._rested_s() >= self.limits.circuit_probe_after_s

    def count_fault(self) -> None:
        """The network raised, or gave what is not finite or was refused by ``check``.

        A probe that fails lets the circuit rest again.
        """
        self._faults_in_a_row += 1
        if self._faults_in_a_row >= self.limits.circuit_opens_after:
            self._opened_at_s = self._clock_s()

    def count_success(self) -> None:
        """The network worked: closes the circuit."""
        self._faults_in_a_row = 0
        self._opened_at_s = None

    def describe(self) -> str:
        """The circuit's state in one line, for logs and diagnostics."""
        if self._opened_at_s is None:
            return f"circuit closed, {self._faults_in_a_row} faults in a row"
        wait_s = self.limits.circuit_probe_after_s - self._rested_s()
        state = (
            f"open, next probe in {wait_s:.1f} s" if wait_s > 0 else "half-open, the next frame is a probe"
        )
        return f"circuit {state}, {self._faults_in_a_row} faults in a row"

    def _rested_s(self) -> float:
        assert self._opened_at_s is not None
        return self._clock_s() - self._opened_at_s
