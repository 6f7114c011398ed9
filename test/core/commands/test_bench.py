# SPDX-License-Identifier: Apache-2.0
"""restoregan bench: the figures that others read from its JSON."""

import json
import math

import pytest
import torch

from restoregan_core.cli import main
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.zoo import save_generator


def test_rows_hold_every_key_and_agree_with_each_other(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    weights = tmp_path / "tiny.safetensors"
    save_generator(Generator(GeneratorConfig(base_width=4, blocks=1)), weights, {})
    out = tmp_path / "bench.json"
    arguments = [
        "--model",
        str(weights),
        "--size",
        "18x24",
        "--device",
        "cpu",
        "--rounds",
        "2",
        "--json",
        str(out),
    ]
    assert main(["bench", *arguments]) == 0
    result = json.loads(out.read_text())
    assert result["matrix_peak_tflops"] > 0
    assert "threads" in result["device"]
    rows = {(row["runtime"], row["precision"]): row for row in result["rows"]}
    eager = rows["torch", "fp32"]
    assert eager["ratio_to_eager_fp32"] == 1
    for row in rows.values():
        assert row["size"] == "18x24"
        assert row["gmac"] == eager["gmac"] > 0
        assert 0 < row["median_ms"] <= row["p99_ms"]
        assert math.isclose(row["ratio_to_eager_fp32"], eager["median_ms"] / row["median_ms"])
        assert math.isfinite(row["memory_mb"])
    captured = capsys.readouterr()
    if not torch.cuda.is_available():
        assert ("tensorrt", "fp16") not in rows
        assert "tensorrt, fp16: runtime 'tensorrt'" in captured.err
    assert "…" not in captured.out, "nothing is cut on a terminal of 80 columns"
    for row in rows.values():
        assert f"{row['median_ms']:.1f}" in captured.out
    assert "precision" in captured.out


@pytest.mark.parametrize(
    "arguments", [["--model", "huge"], ["--rounds", "0"], ["--size", "0x4"], ["--device", "gpu"]]
)
def test_bad_input_is_exit_code_2(arguments):
    assert main(["bench", *arguments]) == 2
