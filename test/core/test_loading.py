# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

import restoregan_core
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.result import Action
from restoregan_core.zoo import save_generator


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    config = GeneratorConfig(base_width=8, blocks=1, block_convolutions=2, dropout=0.0, kernel_size=3)
    save_generator(Generator(config), path, {})
    return path


def test_restorer_is_a_callable_on_images_of_any_size(weights):
    restorer = restoregan_core.load_restorer(weights, runtime="torch")
    assert restorer(np.zeros((13, 21, 3), np.uint8)).shape == (13, 21, 3)
    assert restorer.name.startswith("tiny-")


def test_pipeline_takes_the_preset_by_name(weights):
    rgb = np.random.default_rng(0).integers(0, 256, (70, 70, 3), dtype=np.uint8)
    off = restoregan_core.load_pipeline(weights, preset="off", runtime="torch").process(rgb)
    assert off.image is rgb
    always = restoregan_core.load_pipeline(weights, preset="always", runtime="torch").process(rgb)
    assert always.action in (Action.RESTORED, Action.FAILED_OPEN)
    assert always.restored_grid.shape == (2, 2)


def test_unknown_names_are_refused_with_those_that_exist(weights):
    with pytest.raises(
        ValueError, match="no preset 'bold'; there are: rain, cautious, balanced, always, off"
    ):
        restoregan_core.load_pipeline(weights, preset="bold")
    with pytest.raises(ValueError, match="no runtime 'abacus'"):
        restoregan_core.load_restorer(weights, runtime="abacus")
    with pytest.raises(ValueError, match="neither a model"):
        restoregan_core.load_restorer("huge")


def test_opencv_computes_on_as_many_threads_as_were_given(weights):
    before = cv2.getNumThreads()
    try:
        restoregan_core.load_pipeline(weights, runtime="torch", assessor="classical", threads=1)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
    with pytest.raises(ValueError, match="threads is -1; give at least 1, or 0"):
        restoregan_core.load_assessor(threads=-1)


def test_assessor_judges_an_image():
    found = restoregan_core.load_assessor().assess(np.zeros((64, 64, 3), np.uint8))
    assert found.blur_grid.shape == (1, 1)


def test_light_modules_do_not_import_torch():
    modules = (
        "result",
        "images.encodings",
        "assessment.assessor",
        "restoration.gate",
        "restoration.settings",
        "assessment.overlay",
    )
    imports = ", ".join(f"restoregan_core.{module}" for module in modules)
    code = f"import sys, {imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
