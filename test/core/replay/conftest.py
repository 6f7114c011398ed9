# SPDX-License-Identifier: Apache-2.0
"""A network of a few thousand weights that changes images a little: fast, and its output is checkable."""

import os
from collections.abc import Callable
from pathlib import Path

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


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file."""
    torch.manual_seed(3)
    config = GeneratorConfig(
        base_width=8, width_multipliers=(1, 2), blocks=1, outer_blocks=(0,), block_convolutions=2,
        dropout=0.0, kernel_size=3, upsampling="shuffle", unet_skips=True, identity_start=True,
    )  # fmt: skip
    generator = Generator(config)
    head = list(generator.parameters())[-2]
    with torch.no_grad():
        head.add_(0.02 * torch.randn_like(head))
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    zoo.save_generator(generator, path, {"licence": "made for a test"})
    return path


@pytest.fixture
def make_pipeline(weights: Path) -> Callable[..., RestorationPipeline]:
    """Gives a function that loads a fresh pipeline."""
    from restoregan_core import load_pipeline

    return lambda preset="balanced": load_pipeline(
        weights, preset=preset, runtime="torch", assessor="classical", circuit_breaker=False
    )


@pytest.fixture(scope="session")
def detector_file() -> Path:
    if not DETECTOR.is_file():
        pytest.skip(f"no detector at {DETECTOR.name} in ../shared/data/weights")
    return DETECTOR
