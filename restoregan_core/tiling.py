"""Pictures too large for memory go through the network window by window, with the same result."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

WINDOW_PX = 2048
"""Largest side of what the network sees at once: with the paper's network some 4 GB in fp32."""
MARGIN_PX = 192
"""Context around each window, beyond the reach of every network of the zoo, so that no seam can arise."""


class Tiled:
    """A restorer for pictures of any size at bounded memory. Smaller pictures go through whole.

    The networks reach less far than the margin and have no global layer, so that the result is that of the
    whole picture. Windows start at multiples of 64 px, which keeps strides in phase.

    Args:
        restore: uint8 RGB (H, W, 3) -> the same.
        window_px: side of a window, margins included; a multiple of 64.
        margin_px: a multiple of 64, less than half the window.

    Raises:
        ValueError: sizes that are no multiples of 64, or a margin that fills the window.
    """

    def __init__(
        self, restore: Callable[[Picture], Picture], window_px: int = WINDOW_PX, margin_px: int = MARGIN_PX
    ) -> None:
        if window_px % 64 or margin_px % 64 or not 0 < 2 * margin_px < window_px:
            raise ValueError(
                f"window {window_px} and margin {margin_px} must be multiples of 64, 2 margins < window"
            )
        self._restore = restore
        self._window_px = window_px
        self._margin_px = margin_px

    def __call__(self, rgb_HWC: Picture) -> Picture:
        height, width = rgb_HWC.shape[:2]
        if height * width <= self._window_px**2:
            return self._restore(rgb_HWC)
        restored_HWC = np.empty_like(rgb_HWC)
        for top, bottom, first_row, last_row in self._spans(height):
            for left, right, first_column, last_column in self._spans(width):
                window = self._restore(np.ascontiguousarray(rgb_HWC[top:bottom, left:right]))
                inner = window[first_row - top : last_row - top, first_column - left : last_column - left]
                restored_HWC[first_row:last_row, first_column:last_column] = inner
        return restored_HWC

    def _spans(self, length: int) -> Iterator[tuple[int, int, int, int]]:
        """For each window along one side: where it begins and ends, and the part of it that is kept."""
        if length <= self._window_px:
            yield 0, length, 0, length
            return
        core = self._window_px - 2 * self._margin_px
        for first in range(0, length, core):
            last = min(first + core, length)
            yield max(first - self._margin_px, 0), min(last + self._margin_px, length), first, last
