# SPDX-License-Identifier: Apache-2.0
"""Whether a replay's checkpoint, and all that it names, can be gone on from."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from restoregan_core.bags.part_metadata import check_part
from restoregan_core.documents import build, parse_json
from restoregan_core.replay.table import count_rows

if TYPE_CHECKING:
    from restoregan_core.replay.state import ReplayFolder, ReplayState


def read_checkpoint(folder: "ReplayFolder", kind: "type[ReplayState]") -> "ReplayState":
    """The state of a replay, after a look at each file that it needs to go on, or to be summed up.

    Raises:
        ValueError: something is damaged or missing; the message says what.
    """
    what = f"{folder.checkpoint}"
    state = build(kind, parse_json(folder.checkpoint.read_bytes(), what), what)
    if state.is_complete:
        _check_count(count_rows(folder.frames) if state.frames_done else 0, state.frames_done, folder.frames)
        return state
    for number, part in enumerate(state.parts):
        check_part(part, folder.bag, f"{what}: parts[{number}]")
    rows = sum(count_rows(_inside(folder.rows, name, what)) for name in state.row_parts)
    _check_count(rows, state.frames_done, folder.rows)
    if bool(state.memory) != bool(state.frames_done):
        raise ValueError(f"{what}: {state.frames_done} frames are done, but memory is {state.memory!r}")
    if state.memory:
        _check_arrays(_inside(folder.work, state.memory, what))
    return state


def _inside(folder: Path, name: str, what: str) -> Path:
    if Path(name).name != name:
        raise ValueError(f"{what}: {name[:80]!r} is not a file name")
    return folder / name


def _check_count(rows: int, frames_done: int, where: Path) -> None:
    if rows != frames_done:
        raise ValueError(f"{where} has {rows} rows, the checkpoint promises {frames_done}")


def _check_arrays(file: Path) -> None:
    try:
        with np.load(file) as arrays:
            for name in arrays.files:
                arrays[name]  # a checksum guards each
    except Exception as error:  # zipfile and NumPy raise nearly anything for damaged bytes
        raise ValueError(f"{file} cannot be read ({type(error).__name__}: {error})") from error
