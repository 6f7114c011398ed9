# SPDX-License-Identifier: Apache-2.0
"""Others' networks: built by their factory, weights read safely, images scaled and padded right."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from restoregan_core.evaluation.external_model import ExternalModel

FACTORY = """
import torch

class Brighten(torch.nn.Module):
    '''Adds a weight; insists on sides that are multiples of 8.'''
    def __init__(self):
        super().__init__()
        self.shift = torch.nn.Parameter(torch.zeros(1))
        self.dropout = torch.nn.Dropout(0.5)
    def forward(self, x):
        assert x.shape[2] % 8 == 0 and x.shape[3] % 8 == 0
        self.seen = x.detach().clone()
        return self.dropout(x) + self.shift

def build(): return Brighten()
def build_number(): return 3
def build_list():
    class Several(Brighten):
        def forward(self, x): return [x]
    return Several()
"""


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "their_code.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "their_code", raising=False)
    path = tmp_path / "weights.pth"
    torch.save({"params": {"module.shift": torch.tensor([0.2])}}, path)
    return path


def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 200, (13, 21, 3), np.uint8)


@pytest.mark.parametrize(("value_range", "levels"), [("signed", 0.2 * 127.5), ("unit", 0.2 * 255)])
def test_a_network_runs_in_its_own_range_on_any_size_with_dropout_off(
    weights: Path, value_range: str, levels: float
):
    restorer = ExternalModel(
        "their_code:build", weights, value_range=value_range, size_multiple=8, device="cpu"
    )
    expected = np.clip(image() + levels, 0, 255)
    assert np.abs(restorer(image()) - expected).max() <= 0.51
    seen = restorer._network.seen
    assert seen.shape == (1, 3, 16, 24)
    assert seen.min() >= (-1 if value_range == "signed" else 0)


def test_safetensors_are_read_too(weights: Path, tmp_path: Path):
    save_file({"shift": torch.tensor([0.2])}, tmp_path / "weights.safetensors")
    ours = ExternalModel("their_code:build", weights, device="cpu")
    theirs = ExternalModel("their_code:build", tmp_path / "weights.safetensors", device="cpu")
    np.testing.assert_array_equal(ours(image()), theirs(image()))
    assert ours.name != theirs.name  # named after the file's hash


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_pickle_is_never_executed(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"shift": Bomb()}))
    torch.save({"shift": Bomb()}, tmp_path / "zip_bomb.pth")
    for name in ("bomb.pth", "zip_bomb.pth"):
        with pytest.raises(ValueError, match="cannot be read safely"):
            ExternalModel("their_code:build", tmp_path / name)
    assert "executed" not in capsys.readouterr().out


def test_what_does_not_fit_is_said_in_one_error(weights: Path, tmp_path: Path):
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    for factory, file, message in (
        ("their_code:build", "other.pth", "does not fit"),
        ("their_code:build", "list.pth", "does not hold a state dict"),
        ("their_code:build", "missing.pth", "is not a file of weights"),
        ("their_code:missing", "weights.pth", "does not name a function"),
        ("no_such_module:build", "weights.pth", "does not name a function"),
        ("their_code:", "weights.pth", "does not name a function"),
        ("their_code:build_number", "weights.pth", "built a int"),
    ):
        with pytest.raises(ValueError, match=message):
            ExternalModel(factory, tmp_path / file)
    with pytest.raises(ValueError, match="gave list for one image"):
        ExternalModel("their_code:build_list", weights, device="cpu")(image())
    with pytest.raises(ValueError, match="value range"):
        ExternalModel("their_code:build", weights, value_range="0-255")


def test_a_network_that_gives_nan_is_not_measured(weights: Path, tmp_path: Path):
    torch.save({"shift": torch.tensor([float("nan")])}, tmp_path / "nan.pth")
    with pytest.raises(ValueError, match="non-finite"):
        ExternalModel("their_code:build", tmp_path / "nan.pth", device="cpu")(image())


@pytest.mark.parametrize(
    "prefix", ["_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "net.", "model.net."]
)
@pytest.mark.parametrize("wrapper", ["params_ema", "state_dict", "ema", "net_g", "G"])
def test_what_stands_before_every_weights_name_is_taken_off(weights: Path, prefix: str, wrapper: str):
    torch.save({wrapper: {f"{prefix}shift": torch.tensor([0.2])}, "epoch": 3}, weights)
    restored = ExternalModel("their_code:build", weights, value_range="unit", device="cpu")(image())
    np.testing.assert_array_equal(restored, image() + 51)


def test_weights_with_more_than_tensors_are_refused_with_what_to_do(weights: Path):
    torch.save({"state_dict": {"shift": torch.zeros(1)}, "lr": np.float64(1e-3)}, weights)
    with pytest.raises(ValueError, match=r"holds numpy\S+scalar\): .* save its state dict alone"):
        ExternalModel("their_code:build", weights)
