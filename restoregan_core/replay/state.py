# SPDX-License-Identifier: Apache-2.0
"""What a replay must remember to go on after a kill: a checkpoint after every part of the restored bag."""

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.bags.part_metadata import check_part
from restoregan_core.documents import build, parse_json
from restoregan_core.files import refuse_links, remove, temporary_names, write_text
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.replay.table import count_rows

PipelineArrays = dict[str, npt.NDArray[Any]]
"""What ``RestorationPipeline.state`` gives."""

logger = logging.getLogger(__name__)


@dataclass
class ReplayState:
    """Where a replay stands. Written in one step after the part's bag file and rows are on disk."""

    settings: dict[str, Any]
    """What decides about pixels; another set in the same folder is refused."""
    frames_done: int = 0
    parts: list[dict[str, Any]] = field(default_factory=list)
    """Metadata of the bag's parts."""
    row_parts: list[str] = field(default_factory=list)
    memory: str = ""
    """Name of the file with the pipeline's memory after these frames; "" before the first part ends."""
    is_complete: bool = False
    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What of the bag was left out on purpose."""
    stopped: str = ""
    """Why it ended early; "" if it did not."""
    wall_s: float = 0.0
    """Time spent, over all runs."""


@dataclass(frozen=True)
class ReplayFolder:
    """Names of everything in a replay's output folder."""

    path: Path

    @property
    def bag(self) -> Path:
        return self.path / "bag"

    @property
    def frames(self) -> Path:
        return self.path / "frames.parquet"

    @property
    def report_json(self) -> Path:
        return self.path / "report.json"

    @property
    def report_html(self) -> Path:
        return self.path / "report.html"

    @property
    def junit(self) -> Path:
        return self.path / "junit.xml"

    @property
    def clips(self) -> Path:
        return self.path / "clips"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def work(self) -> Path:
        """Kept until the replay is complete."""
        return self.path / "work"

    @property
    def rows(self) -> Path:
        return self.work / "rows"

    @property
    def scratch(self) -> Path:
        return self.work / "scratch"

    @property
    def reserve(self) -> Path:
        """Space that is freed when the disk is full, so that what was done can be summed up."""
        return self.work / "reserve"

    @property
    def checkpoint(self) -> Path:
        return self.work / "checkpoint.json"

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other replays out of the folder; the claim of a process that is killed ends with it.

        Raises:
            ValueError: another replay is at work in it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ValueError(
                f"another replay is at work in {self.path}: wait for it or name another folder"
            ) from None
        except OSError as error:  # a network's file system may not know claims
            logger.debug("%s cannot be claimed: %s", self.path, error)
        try:
            yield
        finally:
            os.close(descriptor)

    def save_memory(self, memory: PipelineArrays, frames_done: int) -> str:
        """Write it beside the one before, which the checkpoint still names; returns its name."""
        name = f"memory_{frames_done}.npz"
        np.savez(self.work / name, **memory)  # type: ignore[arg-type]
        return name

    def give_memory(self, state: ReplayState, pipeline: RestorationPipeline) -> None:
        """Let the pipeline go on from where the replay stands."""
        if not state.memory:
            pipeline.load_state({})
            return
        with np.load(self.work / state.memory) as arrays:
            pipeline.load_state(arrays)

    def save(self, state: ReplayState) -> None:
        """Replace the checkpoint."""
        write_text(self.checkpoint, json.dumps(vars(state)))
        for path in self.work.glob("memory_*.npz"):
            if path.name != state.memory:
                path.unlink()

    def _readable_state(self) -> ReplayState | None:
        """Of an earlier run; where that is damaged, nothing of it is kept."""
        try:
            return read_checkpoint(self)
        except ValueError as error:
            if others := self._files_of_others():
                raise ValueError(
                    f"{error}, and {others[0]} was not written by a replay: name another folder, or --overwrite, which"
                    " removes only what a replay wrote"
                ) from error
            logger.warning("%s: starting over", error)
            self._clear()
            return None

    def _entries(self) -> list[Path]:
        """What a replay writes into its folder, the checkpoint's folder last."""
        files = [self.frames, self.report_json, self.report_html, self.junit]
        unfinished = [name for file in files for name in temporary_names(file)]
        return [self.bag, self.clips, self.images, *files, *unfinished, self.work]

    def _files_of_others(self) -> list[Path]:
        known = {path.name for path in self._entries()}
        return sorted(path for path in self.path.iterdir() if path.name not in known)

    def _clear(self) -> None:
        """Remove what a replay wrote and nothing else; a link is removed, not what it leads to."""
        for path in self._entries():
            remove(path)

    def _refuse_links(self) -> None:
        """Of files beside them, a link is replaced by what is written; in these folders it would be followed."""
        for folder in (self.bag, self.clips, self.images, self.work):
            for path in (folder, *_below(folder)):
                refuse_links(path, below=self.path)

    def open(self, settings: dict[str, Any], overwrite: bool = False) -> ReplayState:
        """Start over, or go on where an earlier run of the same settings ended, unless what it left is damaged.

        Raises:
            ValueError: the folder holds something else, or a link that would lead out of it.
        """
        was_replay = self.checkpoint.is_file()
        if was_replay and overwrite:
            self._clear()
        elif was_replay and (state := self._readable_state()):
            differing = [key for key in settings if state.settings.get(key) != settings[key]]
            if differing:
                changes = "; ".join(
                    f"{key} was {state.settings.get(key)!r}, is {settings[key]!r}" for key in differing
                )
                raise ValueError(
                    f"{self.path} holds a replay of other settings ({changes}):"
                    " name another folder, or --overwrite"
                )
            self._refuse_links()
            return state
        for entry in self.path.iterdir() if self.path.is_dir() and not was_replay else ():
            if entry != self.work:
                raise ValueError(f"{self.path} holds {entry.name}, but no replay: name another folder")
        self._refuse_links()
        self.rows.mkdir(parents=True, exist_ok=True)
        state = ReplayState(settings)
        self.save(state)
        return state


def read_checkpoint(folder: ReplayFolder) -> ReplayState:
    """The state of a replay, after a look at each file that it needs to go on, or to be summed up.

    Raises:
        ValueError: something is damaged or missing; the message says what.
    """
    what = f"{folder.checkpoint}"
    state = build(ReplayState, parse_json(folder.checkpoint.read_bytes(), what), what)
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


def _below(folder: Path) -> Iterator[Path]:
    """Everything in a folder and its folders; links are not followed."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


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
