# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM of the network in training on folders of held-out pairs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.images.alignment import filled_up
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.failed_alignment import find_alignment
from restoregan_core.images.folders import frame_order, read_rgb
from restoregan_core.metrics.psnr_ssim import mean_psnr, psnr_rgb, ssim_2d
from restoregan_core.training.config import ValidationConfig


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

    Raises:
        ValueError: a folder or a pair is broken (see ``find_pairs``), or two folders share a name.
    """

    def __init__(self, config: ValidationConfig, size_multiple: int, path: bool = False) -> None:
        self.config, self.size_multiple, self.path = config, size_multiple, path
        self.folders: dict[str, list[tuple[Pair, list[Path]]]] = {}
        kinds = (*((folder, 0) for folder in config.folders), *((f, config.history) for f in config.videos))
        for folder, history in kinds:
            name = f"{Path(folder).name}{' video' if history else ''}"
            if name in self.folders:
                raise ValueError(f"validation: two folders are called {name!r}")
            pairs = find_pairs(folder, layout=config.layout, split="test")
            if history:
                pairs = sorted(pairs, key=lambda pair: frame_order(pair.input_path))
            count = min(config.max_images or len(pairs), len(pairs))
            chosen = [i * len(pairs) // count for i in range(count)]
            self.folders[name] = [
                (pairs[i], [pair.input_path for pair in reversed(pairs[max(i - history, 0) : i])])
                for i in chosen
            ]

    @torch.no_grad()
    def measure(self, generator: nn.Module, device: torch.device) -> tuple[dict[str, Score], list[Sample]]:
        """Scores of each folder, and a few images. The generator must be in eval mode."""
        scores: dict[str, Score] = {}
        samples: list[Sample] = []
        for name, pairs in self.folders.items():
            psnr_db, ssim, input_psnr_db = [], [], []
            for index, (pair, older) in enumerate(pairs):
                whole_HWC = self._with_history(read_rgb(pair.input_path), older)
                input_HWC = self._crop(whole_HWC)
                target_HWC = self._crop(read_rgb(pair.target_path))
                output_HWC = self._restore(generator, input_HWC, device)
                input_HWC = input_HWC[..., :3]
                psnr_db.append(psnr_rgb(output_HWC, target_HWC))
                ssim.append(ssim_2d(output_HWC, target_HWC))
                input_psnr_db.append(psnr_rgb(input_HWC, target_HWC))
                if index == 0 and len(samples) < self.config.sample_images:
                    samples.append(Sample(name, np.concatenate((input_HWC, output_HWC, target_HWC), axis=1)))
            scores[name] = Score(mean_psnr(psnr_db), float(np.mean(ssim)), mean_psnr(input_psnr_db))
        return scores, samples

    def _with_history(self, rgb_HWC: np.ndarray, older: list[Path]) -> np.ndarray:
        """The frame, and those before aligned to it, as channels: (H, W, 3) without, else (H, W, 3 (1 + history))."""
        if not older:
            return rgb_HWC
        before = [read_rgb(path) for path in older]
        alignment = find_alignment(rgb_HWC, before)
        images = filled_up([rgb_HWC, *alignment.show(before)], 1 + self.config.history)
        if self.path:
            images.append(path_image(rgb_HWC, alignment.ways[0]))
        return np.concatenate(images, axis=2)

    def _crop(self, rgb_HWC: np.ndarray) -> np.ndarray:
        """The centre crop, or the whole image, cut to what the network takes: never padded or resized."""
        height, width = (
            min(self.config.crop or side, side) // self.size_multiple * self.size_multiple
            for side in rgb_HWC.shape[:2]
        )
        top, left = (rgb_HWC.shape[0] - height) // 2, (rgb_HWC.shape[1] - width) // 2
        return rgb_HWC[top : top + height, left : left + width]

    def _restore(self, generator: nn.Module, rgb_HWC: np.ndarray, device: torch.device) -> np.ndarray:
        x_HWC = torch.from_numpy(np.ascontiguousarray(rgb_HWC)).to(device)
        x_BCHW = x_HWC.permute(2, 0, 1)[None].float() / 127.5 - 1
        return to_uint8(generator(x_BCHW)[0])


def to_uint8(rgb_CHW: Tensor) -> np.ndarray:
    """[-1, 1] float (3, H, W) -> uint8 (H, W, 3), rounded."""
    byte_CHW = ((rgb_CHW.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return byte_CHW.permute(1, 2, 0).cpu().numpy()
