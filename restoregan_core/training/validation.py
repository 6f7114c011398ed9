# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM of the network in training on folders of held-out pairs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restoregan_core.data.consecutive import clip_of
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.images.alignment import filled_up
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.failed_alignment import find_alignment
from restoregan_core.images.folders import frame_order, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.psnr_ssim import mean_psnr, psnr_rgb, ssim_2d
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.training.config import ValidationConfig

_RUN_UP = 4
"""Frames before a run of consecutive ones that are restored, but not measured."""


@dataclass(frozen=True)
class Score:
    """Means over one folder: of the network's output, and of the untouched input beside it."""

    psnr_db: float
    ssim: float
    input_psnr_db: float


@dataclass(frozen=True)
class Sample:
    """One image to look at: input, output and target side by side, uint8 (H, 3 W, 3) RGB."""

    name: str
    image_HWC: np.ndarray  # noqa: N815 - shape suffix


class Validation:
    """The pairs to measure on, found and checked once.

    Args:
        config: of the recipe.
        shape: of the generator. A recurrent one restores consecutive frames of a video, from the middle of its longest
            clip, one after another; others restore frames from all over it.

    Raises:
        ValueError: a folder or a pair is broken (see ``find_pairs``), or two folders share a name.
    """

    def __init__(self, config: ValidationConfig, shape: GeneratorConfig) -> None:
        self.config, self.shape = config, shape
        self.folders: dict[str, list[tuple[Pair, list[Path]]]] = {}
        """By name: each pair, and the frames before it, newest first."""
        self.runs: dict[str, tuple[list[Pair], int]] = {}
        """By name: consecutive pairs, and how many of the first are not measured."""
        kinds = (*((folder, 0) for folder in config.folders), *((f, config.history) for f in config.videos))
        for folder, history in kinds:
            name = f"{Path(folder).name}{' video' if history else ''}"
            if name in self.folders or name in self.runs:
                raise ValueError(f"validation: two folders are called {name!r}")
            pairs = find_pairs(folder, layout=config.layout, split="test")
            if history:
                pairs = sorted(pairs, key=lambda pair: frame_order(pair.input_path))
            if history and shape.recurrent:
                self.runs[name] = self._run_of(pairs)
                continue
            count = min(config.max_images or len(pairs), len(pairs))
            chosen = [i * len(pairs) // count for i in range(count)]
            self.folders[name] = [
                (pairs[i], [pair.input_path for pair in reversed(pairs[max(i - history, 0) : i])])
                for i in chosen
            ]

    @property
    def names(self) -> list[str]:
        """Of everything that is measured."""
        return [*self.folders, *self.runs]

    def _run_of(self, pairs: list[Pair]) -> tuple[list[Pair], int]:
        clips = [list(clip) for _, clip in groupby(pairs, key=lambda pair: clip_of(pair.input_path))]
        clip = max(clips, key=len)
        count = min(self.config.max_images or len(clip), len(clip))
        first = (len(clip) - count) // 2
        run_up = min(_RUN_UP, first)
        return clip[first - run_up : first + count], run_up

    @torch.no_grad()
    def measure(self, generator: nn.Module, device: torch.device) -> tuple[dict[str, Score], list[Sample]]:
        """Scores of each folder, and a few images. The generator must be in eval mode."""
        scores: dict[str, Score] = {}
        samples: list[Sample] = []
        for name in self.names:
            psnr_db: list[float] = []
            ssim: list[float] = []
            input_psnr_db: list[float] = []
            for input_HWC, output_HWC, target_HWC in self._restored(name, generator, device):
                if not psnr_db and len(samples) < self.config.sample_images:
                    samples.append(Sample(name, np.concatenate((input_HWC, output_HWC, target_HWC), axis=1)))
                psnr_db.append(psnr_rgb(output_HWC, target_HWC))
                ssim.append(ssim_2d(output_HWC, target_HWC))
                input_psnr_db.append(psnr_rgb(input_HWC, target_HWC))
            scores[name] = Score(mean_psnr(psnr_db), float(np.mean(ssim)), mean_psnr(input_psnr_db))
        return scores, samples

    def _restored(
        self, name: str, generator: nn.Module, device: torch.device
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Input, output and target of each image that is measured, uint8 RGB."""
        if name in self.runs:
            yield from self._one_after_another(name, generator, device)
            return
        for pair, older in self.folders[name]:
            input_HWC = self._crop(self._with_history(read_rgb(pair.input_path), older))
            output_HWC = self._restore(generator, input_HWC, device)
            yield input_HWC[..., :3], output_HWC, self._crop(read_rgb(pair.target_path))

    def _one_after_another(
        self, name: str, generator: nn.Module, device: torch.device
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        pairs, run_up = self.runs[name]
        video = VideoRestorer(
            _Bare(self.shape, lambda image_HWC: self._restore(generator, image_HWC, device))
        )
        for number, pair in enumerate(pairs):
            input_HWC = np.ascontiguousarray(self._crop(read_rgb(pair.input_path)))
            output_HWC = video(input_HWC)
            if number >= run_up:
                yield input_HWC, output_HWC, self._crop(read_rgb(pair.target_path))

    def _with_history(self, rgb_HWC: np.ndarray, older: list[Path]) -> np.ndarray:
        """The frame, and those before aligned to it, as channels: (H, W, 3) without, else (H, W, 3 (1 + history))."""
        if not older:
            return rgb_HWC
        before = [read_rgb(path) for path in older]
        alignment = find_alignment(rgb_HWC, before)
        images = filled_up([rgb_HWC, *alignment.show(before)], 1 + self.config.history)
        if self.shape.path:
            images.append(path_image(rgb_HWC, alignment.ways[0]))
        return np.concatenate(images, axis=2)

    def _crop(self, rgb_HWC: np.ndarray) -> np.ndarray:
        """The centre crop, or the whole image, cut to what the network takes: never padded or resized."""
        height, width = (
            min(self.config.crop or side, side) // self.shape.size_multiple * self.shape.size_multiple
            for side in rgb_HWC.shape[:2]
        )
        top, left = (rgb_HWC.shape[0] - height) // 2, (rgb_HWC.shape[1] - width) // 2
        return rgb_HWC[top : top + height, left : left + width]

    def _restore(self, generator: nn.Module, rgb_HWC: np.ndarray, device: torch.device) -> np.ndarray:
        x_HWC = torch.from_numpy(np.ascontiguousarray(rgb_HWC)).to(device)
        x_BCHW = x_HWC.permute(2, 0, 1)[None].float() / 127.5 - 1
        return to_uint8(generator(x_BCHW)[0])


class _Bare:
    """A recurrent network in training, as what ``VideoRestorer`` calls."""

    def __init__(self, shape: GeneratorConfig, restore: Callable[[np.ndarray], np.ndarray]) -> None:
        self.history, self.path, self.recurrent = shape.history, shape.path, shape.recurrent
        self._restore = restore

    def __call__(self, rgb_HWC: RgbImage) -> RgbImage:
        return self.restore_aligned(rgb_HWC, [])

    def restore_aligned(self, rgb_HWC: RgbImage, aligned: Sequence[RgbImage]) -> RgbImage:
        return self._restore(np.concatenate([rgb_HWC, *aligned], axis=2))


def to_uint8(rgb_CHW: Tensor) -> np.ndarray:
    """[-1, 1] float (3, H, W) -> uint8 (H, W, 3), rounded."""
    byte_CHW = ((rgb_CHW.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return byte_CHW.permute(1, 2, 0).cpu().numpy()
