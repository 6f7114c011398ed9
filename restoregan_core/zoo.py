# SPDX-License-Identifier: Apache-2.0
"""Names of networks -> their shapes and weights. Weights are safetensors files, checked by SHA-256.

A weights file says what it is: its metadata holds the generator's config as JSON under ``config``, and where
it comes from (training data with licences, recipe, scores, code version) under further keys.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from restoregan_core.documents import build, parse_json
from restoregan_core.files import atomic_write
from restoregan_core.models.assessor import AssessorConfig, AssessorNetwork
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.models.temporal_head import TemporalHead

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
        base_width=64, width_multipliers=(1, 2, 3), blocks=8, outer_blocks=(1, 2), history=2, **_SMALL
    ),
    "lite": GeneratorConfig(history=2, **_LITE),
    "lite_detector": GeneratorConfig(**_LITE),
}

ASSESSOR = "assessor"
_TEMPORAL = "temporal."
"""Begins the names of those weights of an assessor that look at the frames before."""

SHA256: dict[str, str] = {
    "assessor": "f6516094fd9a79c8c4485ba28269b495c193470a8a2ea9ef03ebf7fb1d549b1c",
    "lite": "ee6783c9d7f3814bcba3b2a8e6e8ad732339497798b3fc3ebbd1b1886efdb303",
    "lite_detector": "c5ce3080cee3838fe8e15cd7622ac3e677f589c43ab64b625cfa3a94da8a8dc3",
}
"""SHA-256 of the weights that come with the package. A file that differs is refused."""


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator with weights, in eval mode, and the name it goes by in reports: ``lite-0123456789ab``."""

    generator: Generator
    name: str
    sha256: str
    metadata: dict[str, str]


@dataclass(frozen=True)
class LoadedAssessor:
    """The assessor's network with weights, in eval mode, and what makes probabilities of its log-odds."""

    network: AssessorNetwork
    tile_calibration: list[list[float]]
    """For each of ``models.assessor.EVENTS``: weight of the tile's log-odds, of the frame's, bias."""
    frame_calibration: list[list[float]]
    """For each of the same events: weight of the frame's log-odds, of the mean of its tiles', bias."""
    name: str
    metadata: dict[str, str]
    temporal: TemporalHead | None = None
    """What looks at the frames before; None in files that were made without."""


_Triple = tuple[float, float, float]
_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True)
class _Calibration:
    """As a file has it; see ``LoadedAssessor``."""

    tile: tuple[_Triple, _Triple, _Triple]
    frame: tuple[_Triple, _Triple, _Triple]

    def lists(self) -> tuple[list[list[float]], list[list[float]]]:
        return [list(row) for row in self.tile], [list(row) for row in self.frame]


def build_generator(name: str) -> Generator:
    """The generator of that name with fresh random weights, in training mode.

    Raises:
        ValueError: no such name.
    """
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
        raise ValueError(f"{text!r} is neither a model ({', '.join(CONFIGS)}) nor a .safetensors file")
    return path


def load_generator(name_or_file: str | os.PathLike[str]) -> LoadedGenerator:
    """Load weights by zoo name or from a ``.safetensors`` file. No pickle is ever read.

    Raises:
        ValueError: unknown name, not a safetensors file, no generator config in it, weights that do not fit
            it, or a shipped file whose SHA-256 is not the one this version was released with.
    """
    path = weights_path(name_or_file)
    text = os.fspath(name_or_file)
    state, metadata, digest = _read(path)
    if text in CONFIGS:
        _check_released(text, path, digest)
    if "config" not in metadata or "calibration" in metadata:
        raise ValueError(f"{path} does not hold a generator config: it was not written by restoregan")
    what = f"{path}: config"
    config = GeneratorConfig.from_dict(parse_json(metadata["config"], what), what)
    generator = _filled(lambda: Generator(config), state, path)
    name = text if text in CONFIGS else path.stem
    return LoadedGenerator(generator.eval(), f"{name}-{digest[:12]}", digest, metadata)


def save_generator(
    generator: Generator,
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    dtype: torch.dtype = torch.float16,
) -> str:
    """Write weights and config to ``path``, atomically; return the file's SHA-256.

    Raises:
        ValueError: a weight is not finite in ``dtype``.
    """
    return _write(
        generator.state_dict(), path, {**metadata, "config": json.dumps(generator.config.to_dict())}, dtype
    )


def load_assessor_network(file: str | os.PathLike[str] | None = None) -> LoadedAssessor:
    """The shipped assessor's network, or one from a ``.safetensors`` file.

    Raises:
        ValueError: not a safetensors file, none of an assessor, or a shipped file whose SHA-256 is not the
            one this version was released with.
    """
    path = WEIGHTS_DIR / f"{ASSESSOR}.safetensors" if file is None else Path(file)
    if not path.is_file():
        raise ValueError(f"no assessor at {path}: name a .safetensors file that `restoregan train` made")
    state, metadata, digest = _read(path)
    if file is None:
        _check_released(ASSESSOR, path, digest)
    if "calibration" not in metadata or "config" not in metadata:
        raise ValueError(
            f"{path} does not hold an assessor: it was not written by restoregan's assessor training"
        )
    what = f"{path}: config"
    config = build(AssessorConfig, parse_json(metadata["config"], what), what)
    what = f"{path}: calibration"
    calibration = build(_Calibration, parse_json(metadata["calibration"], what), what)
    own = {key: value for key, value in state.items() if not key.startswith(_TEMPORAL)}
    network = _filled(lambda: AssessorNetwork(config), own, path)
    temporal = None
    if len(own) < len(state):
        rest = {key.removeprefix(_TEMPORAL): state[key] for key in state.keys() - own.keys()}
        temporal = _filled(TemporalHead, rest, path).eval()
    name = f"{ASSESSOR if file is None else path.stem}-{digest[:12]}"
    return LoadedAssessor(network.eval(), *calibration.lists(), name, metadata, temporal)


def save_assessor(
    network: AssessorNetwork,
    calibration: dict[str, list[list[float]]],
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    temporal: TemporalHead | None = None,
) -> str:
    """Write weights, shape and calibration to ``path``, atomically; return the file's SHA-256.

    Args:
        calibration: ``tile`` and ``frame``, as ``LoadedAssessor`` has them.
        temporal: what looks at the frames before, if there is one.

    Raises:
        ValueError: a weight is not finite in float16.
    """
    own = {"config": json.dumps(network.config.to_dict()), "calibration": json.dumps(calibration)}
    weights = dict(network.state_dict())
    if temporal is not None:
        weights |= {f"{_TEMPORAL}{key}": value for key, value in temporal.state_dict().items()}
    return _write(weights, path, {**metadata, **own}, torch.float16)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str], str]:
    """Weights in float32, metadata, SHA-256."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error
    return state, metadata, digest


def _check_released(name: str, path: Path, digest: str) -> None:
    if digest != SHA256.get(name):
        raise ValueError(
            f"{path} is not the file this version was released with (SHA-256 {digest}): reinstall it"
        )


def _filled(make: Callable[[], _Network], state: dict[str, Tensor], path: Path) -> _Network:
    """The network with these weights. One that does not fit them is never made: it may be of any size."""
    with torch.device("meta"):  # shapes without memory
        expected = {key: value.shape for key, value in make().state_dict().items()}
    found = {key: value.shape for key, value in state.items()}
    if differing := sorted(
        key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
    ):
        raise ValueError(
            f"{path}: the weights do not fit the config stored with them: {', '.join(differing[:3])}"
            f"{f' and {len(differing) - 3} more' if len(differing) > 3 else ''}"
        )
    network = make()
    network.load_state_dict(state)
    return network


def _write(
    weights: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    dtype: torch.dtype,
) -> str:
    state = {key: value.detach().cpu().to(dtype).contiguous() for key, value in weights.items()}
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"weight {key} is not finite in {dtype}: nothing was written")
    target = Path(path)
    with atomic_write(target) as temporary:
        save_file(state, temporary, metadata)
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        temporary.chmod(0o644)  # safetensors leaves it readable to its owner alone
    return digest
