# SPDX-License-Identifier: Apache-2.0
"""Weights and metadata in a safetensors file: read without pickle and without torch, written whole."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from restoregan_core.files import atomic_write
from restoregan_core.models.lazy_network import Weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class LostWeightsError(ValueError):
    """A weights file that was loaded is not there any more as it was; the message is one line with the remedy."""


def read_weights(path: Path) -> tuple[Weights, dict[str, str], str]:
    """Weights as they are stored, metadata, SHA-256.

    Raises:
        ValueError: it cannot be read, or is not a safetensors file.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            names = list(file.keys())
            try:
                weights = {name: file.get_tensor(name) for name in names}
            except (TypeError, AttributeError):  # NumPy has neither bfloat16 nor float8
                weights = _read_by_torch(path, names)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error
    return weights, metadata, digest


def weights_of_the_same_file(path: Path, digest: str, chosen: Callable[[Weights], Weights]) -> Weights:
    """What ``chosen`` takes from the weights of a file that was read before.

    Raises:
        LostWeightsError: it is gone or damaged, or its SHA-256 is not ``digest`` any more.
    """
    remedy = "put the same file back, or start again with what is there"
    try:
        weights, _, found = read_weights(path)
    except ValueError as error:
        raise LostWeightsError(f"{error}; it was loaded before: {remedy}") from error
    if found != digest:
        raise LostWeightsError(f"{path} has changed since it was loaded: {remedy}")
    return chosen(weights)


def _read_by_torch(path: Path, names: list[str]) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name).float().numpy() for name in names}


def write_weights(
    weights: "Mapping[str, Tensor]",
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    dtype: "torch.dtype | None" = None,
) -> str:
    """Write them atomically; return the file's SHA-256.

    Args:
        dtype: of the weights in the file; float16 if None.

    Raises:
        ValueError: a weight is not finite in ``dtype``.
    """
    import torch
    from safetensors.torch import save_file

    dtype = dtype or torch.float16
    state = {key: value.detach().cpu().to(dtype).contiguous() for key, value in weights.items()}
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"weight {key} is not finite in {dtype}: nothing was written")
    target = Path(path)
    with atomic_write(target) as temporary:
        save_file(state, temporary, metadata)
        _sort_metadata(temporary)
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        temporary.chmod(0o644)  # safetensors leaves it readable to its owner alone
    return digest


def _sort_metadata(path: Path) -> None:
    """Make a file's digest tell its content: safetensors writes metadata in an order that changes from call to call."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight bytes
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
