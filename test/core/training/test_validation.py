# SPDX-License-Identifier: Apache-2.0
"""A recurrent network is measured on frames that it restores one after another."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.training.config import ValidationConfig
from restoregan_core.training.validation import Validation

SHAPE = GeneratorConfig(history=2, pixel_unshuffle=2, path=True, recurrent=True)


SCENE = cv2.resize(
    np.random.default_rng(0).integers(40, 120, (5, 6, 3), np.uint8), (96, 80), interpolation=cv2.INTER_CUBIC
)


def write_clips(folder: Path, **counts: int) -> str:
    """A scene that stands still and becomes 10 levels brighter from frame to frame; as its target it does not."""
    for side in ("input", "target"):
        (folder / side).mkdir(parents=True)
        for clip, count in counts.items():
            for number in range(count):
                added = 10 * number if side == "input" else 0
                cv2.imwrite(str(folder / side / f"{clip}_{number}.png"), SCENE + np.uint8(added))
    return str(folder)


class AddsFive(nn.Module):
    """Five levels more than its last answer; a frame itself where there is none. Remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[float] = []
        self.answers: list[float] = []

    def forward(self, input_BCHW: Tensor) -> Tensor:
        is_first = input_BCHW.shape[1] == 3
        scene = torch.from_numpy(SCENE[8:-8, :, ::-1].copy()).permute(2, 0, 1).float()
        above = [((image[0] + 1) * 127.5 - scene[..., 16:-16]).mean() for image in input_BCHW.split(3, 1)]
        self.frames.append(float(above[0]))
        self.answers.append(float(above[0 if is_first else 2]))
        return input_BCHW if is_first else input_BCHW[:, 6:9] + 5 / 127.5


def test_a_run_from_the_middle_of_the_longest_clip_is_restored_one_after_another(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "clips", a=3, b=9)
    validation = Validation(ValidationConfig(videos=[folder], max_images=3, crop=64), SHAPE)
    network = AddsFive()
    scores, (sample,) = validation.measure(network, torch.device("cpu"))
    assert network.frames == pytest.approx([0, 10, 20, 30, 40, 50], abs=1), (
        "three more before the three that count"
    )
    assert network.answers == pytest.approx([0, 0, 5, 10, 15, 20], abs=2)
    assert sample.image_HWC.shape == (64, 3 * 64, 3)
    score = scores["clips video"]
    measured_db = np.mean([20 * np.log10(255 / added) for added in (30, 40, 50)])
    assert score.input_psnr_db == pytest.approx(measured_db, abs=0.01), "the last three alone"
    assert score.psnr_db > score.input_psnr_db + 3


def test_all_images_are_the_whole_of_the_longest_clip(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "clips", a=7, b=2)
    network = AddsFive()
    Validation(ValidationConfig(videos=[folder], max_images=0, crop=64), SHAPE).measure(
        network, torch.device("cpu")
    )
    assert network.frames == pytest.approx([0, 10, 20, 30, 40, 50, 60], abs=1)
