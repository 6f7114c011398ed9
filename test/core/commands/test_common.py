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
    for name in ("bold", "rain", "cautious", "balanced", "always", "off"):
        assert name in error


def test_an_input_that_cannot_be_is_one_line_without_a_progress_bar(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    for bag, complaint in (("nowhere", "no bag at"), ("empty", "does not hold an .mcap or .db3 file")):
        assert main(["replay", str(tmp_path / bag), "--output", str(tmp_path / "out")]) == 2
        printed = capfd.readouterr().err
        assert complaint in printed
        assert printed.count("\n") == 1
        assert not (tmp_path / "out").exists()
