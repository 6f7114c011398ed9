# SPDX-License-Identifier: Apache-2.0
"""Promises of averaging weights: the mean is exact, what cannot be averaged is refused, nothing is overwritten."""

import json
from pathlib import Path

import pytest
import torch

from restoregan_core.cli import main
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.zoo import load_generator, save_generator


@pytest.fixture
def networks(tmp_path: Path) -> list[str]:
    files = []
    for seed, data in enumerate((["A"], ["A", "B"])):
        torch.manual_seed(seed)
        path = tmp_path / f"{seed}.safetensors"
        save_generator(
            Generator(GeneratorConfig(base_width=4, blocks=1)), path, {"training_data": json.dumps(data)}
        )
        files.append(str(path))
    return files


def test_the_mean_holds_each_weight_by_its_share(networks: list[str], tmp_path: Path, capsys) -> None:
    output = tmp_path / "mean.safetensors"
    assert main(["average", *networks, "--shares", "3", "1", "--output", str(output)]) == 0
    first, second, mean = (load_generator(path) for path in (*networks, output))
    for key, value in mean.generator.state_dict().items():
        expected = 0.75 * first.generator.state_dict()[key] + 0.25 * second.generator.state_dict()[key]
        torch.testing.assert_close(value, expected, atol=2e-3, rtol=2e-3)  # kept in float16
    assert json.loads(mean.metadata["training_data"]) == ["A", "B"]
    parts = json.loads(mean.metadata["averaged"])
    assert [(p["sha256"], p["share"]) for p in parts] == [(first.sha256, 0.75), (second.sha256, 0.25)]
    assert mean.sha256 in capsys.readouterr().out


def test_the_first_one_keeps_its_history_whatever_the_others_look_at(tmp_path: Path) -> None:
    files = []
    for looks_at in (
        {"history": 2, "path": True, "recurrent": True},
        {"history": 2, "path": True},
        {},
    ):
        config = GeneratorConfig(base_width=4, blocks=1, pixel_unshuffle=2, **looks_at)
        files.append(str(tmp_path / f"{len(files)}.safetensors"))
        save_generator(Generator(config), files[-1], {})
    for number, order in enumerate((files, files[::-1])):
        output = tmp_path / f"mean {number}.safetensors"
        assert main(["average", *order, "--output", str(output)]) == 0
        assert load_generator(output).config == load_generator(order[0]).config


def test_what_cannot_be_averaged_is_one_line(networks: list[str], tmp_path: Path, capsys) -> None:
    other = tmp_path / "other.safetensors"
    save_generator(Generator(GeneratorConfig(base_width=8, blocks=1)), other, {})
    kept = tmp_path / "kept.safetensors"
    kept.write_text("mine")
    new = str(tmp_path / "new.safetensors")
    for arguments, said in (
        ([networks[0], str(other), "--output", new], "another shape"),
        ([networks[0], "--output", new], "name two or more"),
        ([*networks, "--shares", "1", "--output", new], "one for each"),
        ([*networks, "--shares", "1", "-1", "--output", new], "must not be negative"),
        ([*networks, "--output", str(kept)], "exists"),
    ):
        assert main(["average", *arguments]) == 2
        assert said in capsys.readouterr().err
    assert kept.read_text() == "mine"
    assert not Path(new).exists()
