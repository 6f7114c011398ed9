# SPDX-License-Identifier: Apache-2.0
"""Cutting a frame that is too large into tiles whose restored middles make up the restored frame exactly."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.receptive_field import receptive_field
from restoregan_core.zoo import CONTEXT_PX, LoadedGenerator


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in pixels: it reads [start, stop) and keeps [keep_start, keep_stop)."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def read(self) -> slice:
        """Of the frame."""
        return slice(self.start, self.stop)

    @property
    def keep(self) -> slice:
        """Of the frame."""
        return slice(self.keep_start, self.keep_stop)

    @property
    def keep_of_read(self) -> slice:
        """What is kept, of what was read."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


def tile_margin(config: GeneratorConfig) -> int:
    """Pixels at a tile's cut edge that see beyond it, an upper bound; a multiple of ``config.size_multiple``."""
    multiple = config.size_multiple
    return math.ceil((receptive_field(config) // 2 + 1) / multiple) * multiple


def context_px(loaded: LoadedGenerator) -> int:
    """How far from a pixel a network looks so that it shows: measured for the shipped weights, for others the bound."""
    return CONTEXT_PX.get(loaded.sha256) or tile_margin(loaded.config)


def tile_size(height: int, width: int, max_pixels: int, config: GeneratorConfig) -> tuple[int, int]:
    """Height and width of a frame's tiles: multiples of ``size_multiple``, at most ``max_pixels`` together.

    Raises:
        ValueError: ``max_pixels`` leaves nothing of a tile but its margins.
    """
    multiple = config.size_multiple
    least = 2 * tile_margin(config) + multiple
    padded = [side + -side % multiple for side in (height, width)]
    short = min(min(padded), max(least, math.isqrt(max_pixels) // multiple * multiple))
    long = min(max(padded), max_pixels // short // multiple * multiple)
    if long < min(least, max(padded)):
        raise ValueError(
            f"max_pixels={max_pixels} is too few for this network: give it at least {least * least}"
        )
    return (short, long) if height <= width else (long, short)


def spans(length: int, tile: int, margin: int, multiple: int) -> Iterator[Span]:
    """Tiles of one size along an axis, each beginning at a multiple of ``multiple``; the last one may reach
    beyond ``length`` by less than ``multiple``, as the padding of the whole frame would.
    """
    if tile >= length:
        yield Span(0, length, 0, length)
        return
    last = math.ceil((length - tile) / multiple) * multiple
    step = tile - 2 * margin
    starts = [*range(0, last, step), last]
    for i, start in enumerate(starts):
        keep_start = start + margin if i else 0
        keep_stop = starts[i + 1] + margin if i + 1 < len(starts) else length
        yield Span(start, min(start + tile, length), keep_start, keep_stop)
