# SPDX-License-Identifier: Apache-2.0
"""Training samples: sharp images degraded on the fly, mixed with real pairs.

Sample ``i`` is a pure function of (config, seed, i, patch size): a run that resumes, and any number of
processes, see the same images in the same order.
"""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from restoregan_core.data.augment import add_gaussian_noise, draw_flips, flipped_path
from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, ReuseConfig
from restoregan_core.data.degrade import SYNTHETIC_KINDS
from restoregan_core.data.ranges import draw_choice
from restoregan_core.data.samples import Origin, SampleMaker
from restoregan_core.data.sequences import Mishaps, SequenceBatch, draw_mishaps, make_sequence
from restoregan_core.images.blur_path import BLOCK_PX, path_image
from restoregan_core.images.folders import find_images
from restoregan_core.images.rgb import RgbImage

_POOL_STREAM, _RUN_STREAM, _CLIP_POOL_STREAM = 1, 2, 3
"""Set the random numbers of the pool, and of runs of one kind, apart from those of samples."""

_KINDS = (*SYNTHETIC_KINDS, "pair")


@dataclass(frozen=True)
class Batch:
    """Samples: float32 RGB in [0, 1], inputs (B, 3, P, P), or (B, 3 (1 + history), P, P) with frames before; targets
    (B, 3, P, P). Inputs are multiples of 1/255 but for added noise.
    """

    input_BCHW: Tensor  # noqa: N815
    target_BCHW: Tensor  # noqa: N815
    origins: tuple[Origin, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each sample: blur, rain, blur_rain, drops, clean or pair."""
        return tuple(origin.kind for origin in self.origins)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch with its images on a device."""
        return Batch(self.input_BCHW.to(device), self.target_BCHW.to(device), self.origins)

    def tensors(self) -> dict[str, Tensor]:
        """Its images by name, for a file."""
        return {"input": self.input_BCHW, "target": self.target_BCHW}


class TrainingSource:
    """Makes samples by number.

    Raises:
        ValueError: a folder is missing or empty, a pair is broken (see ``find_pairs``), or the shares ask
            only for what no folder gives.
    """

    def __init__(self, config: DataConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self._maker = SampleMaker(config)
        if config.degrade.rain.overlay_weight:
            find_images(config.degrade.rain.overlays)  # told now, not by the process that makes samples
        kinds = (*(SYNTHETIC_KINDS if config.sharp else ()), *(("pair",) if config.pairs else ()))
        self._kind_weights = config.shares.of(kinds)
        self._pool: dict[tuple[str, int], tuple[Tensor, Tensor, Origin]] = {}

    def samples(self, indices: Sequence[int], patch_size: int, device: torch.device | str = "cpu") -> Batch:
        """The samples of these numbers, ``patch_size`` px square."""
        made = [self._sample(int(index), patch_size) for index in indices]
        inputs, targets, origins = zip(*made, strict=True)
        batch = Batch(torch.stack(inputs), torch.stack(targets), origins)
        return batch if torch.device(device).type == "cpu" else batch.to(device)

    def sequences(self, indices: Sequence[int], patch_size: int) -> SequenceBatch:
        """The samples of these numbers where ``data.clips.unrolled`` is over 1, ``patch_size`` px square."""
        return SequenceBatch.of([self._sequence(int(index), patch_size) for index in indices])

    def batch(self, indices: Sequence[int], patch_size: int) -> Batch | SequenceBatch:
        """The samples of these numbers, as what the recipe asks for."""
        clips = self.config.clips
        is_unrolled = clips is not None and clips.unrolled > 1
        return (self.sequences if is_unrolled else self.samples)(indices, patch_size)

    def batches(
        self,
        start_step: int,
        batch_size: int,
        rank: int,
        world_size: int,
        patch_size: int,
        workers: int = 2,
        prefetch: int = 4,
    ) -> Iterator[Batch | SequenceBatch]:
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
        orders = _Orders(start_step, batch_size, rank * share, share, patch_size)
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
        rng, kind, clips = self._drawn(index, patch_size)
        given, target, origin = self._images(index, kind, rng, patch_size, clips)
        if self.config.clips and given.shape[0] == 3:
            given = _as_clip(given, self.config.clips)
        return self._noisy(given, rng), target, origin

    def _sequence(self, index: int, patch_size: int) -> SequenceBatch:
        rng, kind, clips = self._drawn(index, patch_size)
        config = self.config.clips
        assert config is not None
        given, target, origin = self._images(index, kind, rng, patch_size, clips)
        is_clip = given.shape[0] > 3
        if not is_clip:
            more = [self._images(index, kind, rng, patch_size, None) for _ in range(config.unrolled - 1)]
            given = torch.cat([given, *(image for image, _, _ in more)])
            target = torch.cat([target, *(image for _, image, _ in more)])
        mishaps = draw_mishaps(config, rng) if is_clip else Mishaps()
        return make_sequence(
            _to_frames(self._noisy(given, rng)),
            _to_frames(target),
            mishaps,
            path=config.path,
            is_clip=is_clip,
            origin=replace(origin, mishaps=mishaps),
        )

    def _drawn(self, index: int, patch_size: int) -> tuple[np.random.Generator, str, ClipConfig | None]:
        """A sample's source of random numbers, its kind, and how its clip is made; None for a single image."""
        rng = np.random.default_rng([self.seed, index, patch_size])
        run_rng = rng
        kind = draw_choice(rng, self._kind_weights)
        if self.config.same_kind > 1:
            run_rng = np.random.default_rng([self.seed, index // self.config.same_kind, _RUN_STREAM])
            kind = draw_choice(run_rng, self._kind_weights)
        clips = self.config.clips
        if clips and run_rng.random() < clips.single_share:
            clips = None
        return rng, kind, clips

    def _images(
        self, index: int, kind: str, rng: np.random.Generator, patch_size: int, clips: ClipConfig | None
    ) -> tuple[Tensor, Tensor, Origin]:
        """A sample cut from the pool, or made by itself."""
        reuse = self.config.reuse
        if reuse and patch_size < reuse.size and (clips or kind != "pair"):
            return self._cut_from_pool(index, kind, rng, patch_size, reuse, clips)
        return self._maker.make(index, kind, rng, patch_size, clips)

    def _noisy(self, given: Tensor, rng: np.random.Generator) -> Tensor:
        noise = self.config.input_noise
        return add_gaussian_noise(given, noise, int(rng.integers(2**62))) if noise else given

    def _cut_from_pool(
        self,
        index: int,
        kind: str,
        rng: np.random.Generator,
        patch_size: int,
        reuse: ReuseConfig,
        clips: ClipConfig | None,
    ) -> tuple[Tensor, Tensor, Origin]:
        """A part of an image of the pool, which holds each kind by its share."""
        pooled = {k: w for k, w in self._kind_weights.items() if self.config.clips or k != "pair"}
        share = pooled[kind] / sum(pooled.values())
        if self.config.clips:
            single_share = self.config.clips.single_share
            # By what they take of the memory: a sequence holds as many images as a sample of single ones takes.
            share *= 1 - single_share if clips else single_share * self.config.clips.unrolled
        number = int(rng.integers(max(1, round(reuse.images * share))))
        key = (f"{kind} clip" if clips else kind, number)
        if key not in self._pool:
            stream = _CLIP_POOL_STREAM if clips else _POOL_STREAM
            place = [self.seed, number, _KINDS.index(kind), reuse.size, stream]
            given, target, origin = self._maker.make(
                number, kind, np.random.default_rng(place), reuse.size, clips
            )
            self._pool[key] = (_to_bytes(given), _to_bytes(target), origin)
        *images, origin = self._pool[key]
        top, left = (int(n) for n in rng.integers(reuse.size - patch_size + 1, size=2))
        has_path = bool(clips and clips.path and clips.unrolled == 1)
        if has_path:
            top, left = top - top % BLOCK_PX, left - left % BLOCK_PX
        flips = draw_flips(rng) if self.config.flips else (False, False)
        axes = [axis for axis, is_flipped in zip((2, 1), flips, strict=True) if is_flipped]
        given, target = (
            image[:, top : top + patch_size, left : left + patch_size].flip(axes).float().div_(255)
            for image in images
        )
        if has_path:
            given = torch.cat([given[:-3], flipped_path(given[-3:], flips)])
        return given, target, replace(origin, index=index, top=origin.top + top, left=origin.left + left)


class _ByNumber(Dataset):
    """Makes the batch that an order asks for."""

    def __init__(self, source: TrainingSource) -> None:
        self.source = source

    def __getitem__(self, order: tuple[list[int], int]) -> Batch | SequenceBatch:
        return self.source.batch(*order)


class _Orders:
    """Endless (sample numbers, patch size), one for each step."""

    def __init__(self, step: int, stride: int, offset: int, count: int, patch_size: int):
        self.step, self.stride, self.offset, self.count = step, stride, offset, count
        self.patch_size = patch_size

    def __iter__(self) -> Iterator[tuple[list[int], int]]:
        step = self.step
        while True:
            first = step * self.stride + self.offset
            yield list(range(first, first + self.count)), self.patch_size
            step += 1


def one_thread(worker: int) -> None:
    # Each worker is one process of many: threads inside it would only get in the others' way.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    # A scheduler signals the whole group. The trainer saves then, and ends its workers itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _as_clip(single_CHW: Tensor, clips: ClipConfig) -> Tensor:
    """A single image with itself for a history."""
    images = [single_CHW] * (1 + clips.history)
    if clips.path:
        path_HWC = path_image(_to_bytes(single_CHW).permute(1, 2, 0).contiguous().numpy(), None)
        images.append(torch.from_numpy(path_HWC).permute(2, 0, 1).float().div_(255))
    return torch.cat(images)


def _to_frames(images_CHW: Tensor) -> list[RgbImage]:
    """(3 T, H, W) in [0, 1] -> T times uint8 (H, W, 3)."""
    return [np.ascontiguousarray(image.permute(1, 2, 0).numpy()) for image in _to_bytes(images_CHW).split(3)]


def _to_bytes(image_CHW: Tensor) -> Tensor:
    return image_CHW.mul(255).round_().to(torch.uint8)
