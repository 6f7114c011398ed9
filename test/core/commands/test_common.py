# SPDX-License-Identifier: Apache-2.0
"""Options that several verbs have mean the same in each, and are checked before any work is done."""

import pytest

from restoregan_core.cli import main

WITH_RUNTIME = {
    "restore": ["in.png", "out.png"],
    "evaluate": ["--model", "lite", "--data", "set"],
    "evaluate-detection": ["--data", "set", "--detector", "d.onnx"],
    "replay": ["bag", "--output", "out"],
    "replay-many": ["bag", "--output", "out"],
    "bench": [],
}
WITH_PRESET = {
    "restore": "--gate",
    "evaluate-detection": "--gate",
    "replay": "--preset",
    "replay-many": "--preset",
}


@pytest.mark.parametrize("verb", WITH_RUNTIME)
def test_an_unknown_runtime_is_answered_with_those_that_there_are(verb, capsys):
    assert main([verb, *WITH_RUNTIME[verb], "--runtime", "abacus"]) == 2
    error = capsys.readouterr().err
    for name in ("abacus", "tensorrt", "openvino", "torch"):
        assert name in error


@pytest.mark.parametrize(("verb", "option"), WITH_PRESET.items())
def test_an_unknown_preset_is_answered_with_those_that_there_are(verb, option, capsys):
    assert main([verb, *WITH_RUNTIME[verb], option, "bold"]) == 2
    error = capsys.readouterr().err
    for name in ("bold", "cautious", "balanced", "always", "off"):
        assert name in error
