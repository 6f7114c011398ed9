# SPDX-License-Identifier: Apache-2.0
"""A training run small enough for a test: 16-pixel crops of three little pairs, a tiny generator."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning_fabric", reason="training needs more than a vehicle")
pytest.importorskip("tensorboard", reason="training needs more than a vehicle")

from restoregan_core.data.config import DataConfig, PairFolder
from restoregan_core.data.sources import TrainingSource
from restoregan_core.models.generator import GeneratorConfig
from restoregan_core.training.config import (
    OptimiserConfig,
    ScheduleConfig,
    StageConfig,
    TrainConfig,
    ValidationConfig,
)
from restoregan_core.training.loss_config import LossConfig
from restoregan_core.training.trainer import Trainer

ADVERSARIAL = LossConfig(perceptual_weight=0, adversarial_weight=0.1, pixel_weight=1, critic_steps=2)


@pytest.fixture(scope="session")
def pairs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs of 40 x 48: smooth random colours, and the same blurred and darkened."""
    root = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for side in ("input", "target"):
        (root / side).mkdir()
    for i in range(3):
        small_HWC = rng.integers(0, 256, (10, 12, 3), dtype=np.uint8)
        sharp_HWC = cv2.resize(small_HWC, (48, 40), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(root / "target" / f"{i}.png"), sharp_HWC)
        dim_HWC = (0.6 * cv2.GaussianBlur(sharp_HWC, (0, 0), 1)).astype(np.uint8)
        cv2.imwrite(str(root / "input" / f"{i}.png"), dim_HWC)
    return root


@pytest.fixture
def make_config(pairs_dir: Path, tmp_path: Path) -> Callable[..., TrainConfig]:
    """Two adversarial stages with dropout, a moving average and validation; keywords replace fields."""

    def make(**changes: Any) -> TrainConfig:
        config = TrainConfig(
            name="tiny",
            data=DataConfig(pairs=[PairFolder(path=str(pairs_dir))], input_noise=0.02),
            schedule=ScheduleConfig(
                stages=[
                    StageConfig(steps=4, patch_size=16, batch_size=2),
                    StageConfig(steps=4, patch_size=16, batch_size=2, restart=True),
                ]
            ),
            generator=GeneratorConfig(base_width=4, blocks=1),
            loss=ADVERSARIAL,
            optimiser=OptimiserConfig(learning_rate=1e-3, ema_decay=0.9),
            validation=ValidationConfig(folders=[str(pairs_dir)], every_steps=4, crop=32),
            critic_size=16,
            output=str(tmp_path / "run"),
            device="cpu",
            workers=0,
            log_every_steps=1,
        )
        return replace(config, **changes)

    return make


@pytest.fixture
def make_trainer() -> Callable[[TrainConfig], Trainer]:
    return lambda config: Trainer(config, TrainingSource(config.data, config.seed))
