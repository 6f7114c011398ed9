"""Training samples: sharp pictures degraded on the fly, mixed with real pairs.

Sample ``i`` is a pure function of (config, seed, i, patch size): a run that resumes, and any number of
processes, see the same pictures in the same order.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from restoregan_core.data.augment import add_gaussian_noise, draw_flips, flip
from restoregan_core.data.camera_motion import Window
from restoregan_core.data.config import DataConfig, Folder, ReuseConfig
from restoregan_core.data.degrade import SYNTHETIC_KINDS, Degradation, draw_degradation
from restoregan_core.data.ranges import draw, draw_choice
from restoregan_core.images.folders import PictureCache, cut

_POOL_STREAM, _RUN_STREAM = 1, 2
"""Set the random numbers of the pool, and of runs of one kind, apart from those of samples."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a sample came from and what was done to it."""

    index: int
    kind: str
    """blur, rain, blur_rain, drops, clean or pair."""
    file: str
    top: int
    left: int
    downscale: float = 1.0
    degradation: Degradation | None = None
    """None for real pairs, of which nobody knows it."""

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        place = {"index": self.index, "file": self.file, "top": self.top, "left": self.left}
        done = self.degradation.to_dict() if self.degradation else {"kind": self.kind}
        return {**place, "downscale": self.downscale, **done}


@dataclass(frozen=True)
class Batch:
    """Samples: float32 (B, 3, P, P) RGB in [0, 1]; inputs are multiples of 1/255 but for added noise."""

    input_BCHW: Tensor  # noqa: N815
    target_BCHW: Tensor  # noqa: N815
    origins: tuple[Origin, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of each sample: blur, rain, blur_rain, drops, clean or pair."""
        return tuple(origin.kind for origin in self.origins)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch with its pictures on a device."""
        return Batch(self.input_BCHW.to(device), self.target_BCHW.to(device), self.origins)


class TrainingSource:
    """Makes samples by number.

    Raises:
        ValueError: a folder is missing or empty, a pair is broken (see ``find_pairs``), or the shares ask
            only for what no folder gives.
    """

    def __init__(self, config: DataConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self._sharp = [folder.pictures() for folder in config.sharp]
        self._pairs = [folder.find() for folder in config.pairs]
        kinds = (*(SYNTHETIC_KINDS if self._sharp else ()), *(("pair",) if self._pairs else ()))
        self._kind_weights = config.shares.of(kinds)
        self._read = PictureCache(config.cache_mb)
        self._pool: dict[tuple[str, int], tuple[Tensor, Tensor, Origin]] = {}

    def samples(self, indices: Sequence[int], patch_size: int, device: torch.device | str = "cpu") -> Batch:
        """The samples of these numbers, ``patch_size`` px square."""
        made = [self._sample(int(index), patch_size) for index in indices]
        inputs, targets, origins = zip(*made, strict=True)
        batch = Batch(torch.stack(inputs), torch.stack(targets), origins)
        return batch if torch.device(device).type == "cpu" else batch.to(device)

    def batches(
        self,
        start_step: int,
        batch_size: int,
        rank: int,
        world_size: int,
        patch_size_of_step: Callable[[int], int],
        workers: int = 2,
        prefetch: int = 4,
    ) -> Iterator[Batch]:
        """Endless batches from ``start_step`` on, made ahead of the trainer.

        Args:
            batch_size: over all ranks; each rank gets its equal, contiguous part of every step's samples, so
                that all ranks together see what one process would.
            workers: processes that make samples; 0 makes them in this one, when they are asked for.
            prefetch: batches that each worker is ahead.

        Raises:
            ValueError: ``batch_size`` is not a multiple of ``world_size``.
        """
        if batch_size % world_size:
            raise ValueError(f"batch_size={batch_size} must be a multiple of the {world_size} processes")
        share = batch_size // world_size
        orders = _Orders(start_step, batch_size, rank * share, share, patch_size_of_step)
        loader = DataLoader(
            _ByNumber(self),
            batch_size=None,
            sampler=orders,
            num_workers=workers,
            prefetch_factor=prefetch if workers else None,
            worker_init_fn=one_thread if workers else None,
        )
        return iter(loader)

    def _sample(self, index: int, patch_size: int) -> tuple[Tensor, Tensor, Origin]:
        rng = np.random.default_rng([self.seed, index, patch_size])
        kind = draw_choice(rng, self._kind_weights)
        if self.config.same_kind > 1:
            run_rng = np.random.default_rng([self.seed, index // self.config.same_kind, _RUN_STREAM])
            kind = draw_choice(run_rng, self._kind_weights)
        reuse = self.config.reuse
        if kind == "pair":
            given, target, origin = self._real_pair(index, rng, patch_size)
        elif reuse and patch_size < reuse.size:
            given, target, origin = self._cut_from_pool(index, kind, rng, patch_size, reuse)
        else:
            given, target, origin = self._synthetic(index, kind, rng, patch_size)
        if self.config.input_noise:
            given = add_gaussian_noise(given, self.config.input_noise, int(rng.integers(2**62)))
        return given, target, origin

    def _real_pair(
        self, index: int, rng: np.random.Generator, patch_size: int
    ) -> tuple[Tensor, Tensor, Origin]:
        pairs = self._pairs[_draw_folder(self.config.pairs, rng)]
        pair = pairs[int(rng.integers(len(pairs)))]
        given_HWC, target_HWC = self._read(pair.input_path), self._read(pair.target_path)
        top, left = _draw_corner(given_HWC, patch_size, rng)
        flips = draw_flips(rng) if self.config.flips else (False, False)
        given, target = (
            _to_tensor(flip(cut(p, top, left, patch_size, patch_size), flips))
            for p in (given_HWC, target_HWC)
        )
        return given, target, Origin(index=index, kind="pair", file=str(pair.input_path), top=top, left=left)

    def _synthetic(
        self, index: int, kind: str, rng: np.random.Generator, patch_size: int
    ) -> tuple[Tensor, Tensor, Origin]:
        path, rgb_HWC, scale, corner = self._draw_place(rng, patch_size)
        height, width = (round(n / scale) for n in rgb_HWC.shape[:2])
        window = Window(
            top=corner[0],
            left=corner[1],
            height=patch_size,
            width=patch_size,
            frame_height=height,
            frame_width=width,
        )
        degradation = draw_degradation(kind, self.config.degrade, rng, window)
        flips = draw_flips(rng) if self.config.flips else (False, False)
        margin = degradation.margin

        def padded(rgb_HWC: np.ndarray, scale: float, corner: tuple[int, int]) -> Tensor:
            box = _scaled_cut(rgb_HWC, scale, corner[0] - margin, corner[1] - margin, patch_size + 2 * margin)
            return _to_tensor(flip(box, flips))

        moving = None
        if degradation.wants_object:
            _, other_HWC, other_scale, other_corner = self._draw_place(rng, patch_size)
            moving = padded(other_HWC, other_scale, other_corner)
        given, target = degradation.apply(padded(rgb_HWC, scale, corner), moving)
        origin = Origin(
            index=index,
            kind=kind,
            file=path,
            top=window.top,
            left=window.left,
            downscale=scale,
            degradation=degradation,
        )
        return given, target, origin

    def _cut_from_pool(
        self, index: int, kind: str, rng: np.random.Generator, patch_size: int, reuse: ReuseConfig
    ) -> tuple[Tensor, Tensor, Origin]:
        """A part of a picture of the pool, which holds each kind by its share."""
        share = self._kind_weights[kind] / sum(w for k, w in self._kind_weights.items() if k != "pair")
        number = int(rng.integers(max(1, round(reuse.pictures * share))))
        if (kind, number) not in self._pool:
            place = [self.seed, number, SYNTHETIC_KINDS.index(kind), reuse.size, _POOL_STREAM]
            own_rng = np.random.default_rng(place)
            given, target, origin = self._synthetic(number, kind, own_rng, reuse.size)
            self._pool[kind, number] = (_to_bytes(given), _to_bytes(target), origin)
        *pictures, origin = self._pool[kind, number]
        top, left = (int(n) for n in rng.integers(reuse.size - patch_size + 1, size=2))
        flips = draw_flips(rng) if self.config.flips else (False, False)
        axes = [axis for axis, is_flipped in zip((2, 1), flips, strict=True) if is_flipped]
        given, target = (
            picture[:, top : top + patch_size, left : left + patch_size].flip(axes).float().div_(255)
            for picture in pictures
        )
        return given, target, replace(origin, index=index, top=origin.top + top, left=origin.left + left)

    def _draw_place(
        self, rng: np.random.Generator, patch_size: int
    ) -> tuple[str, np.ndarray, float, tuple[int, int]]:
        """A sharp picture, its downscale, and the corner of a crop in the downscaled picture."""
        paths = self._sharp[_draw_folder(self.config.sharp, rng)]
        path = paths[int(rng.integers(len(paths)))]
        rgb_HWC = self._read(path)
        low, high = self.config.downscale
        scale = draw(rng, (low, max(low, min(high, min(rgb_HWC.shape[:2]) / patch_size))))
        height, width = (round(n / scale) for n in rgb_HWC.shape[:2])
        best, corner = -1.0, (0, 0)
        for _ in range(self.config.crop_candidates):
            top, left = (int(rng.integers(max(n - patch_size, 0) + 1)) for n in (height, width))
            rows = slice(int(top * scale), int((top + patch_size) * scale), 2)
            columns = slice(int(left * scale), int((left + patch_size) * scale), 2)
            grey = rgb_HWC[rows, columns, 1]
            detail = (
                float(cv2.absdiff(grey[1:], grey[:-1]).mean()) if self.config.crop_candidates > 1 else 0.0
            )
            if detail > best:
                best, corner = detail, (top, left)
        return str(path), rgb_HWC, scale, corner


class _ByNumber(Dataset):
    """Makes the batch that an order asks for."""

    def __init__(self, source: TrainingSource) -> None:
        self.source = source

    def __getitem__(self, order: tuple[list[int], int]) -> Batch:
        return self.source.samples(*order)


class _Orders:
    """Endless (sample numbers, patch size), one for each step."""

    def __init__(
        self, step: int, stride: int, offset: int, count: int, patch_size_of_step: Callable[[int], int]
    ):
        self.step, self.stride, self.offset, self.count = step, stride, offset, count
        self.patch_size_of_step = patch_size_of_step

    def __iter__(self) -> Iterator[tuple[list[int], int]]:
        step = self.step
        while True:
            first = step * self.stride + self.offset
            yield list(range(first, first + self.count)), self.patch_size_of_step(step)
            step += 1


def one_thread(worker: int) -> None:
    # Each worker is one process of many: threads inside it would only get in the others' way.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    # A scheduler signals the whole group. The trainer saves then, and ends its workers itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_folder(folders: Sequence[Folder], rng: np.random.Generator) -> int:
    weights = np.array([folder.weight for folder in folders])
    return int(rng.choice(len(folders), p=weights / weights.sum()))


def _draw_corner(rgb_HWC: np.ndarray, patch_size: int, rng: np.random.Generator) -> tuple[int, int]:
    top, left = (int(rng.integers(max(n - patch_size, 0) + 1)) for n in rgb_HWC.shape[:2])
    return top, left


def _scaled_cut(rgb_HWC: np.ndarray, scale: float, top: int, left: int, side: int) -> np.ndarray:
    """A square of the picture as if it were downscaled as a whole, uint8 (side, side, 3)."""
    if scale == 1:
        return cut(rgb_HWC, top, left, side, side)
    source_side = round(side * scale)
    box = cut(rgb_HWC, round(top * scale), round(left * scale), source_side, source_side)
    return cv2.resize(box, (side, side), interpolation=cv2.INTER_AREA)


def _to_bytes(picture_CHW: Tensor) -> Tensor:
    return picture_CHW.mul(255).round_().to(torch.uint8)


def _to_tensor(rgb_HWC: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) -> float32 (3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(rgb_HWC.transpose(2, 0, 1))).float().div_(255)
