# SPDX-License-Identifier: Apache-2.0
"""Starting from a trained generator, and keeping parts of it as they are."""

import copy
from pathlib import Path

from restoregan_core.models.fit_history import fit_history
from restoregan_core.models.generator import Generator
from restoregan_core.training.checkpoint import load_checkpoint
from restoregan_core.zoo import load_generator


def load_start(generator: Generator, start_from: str) -> None:
    """Copy weights into ``generator`` from a model name, a ``.safetensors`` file or a checkpoint (its moving
    average, if it has one). Nothing happens for an empty name.

    Raises:
        ValueError: no such weights, or of a generator of another shape.
    """
    if not start_from:
        return
    if start_from.endswith(".pt"):
        if not Path(start_from).is_file():
            raise ValueError(f"transfer.start_from: no file {start_from!r}")
        checkpoint = load_checkpoint(Path(start_from))
        state = checkpoint["ema"] or checkpoint["generator"]
    else:
        state = load_generator(start_from).generator.state_dict()
    try:
        generator.load_state_dict(fit_history(state, generator))
    except RuntimeError as error:
        raise ValueError(f"transfer.start_from: {start_from!r} holds a generator of another shape") from error


def load_teacher(generator: Generator, keep: str) -> Generator | None:
    """The network whose answers to single images ``generator`` is to keep; None for an empty name.

    Raises:
        ValueError: no such weights.
    """
    if not keep:
        return None
    teacher = copy.deepcopy(generator)
    load_start(teacher, keep)
    return teacher.eval().requires_grad_(False)


def freeze(generator: Generator, parts: list[str]) -> None:
    """Stop training the named parts (see ``TransferConfig.freeze``)."""
    for part in parts:
        getattr(generator, part).requires_grad_(False)
