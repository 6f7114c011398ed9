# SPDX-License-Identifier: Apache-2.0
"""Which files are consecutive frames of one clip."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np


def clip_of(path: Path) -> tuple[Path, str]:
    """What the frames of one clip have in common: their folder, and their name but for its last number.

    A version behind it (``000123_v2.png``) is no such number, for all of a clip have the same.
    """
    return path.parent, re.sub(r"\d+(\D*([_-]v\d(?!\d)\D*)?)$", r"\1", path.name)


class ConsecutiveFrames:
    """Places within a list of frames, at least one, those of each clip one after the other."""

    def __init__(self, frames: Sequence[Path]) -> None:
        before = [0]
        for older, newer in pairwise(frames):
            before.append(before[-1] + 1 if clip_of(older) == clip_of(newer) else 0)
        self._before = np.array(before)

    @property
    def most_before(self) -> int:
        """Frames before the last one of the longest clip."""
        return int(self._before.max())

    def draw(self, rng: np.random.Generator, before: int) -> int:
        """A place with so many frames of its clip before it, or as many as any has."""
        places = np.flatnonzero(self._before >= min(before, self.most_before))
        return int(places[rng.integers(len(places))])
