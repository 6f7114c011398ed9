# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: written whole or not at all, read without executing anything."""

import io
from pathlib import Path
from typing import Any

import torch

from restoregan_core.files import atomic_write

FORMAT = 1


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` to ``path`` atomically: what was there stays until all of the new file is on the disk.

    Raises:
        OSError: no space, no permission; ``path`` is then as it was.
    """
    # Into memory first: torch's own writer turns a full disk into a RuntimeError without its cause.
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, durable=True) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint of ``save_checkpoint`` onto ``device``, with ``weights_only=True``.

    Raises:
        ValueError: not a checkpoint, a damaged one, or of another version.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch.load raises what the file makes it raise
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise ValueError(f"{path} is not a readable checkpoint ({reason}): remove it") from error
    version = state.get("format") if isinstance(state, dict) else None
    if type(version) is not int or version != FORMAT:
        raise ValueError(f"{path} is not a checkpoint of this version of restoregan")
    if "average" in state:  # what ``ema`` was called at first
        state["ema"] = state.pop("average")
    return state
