# SPDX-License-Identifier: Apache-2.0
"""restoregan build-engine on a machine that cannot: one line, no traceback, no file."""

import pytest
import torch

from restoregan_core.cli import main
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.zoo import save_generator


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: see test/gpu")
@pytest.mark.parametrize(
    ("precision", "reason"), [("fp16", "needs a CUDA device"), ("int8", "restoregan export")]
)
def test_without_a_gpu_it_says_what_is_missing(tmp_path, capsys, precision, reason):
    weights = tmp_path / "tiny.safetensors"
    save_generator(Generator(GeneratorConfig(base_width=4, blocks=1)), weights, {})
    output = tmp_path / "engines"
    arguments = [
        "--model",
        str(weights),
        "--size",
        "16x16",
        "--precision",
        precision,
        "--output",
        str(output),
    ]
    assert main(["build-engine", *arguments]) == 1
    error = capsys.readouterr().err
    assert reason in error
    assert "Traceback" not in error
    assert not output.exists()


def test_unknown_model_is_exit_code_2(capsys):
    assert main(["build-engine", "--model", "huge", "--size", "16x16"]) == 2
    assert "'huge' is neither a model" in capsys.readouterr().err
