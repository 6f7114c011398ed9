# SPDX-License-Identifier: Apache-2.0
"""Few windows of a frame that show the network every selected tile with its context: less work than the whole frame.

A window is larger than the tiles in it by the network's context on each side that is not the frame's border. Windows
have at most four sizes, since every size costs a compiled graph: two heights and two widths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.restoration.tiling import Span

SIDES_TILES = (3, 7)
"""Sides, in tiles, of what windows restore. Three is a tile and its neighbours, which the gate selects together."""
WORTH = 0.7
"""Windows are used where they have at most so much of the whole frame's pixels."""
MOST_PLACES = 6
"""Tiles scattered over more places than this are restored with the whole frame; looking for windows takes time, too."""


@dataclass(frozen=True)
class Window:
    """What the network reads of a frame, and what is kept of it."""

    rows: Span
    columns: Span

    @property
    def read(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        return self.rows.read, self.columns.read

    @property
    def keep(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        return self.rows.keep, self.columns.keep


@dataclass(frozen=True)
class WindowPlanner:
    """Finds windows for frames of one size.

    Args:
        height, width: of the frame in pixels.
        tile_px: side of a tile in pixels.
        context: pixels around a tile that its restoration depends on; a multiple of ``multiple``.
        multiple: of the window's sides and of where it begins: ``GeneratorConfig.size_multiple``.
        max_pixels: of one window.
    """

    height: int
    width: int
    tile_px: int
    context: int
    multiple: int
    max_pixels: int

    def sizes(self) -> list[tuple[int, int]]:
        """Height and width in pixels of every window that may come, the whole frame not among them."""
        heights, widths = self._lengths()
        most = min(WORTH * self.height * self.width, self.max_pixels)
        count = len(SIDES_TILES)
        return [size for size in product(heights[:count], widths[:count]) if size[0] * size[1] <= most]

    def windows(self, tiles: npt.NDArray[np.bool_]) -> list[Window]:
        """Windows that restore the selected tiles, or none where the whole frame costs no more.

        Args:
            tiles: bool (rows, columns).
        """
        sizes = self.sizes()
        if tiles.all() or not tiles.any() or not sizes:
            return []
        boxes = _boxes(tiles)
        if len(boxes) > MOST_PLACES:
            return []
        while len(boxes) > 1:
            saved = {
                pair: sum(self._pixels(boxes[index]) for index in pair)
                - self._pixels(_union(*(boxes[index] for index in pair)))
                for pair in combinations(range(len(boxes)), 2)
            }
            one, other = max(saved, key=lambda pair: saved[pair])
            if saved[one, other] < 0:
                break
            boxes = [box for k, box in enumerate(boxes) if k not in (one, other)] + [
                _union(boxes[one], boxes[other])
            ]
        if not {self._size(box) for box in boxes} <= set(sizes):
            return []
        if sum(self._pixels(box) for box in boxes) > WORTH * self.height * self.width:
            return []
        return [Window(*self._spans(box)) for box in boxes]

    def _lengths(self) -> tuple[list[int], list[int]]:
        """Of windows, along the frame's height and along its width, ascending; at the end the whole side."""
        around = 2 * self.context
        wanted = [_up(count * self.tile_px + around, self.multiple) for count in SIDES_TILES]
        heights, widths = (
            sorted({*(length for length in wanted if length < side), _up(side, self.multiple)})
            for side in (self.height, self.width)
        )
        return heights, widths

    def _spans(self, box: "_Box") -> tuple[Span, Span]:
        heights, widths = self._lengths()
        return (
            self._span(box.top, box.bottom, self.height, heights),
            self._span(box.left, box.right, self.width, widths),
        )

    def _span(self, first: int, last: int, side: int, lengths: Sequence[int]) -> Span:
        """Along one axis: the shortest window that reads tiles ``first`` to ``last``, exclusive, and their context."""
        keep_start, keep_stop = first * self.tile_px, min(last * self.tile_px, side)
        start = max(keep_start - self.context, 0) // self.multiple * self.multiple
        needed = min(keep_stop + self.context, side) - start
        length = next(length for length in lengths if length >= needed)
        # Whatever is longer than needed is taken from the frame, so that the size is one of the list.
        start = min(start, lengths[-1] - length)
        return Span(start, min(start + length, side), keep_start, keep_stop)

    def _size(self, box: "_Box") -> tuple[int, int]:
        """As the network gets it: at the frame's border filled up to a multiple."""
        rows, columns = self._spans(box)
        return _up(rows.stop - rows.start, self.multiple), _up(columns.stop - columns.start, self.multiple)

    def _pixels(self, box: "_Box") -> int:
        height, width = self._size(box)
        return height * width


@dataclass(frozen=True)
class _Box:
    """Tiles, the last row and column exclusive."""

    top: int
    left: int
    bottom: int
    right: int


def _boxes(tiles: npt.NDArray[np.bool_]) -> list[_Box]:
    """One around each group of tiles that touch, if only by a corner."""
    _, _, found, _ = cv2.connectedComponentsWithStats(tiles.astype(np.uint8), connectivity=8)
    return [
        _Box(int(top), int(left), int(top + height), int(left + width))
        for left, top, width, height, _ in found[1:]  # the first one is what is not selected
    ]


def _union(one: _Box, other: _Box) -> _Box:
    return _Box(
        min(one.top, other.top),
        min(one.left, other.left),
        max(one.bottom, other.bottom),
        max(one.right, other.right),
    )


def _up(length: int, multiple: int) -> int:
    return math.ceil(length / multiple) * multiple
