# SPDX-License-Identifier: Apache-2.0
"""restoregan export: what it writes, and what it says when it cannot."""

import json
import subprocess
import sys

import pytest
import torch

from restoregan_core.cli import main
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.restoration.tiling import tile_margin
from restoregan_core.zoo import load_generator, save_generator


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_generator(Generator(GeneratorConfig(base_width=4, blocks=1)), path, {})
    return path


def test_the_exporters_own_warnings_are_not_shown(weights, tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    command = [sys.executable, "-m", "restoregan_core", "export", "--model", str(weights), "--size", "18x22"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "tiny.onnx")], capture_output=True, text=True, check=True
    )
    assert "torchvision" not in done.stderr
    assert "Warning" not in done.stderr


def test_file_is_written_checked_and_named_on_stdout(weights, tmp_path, capsys):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    output = tmp_path / "tiny.onnx"
    assert main(["export", "--model", str(weights), "--size", "18x22", "--output", str(output)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == str(output)
    assert "grey level" in captured.err
    loaded = load_generator(weights)
    said = {prop.key: prop.value for prop in onnx.load(output).metadata_props}
    assert (said["model"], said["context_px"]) == (loaded.name, str(tile_margin(loaded.config)))
    assert json.loads(said["config"]) == json.loads(loaded.metadata["config"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--size", "20", "--output", "x.onnx"], "write HEIGHTxWIDTH"),
        (["--size", "8x8", "--output", "no/such/x.onnx"], "the folder no/such does not exist"),
        (["--size", "8x8", "--output", "x.onnx", "--model", "huge"], "'huge' is neither a model"),
    ],
)
def test_bad_input_is_named_with_exit_code_2(arguments, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    assert complaint in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_integers_without_scales_are_refused_and_say_what_makes_them(weights, tmp_path, capsys):
    command = ["export", "--model", str(weights), "--size", "16x16", "--precision", "int8"]
    assert main([*command, "--output", str(tmp_path / "tiny.onnx")]) == 2
    assert "restoregan quantize" in capsys.readouterr().err
    assert not (tmp_path / "tiny.onnx").exists()
