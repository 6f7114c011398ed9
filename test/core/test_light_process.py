# SPDX-License-Identifier: Apache-2.0
"""What restores and judges by OpenVINO keeps no torch: it takes seconds to import, and 200 MB."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restoregan_core import load_pipeline
from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.zoo import save_generator

pytest.importorskip("openvino", reason="without OpenVINO it is torch that runs the networks")

VERB = """
import sys
from restoregan_core.cli import main
code = main(sys.argv[1:])
sys.exit(code or ("torch was imported" if "torch" in sys.modules else 0))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds weights, and the engines of these and of the assessor."""
    folder = tmp_path_factory.mktemp("cache")
    torch.manual_seed(0)
    config = GeneratorConfig(
        base_width=4, blocks=1, block_convolutions=2, dropout=0.0, kernel_size=3, history=1
    )
    save_generator(Generator(config), folder / "tiny.safetensors", {})
    load_pipeline(folder / "tiny.safetensors", runtime="openvino", engine_dir=folder / "restoregan")
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for seed in range(2):
        bgr_HWC = np.random.default_rng(seed).integers(0, 256, (72, 96, 3), np.uint8)
        cv2.imwrite(str(folder / f"{seed}.png"), bgr_HWC)
    return folder


def run(cache: Path, code: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"XDG_CACHE_HOME": str(cache), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which torch runs")


@needs_no_gpu
def test_a_restored_folder(cache: Path, images: Path, tmp_path: Path) -> None:
    run(cache, VERB, "restore", "--model", cache / "tiny.safetensors", images, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_restored_video_behind_the_gate_where_openvino_is_named(
    cache: Path, images: Path, tmp_path: Path
) -> None:
    options = ["--model", cache / "tiny.safetensors", "--gate", "always", "--video", "--runtime", "openvino"]
    run(cache, VERB, "restore", *options, images, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2


@needs_no_gpu
def test_a_judged_video(cache: Path, images: Path) -> None:
    run(cache, VERB, "assess", "--video", "--json", images)


@needs_no_gpu
def test_a_replayed_bag_with_its_report(cache: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="replay needs the extra 'replay'")
    pytest.importorskip("rosbags", reason="replay needs the extra 'replay'")
    from replay_bags import drive, write_bag

    bag = write_bag(tmp_path / "bag", drive(3))
    run(cache, VERB, "replay", bag, "--output", tmp_path / "out", "--model", cache / "tiny.safetensors")
    assert (tmp_path / "out" / "report.html").is_file()


@needs_no_gpu
def test_a_restored_folder_at_the_very_first_start(cache: Path, images: Path, tmp_path: Path) -> None:
    """Another process converts the networks."""
    empty = tmp_path / "cache"
    options = ["--model", cache / "tiny.safetensors", "--gate", "always"]
    run(empty, VERB, "restore", *options, images, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2
    names = [{file.name for file in folder.glob("restoregan/openvino-*")} for folder in (empty, cache)]
    assert names[0] == names[1] != set(), "what the first start leaves is what one that has torch leaves"


def test_the_package_and_its_lightest_part(cache: Path) -> None:
    heavy = "torch openvino cv2 numpy yaml safetensors"
    run(
        cache,
        f"import restoregan_core, sys; sys.exit(any(name in sys.modules for name in '{heavy}'.split()))",
    )
