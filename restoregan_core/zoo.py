# SPDX-License-Identifier: Apache-2.0
"""Names of networks -> their shapes and weights. Weights are safetensors files, checked by SHA-256.

Torch is imported only where a network is made or written: a compiled network needs no more than its weights' digest.

A weights file says what it is: its metadata holds the generator's config as JSON under ``config``, and where
it comes from (training data with licences, recipe, scores, code version) under further keys.
"""

import functools
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restoregan_core.documents import build, parse_json
from restoregan_core.models.assessor_config import AssessorConfig, temporal_shapes
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork, Weights, check_fit
from restoregan_core.models.weights_file import read_weights, weights_of_the_same_file, write_weights
from restoregan_core.wording import did_you_mean

if TYPE_CHECKING:
    import torch

    from restoregan_core.models.assessor import AssessorNetwork
    from restoregan_core.models.generator import Generator

WEIGHTS_DIR = Path(__file__).parent / "weights"

_SMALL: dict[str, Any] = {
    "block_convolutions": 2,
    "dropout": 0.0,
    "kernel_size": 3,
    "upsampling": "shuffle",
    "unet_skips": True,
    "pixel_unshuffle": 2,
    "identity_start": True,
}

_LITE: dict[str, Any] = {
    "base_width": 32,
    "width_multipliers": (1, 2, 4, 4),
    "blocks": 4,
    "outer_blocks": (1, 1, 2),
    **_SMALL,
}

CONFIGS: dict[str, GeneratorConfig] = {
    "paper": GeneratorConfig(),
    "vehicle": GeneratorConfig(
        base_width=64,
        width_multipliers=(1, 2, 3),
        blocks=8,
        outer_blocks=(1, 2),
        history=2,
        history_median=True,
        path=True,
        recurrent=True,
        **_SMALL,
    ),
    "lite": GeneratorConfig(history=2, history_median=True, path=True, recurrent=True, **_LITE),
    "lite_detector": GeneratorConfig(**_LITE),
}

ASSESSOR = "assessor"
_TEMPORAL = "temporal."
"""Begins the names of those weights of an assessor that look at the frames before."""
_INT8 = "int8."
"""Begins the names of the scales with which a generator's convolutions compute on 8-bit integers."""

SHA256: dict[str, str] = {
    "assessor": "030a12cd2c1aefa33dc25aeed450521a0933ad617c3524b7a2a7f4cb39db09c3",
    "lite": "da6ab6cc934969475353e3c2770448fa2499c77557164ab4ac22df306ec8119a",
    "lite_detector": "c5ce3080cee3838fe8e15cd7622ac3e677f589c43ab64b625cfa3a94da8a8dc3",
}
"""SHA-256 of the weights that come with the package. A file that differs is refused."""

CONTEXT_PX: dict[str, int] = {
    "da6ab6cc934969475353e3c2770448fa2499c77557164ab4ac22df306ec8119a": 192,
}
"""By a generator's SHA-256: pixels around a place on which its restoration depends by more than a grey level, as
``benchmarks/context.py`` measures it. Others are given their exact bound, which is larger."""


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator with weights and the name it goes by in reports: ``lite-0123456789ab``."""

    lazy: "LazyNetwork[Generator, GeneratorConfig]"
    name: str
    sha256: str
    metadata: dict[str, str]
    int8: "LazyNetwork[Generator, GeneratorConfig] | None" = None
    """The same network with convolutions on 8-bit integers; None for one that was not quantized."""

    @property
    def config(self) -> GeneratorConfig:
        """Its shape."""
        return self.lazy.config

    @property
    def generator(self) -> "Generator":
        """The network, in eval mode; made when it is first asked for.

        Raises:
            ValueError: the weights do not fit the config that is stored with them.
        """
        return self.lazy.network

    def let_go(self) -> None:
        """Free the weights until they are asked for again; see ``LazyNetwork.let_go``."""
        for lazy in filter(None, (self.lazy, self.int8)):
            lazy.let_go()


@dataclass(frozen=True)
class LoadedAssessor:
    """The assessor's network with weights, and what makes probabilities of its log-odds."""

    lazy: "LazyNetwork[AssessorNetwork, AssessorConfig]"
    tile_calibration: list[list[float]]
    """For each of ``models.assessor_config.EVENTS``: weight of the tile's log-odds, of the frame's, bias."""
    frame_calibration: list[list[float]]
    """For each of the same events: weight of the frame's log-odds, of the mean of its tiles', bias."""
    name: str
    metadata: dict[str, str]
    temporal: Weights | None = None
    """Of the ``TemporalHead`` that looks at the frames before; None in files that were made without."""
    temperatures: tuple[float, float] = (1.0, 1.0)
    """For each of ``models.assessor_config.TEMPORAL_EVENTS``: what its log-odds are divided by where there are frames
    before."""

    @property
    def network(self) -> "AssessorNetwork":
        """The network, in eval mode; made when it is first asked for.

        Raises:
            ValueError: the weights do not fit the config that is stored with them.
        """
        return self.lazy.network


_Triple = tuple[float, float, float]


@dataclass(frozen=True)
class _Calibration:
    """As a file has it; see ``LoadedAssessor``."""

    tile: tuple[_Triple, _Triple, _Triple]
    frame: tuple[_Triple, _Triple, _Triple]
    temperature: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not all(0 < temperature < math.inf for temperature in self.temperature):
            raise ValueError(f"temperature={list(self.temperature)}: two positive numbers")

    def lists(self) -> tuple[list[list[float]], list[list[float]]]:
        return [list(row) for row in self.tile], [list(row) for row in self.frame]


def build_generator(name: str) -> "Generator":
    """The generator of that name with fresh random weights, in training mode.

    Raises:
        ValueError: no such name.
    """
    from restoregan_core.models.generator import Generator

    if name not in CONFIGS:
        raise ValueError(f"no model named {name!r}; there are: {', '.join(CONFIGS)}")
    return Generator(CONFIGS[name])


def weights_path(name_or_file: str | os.PathLike[str]) -> Path:
    """Where the weights of a zoo name, or of a file, lie.

    Raises:
        ValueError: neither a zoo name with shipped weights nor a file.
    """
    text = os.fspath(name_or_file)
    if text in CONFIGS:
        path = WEIGHTS_DIR / f"{text}.safetensors"
        if not path.is_file():
            raise ValueError(
                f"model {text!r} comes without weights; train it, or give the path of a .safetensors file"
            )
        return path
    path = Path(text)
    if not path.is_file():
        meant = did_you_mean(text, CONFIGS)
        raise ValueError(f"{text!r} is neither a model ({', '.join(CONFIGS)}) nor a .safetensors file{meant}")
    return path


def load_generator(name_or_file: str | os.PathLike[str]) -> LoadedGenerator:
    """Load weights by zoo name or from a ``.safetensors`` file. No pickle is ever read.

    Raises:
        ValueError: unknown name, not a safetensors file, no generator config in it, or a shipped file whose SHA-256
            is not the one this version was released with. Whether the weights fit the config shows when the network
            is made.
    """
    path = weights_path(name_or_file)
    text = os.fspath(name_or_file)
    weights, metadata, digest = read_weights(path)
    if text in CONFIGS:
        _check_released(text, path, digest)
    if "config" not in metadata or "calibration" in metadata:
        raise ValueError(f"{path} does not hold a generator config: it was not written by restoregan")
    what = f"{path}: config"
    config = GeneratorConfig.from_dict(parse_json(metadata["config"], what), what)
    own = _without(_INT8, weights)
    lazy = LazyNetwork(
        config,
        own,
        functools.partial(_make_generator, config, path),
        functools.partial(weights_of_the_same_file, path, digest, functools.partial(_without, _INT8)),
    )
    int8 = None
    if len(own) < len(weights):
        int8 = LazyNetwork(
            config,
            _with_scales(weights),
            functools.partial(_make_int8, config, path),
            functools.partial(weights_of_the_same_file, path, digest, _with_scales),
        )
    name = text if text in CONFIGS else path.stem
    return LoadedGenerator(lazy, f"{name}-{digest[:12]}", digest, metadata, int8)


def _without(beginning: str, weights: Weights) -> Weights:
    return {key: value for key, value in weights.items() if not key.startswith(beginning)}


def _with_scales(weights: Weights) -> Weights:
    return {key.removeprefix(_INT8): value for key, value in weights.items()}


def _make_generator(config: GeneratorConfig, path: Path, weights: Weights) -> "Generator":
    from restoregan_core.models.fill import filled
    from restoregan_core.models.generator import Generator

    return filled(lambda: Generator(config), weights, path)


def _make_int8(config: GeneratorConfig, path: Path, weights: Weights) -> "Generator":
    from restoregan_core.models.fill import filled
    from restoregan_core.models.generator import Generator
    from restoregan_core.models.int8 import with_int8

    end = ".input_scale"
    names = [key.removesuffix(end) for key in weights if key.endswith(end)]

    def make() -> "Generator":
        try:
            return with_int8(Generator(config), names)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    return filled(make, weights, path)


def save_generator(
    generator: "Generator",
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    dtype: "torch.dtype | None" = None,
    int8: Weights | None = None,
) -> str:
    """Write weights and config to ``path``, atomically; return the file's SHA-256.

    Args:
        dtype: of the weights in the file; float16 if None.
        int8: the scales of ``training.quantization.choose_scales``, if there are any.

    Raises:
        ValueError: a weight is not finite in ``dtype``.
    """
    import torch

    weights = dict(generator.state_dict())
    for key, value in (int8 or {}).items():
        weights[f"{_INT8}{key}"] = torch.from_numpy(value)
    return write_weights(weights, path, {**metadata, "config": json.dumps(generator.config.to_dict())}, dtype)


def load_assessor_network(file: str | os.PathLike[str] | None = None) -> LoadedAssessor:
    """The shipped assessor's network, or one from a ``.safetensors`` file.

    Raises:
        ValueError: not a safetensors file, none of an assessor, one with a weight that is not finite, or a shipped
            file whose SHA-256 is not the one this version was released with. Whether the weights fit the config shows
            when the network is made.
    """
    path = WEIGHTS_DIR / f"{ASSESSOR}.safetensors" if file is None else Path(file)
    if not path.is_file():
        raise ValueError(f"no assessor at {path}: name a .safetensors file that `restoregan train` made")
    weights, metadata, digest = read_weights(path)
    if file is None:
        _check_released(ASSESSOR, path, digest)
    if "calibration" not in metadata or "config" not in metadata:
        raise ValueError(
            f"{path} does not hold an assessor: it was not written by restoregan's assessor training"
        )
    for key, value in weights.items():
        if not np.isfinite(value).all():  # OpenVINO's ReLU makes 0 of NaN: the output may not tell
            raise ValueError(
                f"{path}: weight {key} is not finite: train the assessor again, or copy its file again"
            )
    what = f"{path}: config"
    config = build(AssessorConfig, parse_json(metadata["config"], what), what)
    what = f"{path}: calibration"
    calibration = build(_Calibration, parse_json(metadata["calibration"], what), what)
    own = _without(_TEMPORAL, weights)
    lazy = LazyNetwork(
        config,
        own,
        functools.partial(_make_assessor, config, path),
        functools.partial(weights_of_the_same_file, path, digest, functools.partial(_without, _TEMPORAL)),
    )
    temporal = None
    if len(own) < len(weights):
        temporal = {key.removeprefix(_TEMPORAL): weights[key] for key in weights.keys() - own.keys()}
        check_fit(temporal, temporal_shapes(), path)
    name = f"{ASSESSOR if file is None else path.stem}-{digest[:12]}"
    return LoadedAssessor(lazy, *calibration.lists(), name, metadata, temporal, calibration.temperature)


def _make_assessor(config: AssessorConfig, path: Path, weights: Weights) -> "AssessorNetwork":
    from restoregan_core.models.assessor import AssessorNetwork
    from restoregan_core.models.fill import filled

    return filled(lambda: AssessorNetwork(config), weights, path)


def save_assessor(
    network: "AssessorNetwork",
    calibration: Mapping[str, Sequence[Any]],
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    temporal: Weights | None = None,
) -> str:
    """Write weights, shape and calibration to ``path``, atomically; return the file's SHA-256.

    Args:
        calibration: ``tile`` and ``frame``, and ``temperature`` beside ``temporal``, as ``LoadedAssessor`` has them.
        temporal: ``weights_of`` the ``TemporalHead`` that looks at the frames before, if there is one.

    Raises:
        ValueError: a weight is not finite in float16.
    """
    import torch

    own = {"config": json.dumps(network.config.to_dict()), "calibration": json.dumps(calibration)}
    weights = dict(network.state_dict())
    for key, value in (temporal or {}).items():
        weights[f"{_TEMPORAL}{key}"] = torch.from_numpy(value)
    return write_weights(weights, path, {**metadata, **own})


def _check_released(name: str, path: Path, digest: str) -> None:
    if digest != SHA256.get(name):
        raise ValueError(
            f"{path} is not the file this version was released with (SHA-256 {digest}): reinstall it"
        )
