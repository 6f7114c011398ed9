# SPDX-License-Identifier: Apache-2.0
"""What a command writes stays in the folder that it was told, whatever links somebody has put there."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restoregan_core.cli import main as restoregan
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.training.monitor import Monitor
from restoregan_core.zoo import save_generator

FOLDERS = {
    "assess": "sub",
    "restore": "sub",
    "synthesize": "input",
    "evaluate": "worst/pairs",
    "replay-many": "drive",
}
"""Of each command that makes folders below its output: one of them. Of replay: test_damaged_state.py."""
FILES = {"assess": "a.png", "restore": "a.png", "synthesize": "params.jsonl"}


def image(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (64, 64)))
    return path


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, list[str]]:
    """Command lines that write below ``out``."""
    photos, pairs, bag = tmp_path / "photos", tmp_path / "pairs", tmp_path / "drive.mcap"
    for number, name in enumerate(("a.png", "sub/b.png")):
        image(photos / name, number)
    for number, side in enumerate(("input", "target")):
        image(pairs / side / "a.png", number)
    bag.touch()
    weights = tmp_path / "network.safetensors"
    save_generator(Generator(GeneratorConfig(base_width=4, blocks=1)), weights, {}, torch.float32)
    network = ["--model", weights, "--runtime", "torch"]
    lines: dict[str, list[object]] = {
        "assess": [photos, "--overlay", tmp_path / "out"],
        "restore": [photos, tmp_path / "out", *network],
        "synthesize": ["rain", photos, tmp_path / "out"],
        "evaluate": ["--data", pairs, "--worst", tmp_path / "out/worst", *network],
        "replay-many": [bag, "--output", tmp_path / "out", *network],
    }
    return {verb: [verb, *map(str, line)] for verb, line in lines.items()}


def planted(verb: str, command: list[str], tmp_path: Path, name: str) -> Path:
    """A link below ``out`` in the place of what the command writes there; ``elsewhere`` is where it leads."""
    link = tmp_path / "out" / name
    if verb == "synthesize":  # goes on in its own folder alone
        assert restoregan(command) == 0
        link.rename(tmp_path / "before")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere")
    return link


@pytest.mark.parametrize("verb", FOLDERS)
def test_a_link_in_the_place_of_a_folder_is_refused(
    verb: str, commands: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = planted(verb, commands[verb], tmp_path, FOLDERS[verb])
    (tmp_path / "elsewhere").mkdir()
    assert restoregan(commands[verb]) == 2
    assert f"{link} is a link, and nothing is written out of " in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("verb", FILES)
def test_so_is_one_in_the_place_of_a_file_though_it_leads_nowhere_yet(
    verb: str, commands: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = planted(verb, commands[verb], tmp_path, FILES[verb])
    assert restoregan(commands[verb]) == 2
    assert f"{link} is a link" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("verb", FOLDERS)
def test_the_folder_itself_may_be_a_link_since_the_user_named_it(
    verb: str, commands: dict[str, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    restoregan(commands[verb])
    assert list((tmp_path / "elsewhere").iterdir())


def test_a_training_writes_its_curves_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/tensorboard").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="tensorboard is a link"):
        Monitor(tmp_path / "run", total=1, position=0, step=0, active=True)
    assert not list((tmp_path / "elsewhere").iterdir())
