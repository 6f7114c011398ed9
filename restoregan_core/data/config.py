# SPDX-License-Identifier: Apache-2.0
"""What a training run sees, as recipes write it: folders, shares of each degradation, crops and flips."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.degrade import DegradeConfig, Shares
from restoregan_core.data.ranges import Range, check_range
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.datasets.pairs import find_pairs, without_shared_backgrounds
from restoregan_core.images.folders import find_frames, find_images

_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder, and how often it is drawn from, relative to the others of its list.

    Raises:
        ValueError: the weight is not over 0, or the part no range within [0, 1].
    """

    path: str
    weight: float = 1.0
    part: Range = (0.0, 1.0)
    """Which of its images, in the order of their names: (0, 0.85) leaves the last 15 % for testing."""

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"weight={self.weight} of {self.path} must be over 0")
        object.__setattr__(self, "part", check_range(f"part of {self.path}", self.part, 0, 1))

    def images(self) -> list[Path]:
        """The images of its part.

        Raises:
            ValueError: see ``find_images``; also if the part holds none.
        """
        return self._part_of(find_images(self.path))

    def frames(self) -> list[Path]:
        """The same as consecutive frames: those of each folder in the order of their numbers.

        Raises:
            ValueError: as ``images``.
        """
        return self._part_of(find_frames(self.path))

    def _part_of(self, found: list[_Found]) -> list[_Found]:
        first, end = (round(share * len(found)) for share in self.part)
        if first == end:
            raise ValueError(f"part={list(self.part)} of the {len(found)} images in {self.path} selects none")
        return found[first:end]


@dataclass(frozen=True, kw_only=True)
class PairFolder(Folder):
    """A folder of real pairs."""

    layout: str = "folders"
    """``folders`` (``input/`` and ``target/``), ``lmdb``, or a published one: see ``layouts.LAYOUTS``."""
    split: str = "train"
    """``train`` or ``test``, where the layout has both."""
    consecutive: bool = False
    """Whether neighbours in the order of their names are consecutive frames of one camera, where they are of one clip:
    in one folder, with names that differ in their last number alone."""
    enlarge: Range = (1.0, 1.0)
    """Pairs are made larger by a factor drawn from this range: for sets that their publisher scaled down."""
    held_out: str = ""
    """A folder of test pairs in the same layout: pairs that share a clean image with it are left out, as
    Rain100H's training set needs it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "enlarge", check_range(f"enlarge of {self.path}", self.enlarge, 1, 8))

    def find(self) -> list[Pair]:
        """The pairs of its part, each one read once to see that it is whole.

        Raises:
            ValueError: see ``find_pairs``; also if none is left.
        """
        pairs = find_pairs(self.path, layout=self.layout, split=self.split)
        if self.held_out:
            held_out = find_pairs(self.held_out, layout=self.layout, split="test", check=False)
            pairs = without_shared_backgrounds(pairs, held_out)
            if not pairs:
                raise ValueError(f"every pair of {self.path} shares its clean image with {self.held_out}")
        return self._part_of(pairs)


@dataclass(frozen=True, kw_only=True)
class ReuseConfig:
    """A pool of degraded images, filled as it is used: where degrading takes longer than learning.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    images: int = 10_000
    """How many, each with its own place, degradation and noise; held in memory, in each worker process."""
    size: int = 192
    """Side of those images, px; a sample of this size or larger is degraded by itself."""

    def __post_init__(self) -> None:
        for name in ("images", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What a training run sees.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    sharp: list[Folder] = field(default_factory=list)
    """Folders of sharp images, searched with all their subfolders."""
    pairs: list[PairFolder] = field(default_factory=list)
    """Folders of real pairs."""
    videos: list[Folder] = field(default_factory=list)
    """Folders of clean consecutive frames, ordered by name: clips with real motion, each in a subfolder of its own or
    with names that differ in their last number alone."""
    shares: Shares = field(default_factory=Shares)
    degrade: DegradeConfig = field(default_factory=DegradeConfig)
    downscale: Range = (1.0, 1.5)
    """Sharp images are made smaller by a factor drawn from this range, where they are large enough: it
    hides their own softness and JPEG. Real pairs are never resized."""
    crop_candidates: int = 2
    """How many random places in a sharp image are looked at; the one with the most detail is taken."""
    flips: bool = True
    """Left-right and upside-down, each on half of the samples, before rain falls on them (it may seem to rise
    in what is cut from the pool of ``reuse``: that is flipped again)."""
    input_noise: float = 0.0
    """Standard deviation, in [0, 1] units, of white noise on every input, as the paper augments."""
    cache_mb: float = 2048
    """Decoded images kept in memory, in each worker process."""
    same_kind: int = 1
    """So many samples in a row are of one kind. With the batch size, and gradients clipped to a length that they
    always have, every kind moves the network as far as its share says; mixed within a batch, rain, whose
    gradients agree with each other, drowns blur."""
    clips: ClipConfig | None = None
    """Samples with frames before the current one, for a generator with history; None: single images."""
    reuse: ReuseConfig | None = None
    """Cut several samples out of each degraded image; None degrades each sample individually."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "downscale", check_range("downscale", self.downscale, 1, 16))
        if not self.sharp and not self.pairs:
            raise ValueError("data has neither sharp nor pairs: name at least one folder")
        if self.same_kind < 1:
            raise ValueError(f"same_kind={self.same_kind} must be at least 1")
        if self.crop_candidates < 1:
            raise ValueError(f"crop_candidates={self.crop_candidates} must be at least 1")
        if not 0 <= self.input_noise < 1:
            raise ValueError(f"input_noise={self.input_noise} must lie in [0, 1)")
        if self.cache_mb <= 0:
            raise ValueError(f"cache_mb={self.cache_mb} must be over 0")
