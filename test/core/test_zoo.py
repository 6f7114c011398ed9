# SPDX-License-Identifier: Apache-2.0
"""Names give the shapes that are promised; a weights file is read only if it is what it claims to be."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_json, read_or_refused
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from restoregan_core import zoo
from restoregan_core.models.assessor import AssessorConfig, AssessorNetwork
from restoregan_core.models.assessor_config import temporal_shapes
from restoregan_core.models.complexity import count_multiply_adds, count_parameters
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.models.temporal_head import TemporalHead

TINY = GeneratorConfig(base_width=4, blocks=1)


@pytest.mark.parametrize(
    ("name", "most_gmac", "most_megabytes"), [("paper", 86, 37), ("vehicle", 15, 15), ("lite", 3.5, 6)]
)
def test_networks_keep_their_budget(name: str, most_gmac: float, most_megabytes: float) -> None:
    generator = zoo.build_generator(name)
    assert count_multiply_adds(generator, 256, 256) <= most_gmac * 1e9
    assert 2 * count_parameters(generator) <= most_megabytes * 1e6


def test_the_shipped_assessor_is_the_released_one_and_says_what_it_saw() -> None:
    loaded = zoo.load_assessor_network()
    assert loaded.name == f"assessor-{zoo.SHA256[zoo.ASSESSOR][:12]}"
    assert not loaded.network.training
    assert all(":" in data for data in json.loads(loaded.metadata["training_data"])), "set: licence"


def test_a_damaged_assessor_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray((zoo.WEIGHTS_DIR / "assessor.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "assessor.safetensors").write_bytes(content)
    monkeypatch.setattr(zoo, "WEIGHTS_DIR", tmp_path)
    with pytest.raises(ValueError, match="not the file this version was released with"):
        zoo.load_assessor_network()


@pytest.mark.parametrize("name", sorted(set(zoo.SHA256) - {zoo.ASSESSOR}))
def test_shipped_weights_are_the_released_ones_and_say_what_they_saw(name: str) -> None:
    loaded = zoo.load_generator(name)
    assert loaded.name == f"{name}-{zoo.SHA256[name][:12]}"
    assert zoo.CONFIGS[name] == loaded.generator.config
    assert not loaded.generator.training
    assert all(":" in data for data in json.loads(loaded.metadata["training_data"])), "set: licence"


def test_saved_weights_load_as_they_were_within_half_precision(tmp_path: Path) -> None:
    generator = Generator(TINY)
    digest = zoo.save_generator(generator, tmp_path / "mine.safetensors", {"recipe": "none"})
    loaded = zoo.load_generator(tmp_path / "mine.safetensors")
    assert loaded.sha256 == digest
    assert loaded.name == f"mine-{digest[:12]}"
    assert loaded.metadata["recipe"] == "none"
    for key, value in generator.state_dict().items():
        torch.testing.assert_close(loaded.generator.state_dict()[key], value, rtol=1e-3, atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.safetensors"]


def test_the_same_network_is_the_same_file(tmp_path: Path) -> None:
    """Its digest is part of its name, in reports and caches."""
    generator, said = Generator(TINY), {f"key {number}": "ä" for number in range(8)}
    digests = [zoo.save_generator(generator, tmp_path / f"{number}.safetensors", said) for number in range(4)]
    assert len(set(digests)) == 1
    assert zoo.load_generator(tmp_path / "0.safetensors").metadata["key 7"] == "ä"


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    generator = Generator(TINY)
    with torch.no_grad():
        generator.head.weight[0, 0, 0, 0] = 1e6  # beyond float16
    with pytest.raises(ValueError, match=r"head\.weight is not finite"):
        zoo.save_generator(generator, tmp_path / "x.safetensors", {})
    assert list(tmp_path.iterdir()) == []


def test_altered_shipped_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "WEIGHTS_DIR", tmp_path)
    zoo.save_generator(zoo.build_generator("lite"), tmp_path / "lite.safetensors", {})
    with pytest.raises(ValueError, match="not the file this version was released with"):
        zoo.load_generator("lite")


def test_name_without_weights_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"'paper' comes without weights; train it, or give the path"):
        zoo.load_generator("paper")


@pytest.mark.parametrize("name", ["nafnet", "no/such.safetensors"])
def test_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match="paper, vehicle, lite, lite_detector"):
        zoo.load_generator(name)


def test_files_that_are_something_else_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(ValueError, match=r"text\.safetensors is not a safetensors file"):
        zoo.load_generator(tmp_path / "text.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="does not hold a generator config"):
        zoo.load_generator(tmp_path / "other.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "misfit.safetensors", {"config": json.dumps(TINY.to_dict())})
    with pytest.raises(ValueError, match="do not fit the config"):
        _ = zoo.load_generator(tmp_path / "misfit.safetensors").generator


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_mutated_metadata_of_a_network_is_refused_by_its_file(tmp_path_factory, rng: random.Random) -> None:
    file = tmp_path_factory.getbasetemp() / "mutated.safetensors"
    generator = Generator(TINY)
    save_file(generator.state_dict(), file, {"config": mutated_json(TINY.to_dict(), rng).decode("latin-1")})
    with read_or_refused("mutated.safetensors"):
        _ = zoo.load_generator(file).generator


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_mutated_metadata_of_an_assessor_is_refused_by_its_file(tmp_path_factory, rng: random.Random) -> None:
    file = tmp_path_factory.getbasetemp() / "mutated.safetensors"
    network = AssessorNetwork(AssessorConfig(widths=(2, 2, 2, 2), head_width=2))
    said = {
        "config": network.config.to_dict(),
        "calibration": {"tile": [[1, 0, 0]] * 3, "frame": [[1, 0, 0]] * 3},
    }
    texts = {key: json.dumps(value) for key, value in said.items()}
    which = rng.choice(list(said))
    save_file(network.state_dict(), file, texts | {which: mutated_json(said[which], rng).decode("latin-1")})
    with read_or_refused("mutated.safetensors"):
        _ = zoo.load_assessor_network(file).network


def test_a_config_of_a_huge_network_is_refused_before_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "huge.safetensors"
    config = TINY.to_dict() | {"base_width": 2048, "blocks": 200}  # hundreds of gigabytes
    save_file(Generator(TINY).state_dict(), file, {"config": json.dumps(config)})
    with pytest.raises(ValueError, match="the weights do not fit the config"):
        _ = zoo.load_generator(file).generator


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_of_any_float_type_are_read(tmp_path: Path, dtype: torch.dtype) -> None:
    generator = Generator(TINY)
    zoo.save_generator(generator, tmp_path / "mine.safetensors", {}, dtype)
    loaded = zoo.load_generator(tmp_path / "mine.safetensors").generator
    for key, value in generator.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], value.to(dtype).float(), rtol=0, atol=0)


def test_weights_for_frames_before_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    shipped = zoo.load_assessor_network()
    calibration = {"tile": shipped.tile_calibration, "frame": shipped.frame_calibration}
    assert shipped.temporal is not None
    short = {**shipped.temporal, "mean": shipped.temporal["mean"][1:]}
    zoo.save_assessor(shipped.network, calibration, tmp_path / "short.safetensors", {}, short)
    with pytest.raises(ValueError, match=r"short\.safetensors: the weights do not fit .*: mean"):
        zoo.load_assessor_network(tmp_path / "short.safetensors")


@pytest.mark.parametrize("which", ["frame_head", "temporal"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_an_assessor_with_a_weight_that_is_not_finite_is_refused(
    tmp_path: Path, which: str, value: float
) -> None:
    file = tmp_path / "torn.safetensors"
    shipped = zoo.WEIGHTS_DIR / "assessor.safetensors"
    weights = load_file(shipped)
    with safe_open(shipped, "pt") as opened:
        metadata = opened.metadata()
    key = next(key for key in weights if key.startswith(which))
    weights[key].view(-1)[0] = value
    save_file(weights, file, metadata)
    with pytest.raises(ValueError, match=rf"torn\.safetensors: weight {key} is not finite"):
        zoo.load_assessor_network(file)


@pytest.mark.parametrize("temperature", [0, -1, "Infinity"])
def test_a_temperature_that_nothing_can_be_divided_by_is_refused(
    tmp_path: Path, temperature: float | str
) -> None:
    shipped = zoo.load_assessor_network()
    calibration = {"tile": shipped.tile_calibration, "frame": shipped.frame_calibration}
    hot = {**calibration, "temperature": [1, float(temperature)]}
    zoo.save_assessor(shipped.network, hot, tmp_path / "hot.safetensors", {})
    with pytest.raises(ValueError, match=r"hot\.safetensors: calibration"):
        zoo.load_assessor_network(tmp_path / "hot.safetensors")


def test_shapes_of_the_weights_for_frames_before_are_the_networks() -> None:
    found = {name: tuple(value.shape) for name, value in TemporalHead().state_dict().items()}
    assert found == temporal_shapes()


def test_scales_for_integers_stand_beside_the_weights_in_one_file(tmp_path: Path) -> None:
    from restoregan_core.models.int8 import convolutions

    generator = zoo.build_generator("lite")
    names = convolutions(generator)
    scales = {f"{name}.input_scale": np.array(0.5, np.float32) for name in names}
    scales |= {f"{name}.smoothing": np.full(c.in_channels, 2, np.float32) for name, c in names.items()}
    zoo.save_generator(generator, tmp_path / "mine.safetensors", {}, int8=scales)
    loaded = zoo.load_generator(tmp_path / "mine.safetensors")
    assert loaded.int8 is not None
    state, rounded = loaded.generator.state_dict(), loaded.int8.network.state_dict()
    assert all(torch.equal(rounded[key], value) for key, value in state.items())
    assert all(float(rounded[f"{name}.input_scale"]) == 0.5 for name in names)
    assert loaded.lazy.digest() != loaded.int8.digest(), "each is compiled into an engine of its own"
    zoo.save_generator(generator, tmp_path / "floats.safetensors", {})
    assert zoo.load_generator(tmp_path / "floats.safetensors").int8 is None


def test_scales_that_do_not_fit_are_refused_by_the_file(tmp_path: Path) -> None:
    scales = {"nothing.input_scale": np.array(0.5, np.float32)}
    zoo.save_generator(zoo.build_generator("lite"), tmp_path / "mine.safetensors", {}, int8=scales)
    loaded = zoo.load_generator(tmp_path / "mine.safetensors")
    assert loaded.int8 is not None
    with pytest.raises(ValueError, match=r"mine\.safetensors: no convolution 'nothing'"):
        _ = loaded.int8.network
    assert loaded.generator is not None
