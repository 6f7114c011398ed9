# SPDX-License-Identifier: Apache-2.0
"""restoregan quantize: the same network, with scales."""

import cv2
import numpy as np
import pytest
import torch
import yaml

from restoregan_core.cli import main
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.zoo import load_generator, save_generator

SHAPE = {"base_width": 4, "blocks": 1}


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_generator(Generator(GeneratorConfig(**SHAPE)), path, {"training_data": '["a set"]'})
    return path


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "sharp").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "sharp" / "0.png"), cv2.resize(noise, (128, 128)))
    path = tmp_path / "recipe.yaml"
    data = {"sharp": [{"path": str(tmp_path / "sharp")}], "shares": {"pair": 0}}
    stages = [{"steps": 1, "patch_size": 32, "batch_size": 1}]
    loss = {"perceptual_weight": 0, "adversarial_weight": 0, "pixel_weight": 1}
    content = {"name": "tiny", "generator": SHAPE, "data": data, "schedule": {"stages": stages}, "loss": loss}
    path.write_text(yaml.safe_dump(content))
    return path


def run(weights, recipe, output, *more):
    command = ["quantize", "--model", str(weights), "--config", str(recipe), "--output", str(output)]
    return main([*command, "--samples", "3", "--size", "64", *more])


def test_the_weights_stay_and_scales_are_added(weights, recipe, tmp_path, capsys):
    assert run(weights, recipe, tmp_path / "new.safetensors") == 0
    digest, name = capsys.readouterr().out.split()
    before, after = load_generator(weights), load_generator(tmp_path / "new.safetensors")
    assert (after.sha256, name) == (digest, str(tmp_path / "new.safetensors"))
    assert before.int8 is None
    assert after.int8 is not None
    assert all(
        torch.equal(value, before.generator.state_dict()[key])
        for key, value in after.generator.state_dict().items()
    )
    x_BCHW = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert (after.int8.network(x_BCHW) - after.generator(x_BCHW)).abs().mean() < 0.02
    assert after.metadata["training_data"] == '["a set"]'
    assert "3 samples of 64 px of tiny" in after.metadata["int8"]


def test_the_same_command_gives_the_same_scales(weights, recipe, tmp_path):
    networks = []
    for name in ("a", "b"):
        assert run(weights, recipe, tmp_path / f"{name}.safetensors") == 0
        networks.append(load_generator(tmp_path / f"{name}.safetensors").int8)
    assert networks[0].digest() == networks[1].digest()


@pytest.fixture
def recurrent(tmp_path, recipe):
    """Weights of a recurrent network, and a recipe of sequences."""
    shape = {**SHAPE, "history": 2, "recurrent": True}
    torch.manual_seed(0)
    path = tmp_path / "recurrent.safetensors"
    save_generator(Generator(GeneratorConfig(**shape)), path, {})
    content = yaml.safe_load(recipe.read_text()) | {"generator": shape}
    content["data"]["clips"] = {"unrolled": 3}
    sequences = tmp_path / "sequences.yaml"
    sequences.write_text(yaml.safe_dump(content))
    return path, sequences


def test_scales_of_a_recurrent_network_are_chosen_by_what_it_is_shown(recurrent, tmp_path):
    assert run(*recurrent, tmp_path / "new.safetensors") == 0
    after = load_generator(tmp_path / "new.safetensors")
    assert after.config.recurrent
    x_BCHW = torch.rand(1, 9, 32, 32) * 2 - 1
    with torch.no_grad():
        assert (after.int8.network(x_BCHW) - after.generator(x_BCHW)).abs().mean() < 0.02


def test_a_recipe_of_sequences_is_for_recurrent_networks_alone(recurrent, tmp_path, capsys):
    path = tmp_path / "not.safetensors"
    save_generator(Generator(GeneratorConfig(**SHAPE, history=2)), path, {})
    assert run(path, recurrent[1], tmp_path / "new.safetensors") == 2
    assert "set data.clips.unrolled to 1 in a copy of the recipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--samples", "0"], "--samples 0 must be at least 1"),
        (["--size", "66"], "--size 66 must be a multiple of 4"),
        (["--config", "assessor"], "is a recipe of an assessor"),
        (["--config", "lite_video"], "makes samples with 2 frames of history"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(weights, recipe, tmp_path, capsys, more, said):
    assert run(weights, recipe, tmp_path / "new.safetensors", *more) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "new.safetensors").exists()


def test_a_file_that_is_there_is_not_overwritten(weights, recipe, capsys):
    assert run(weights, recipe, weights) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
