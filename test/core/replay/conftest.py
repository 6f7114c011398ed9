# SPDX-License-Identifier: Apache-2.0
"""A network of a few thousand weights that changes images a little: fast, and its output is checkable."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="replay needs the extra 'replay'")
pytest.importorskip("rosbags", reason="replay needs the extra 'replay'")

import torch

from restoregan_core import zoo
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.pipeline import RestorationPipeline

# Here and in the processes that tests start: a second thread costs more than it gives on images this small.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)

DETECTOR = Path(__file__).resolve().parents[4] / "shared/data/weights/yolox_nano.onnx"


def _saved(path: Path, **looks_at: Any) -> Path:
    torch.manual_seed(3)
    config = GeneratorConfig(
        base_width=8, width_multipliers=(1, 2), blocks=1, outer_blocks=(0,), block_convolutions=2,
        dropout=0.0, kernel_size=3, upsampling="shuffle", unet_skips=True, identity_start=True, **looks_at,
    )  # fmt: skip
    generator = Generator(config)
    head = list(generator.parameters())[-2]
    with torch.no_grad():
        head.add_(0.02 * torch.randn_like(head))
    zoo.save_generator(generator, path, {"licence": "made for a test"})
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file."""
    return _saved(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="session")
def recurrent_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of a network that sees its own last answer."""
    file = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    return _saved(file, history=2, recurrent=True)


def _pipeline(weights: Path, preset: str = "balanced") -> RestorationPipeline:
    from restoregan_core import load_pipeline

    return load_pipeline(weights, preset=preset, runtime="torch", assessor="classical", circuit_breaker=False)


@pytest.fixture
def make_pipeline(weights: Path) -> Callable[..., RestorationPipeline]:
    """Gives a function that loads a fresh pipeline."""
    return partial(_pipeline, weights)


@pytest.fixture
def make_recurrent_pipeline(recurrent_weights: Path) -> Callable[..., RestorationPipeline]:
    """The same with a recurrent network."""
    return partial(_pipeline, recurrent_weights)


@pytest.fixture(scope="session")
def detector_file() -> Path:
    if not DETECTOR.is_file():
        pytest.skip(f"no detector at {DETECTOR.name} in ../shared/data/weights")
    return DETECTOR
