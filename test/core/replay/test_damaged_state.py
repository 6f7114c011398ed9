# SPDX-License-Identifier: Apache-2.0
"""A replay goes on from what an earlier run left, or starts over with one line where that is damaged."""

import logging
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, mutated_json, read_or_refused

from restoregan_core.replay.report_file import read_report
from restoregan_core.replay.state import ReplayFolder, ReplayState
from restoregan_core.replay.table import Frames, write_rows

SETTINGS = {"bag": "x"}


def unfinished(path: Path) -> tuple[ReplayFolder, ReplayState]:
    folder = ReplayFolder(path)
    state = folder.open(SETTINGS)
    write_rows([{"index": i, "camera": "front"} for i in range(3)], folder.rows / "rows_0.parquet")
    state.memory = folder.save_memory({"gate front": np.zeros((2, 2), np.int64)}, 3)
    state.frames_done, state.row_parts = 3, ["rows_0.parquet"]
    folder.save(state)
    return folder, state


def test_what_is_whole_is_gone_on_from(tmp_path: Path) -> None:
    folder, state = unfinished(tmp_path / "out")
    assert folder.open(SETTINGS) == state


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: f.checkpoint.write_text("{"),
        lambda f: f.checkpoint.write_text("[1]"),
        lambda f: f.checkpoint.write_text('{"settings": {}, "unknown": 1}'),
        lambda f: f.checkpoint.write_text(f.checkpoint.read_text().replace('"rows_0.parquet"', '"../x"')),
        lambda f: f.checkpoint.write_text(f.checkpoint.read_text().replace('"parts": []', '"parts": [{}]')),
        lambda f: (f.rows / "rows_0.parquet").unlink(),
        lambda f: (f.rows / "rows_0.parquet").write_bytes(b"PAR1"),
        lambda f: (f.work / "memory_3.npz").unlink(),
        lambda f: (f.work / "memory_3.npz").write_bytes(b"PK"),
    ],
)
def test_a_damaged_one_starts_over_with_one_line(tmp_path: Path, damage, caplog) -> None:
    folder, _ = unfinished(tmp_path / "out")
    damage(folder)
    with caplog.at_level(logging.WARNING):
        state = folder.open(SETTINGS)
    assert state == ReplayState(SETTINGS)
    assert [record.getMessage().endswith("starting over") for record in caplog.records] == [True]
    assert not list(folder.rows.iterdir())


def test_a_finished_one_whose_table_is_damaged_starts_over(tmp_path: Path) -> None:
    folder, state = unfinished(tmp_path / "out")
    (folder.rows / "rows_0.parquet").replace(folder.frames)
    state.is_complete, state.memory = True, ""
    folder.save(state)
    assert folder.open(SETTINGS) == state
    folder.frames.write_bytes(folder.frames.read_bytes()[:-9])
    assert folder.open(SETTINGS) == ReplayState(SETTINGS)


def test_starting_over_never_removes_what_no_replay_wrote(tmp_path: Path) -> None:
    folder, _ = unfinished(tmp_path / "out")
    mine, linked = folder.path / "notes.txt", tmp_path / "elsewhere"
    mine.write_text("mine")
    linked.mkdir()
    (linked / "picture.png").write_text("mine")
    folder.images.symlink_to(linked)
    folder.report_json.with_name("report.json.part").write_text("of a run that was killed")
    folder.checkpoint.write_text("{")
    with pytest.raises(ValueError, match=r"checkpoint\.json.*notes\.txt was not written by a replay"):
        folder.open(SETTINGS)
    assert folder.checkpoint.read_text() == "{"

    assert folder.open(SETTINGS, overwrite=True) == ReplayState(SETTINGS)
    assert {path.name for path in folder.path.iterdir()} == {"notes.txt", "work"}
    assert mine.read_text() == (linked / "picture.png").read_text() == "mine"


@pytest.mark.parametrize("name", ["bag", "clips", "images", "work", "images/1.jpg", "work/reserve"])
def test_nothing_is_written_or_removed_through_a_link(tmp_path: Path, name: str) -> None:
    folder, state = unfinished(tmp_path / "out")
    elsewhere, link = tmp_path / "elsewhere", folder.path / name
    if name == "work":  # of which the link gives another one
        folder.work.rename(elsewhere)
    else:
        elsewhere.mkdir()
        link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    with pytest.raises(ValueError, match=rf"{link} is a link"):
        folder.open(SETTINGS)
    assert sorted(elsewhere.rglob("*")) == before
    link.unlink()
    if name == "work":
        elsewhere.rename(folder.work)
    assert folder.open(SETTINGS) == state


def test_a_link_in_the_place_of_the_work_folder_of_an_empty_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/work").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="work is a link"):
        ReplayFolder(tmp_path / "out").open(SETTINGS)
    assert not list((tmp_path / "elsewhere").iterdir())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_no_mutation_of_a_checkpoint_or_its_files_ends_a_replay(tmp_path_factory, rng: random.Random) -> None:
    folder, state = unfinished(tmp_path_factory.mktemp("mutated") / "out")
    file = rng.choice([folder.checkpoint, folder.rows / "rows_0.parquet", folder.work / state.memory])
    is_json = file == folder.checkpoint
    file.write_bytes(mutated_json(vars(state), rng) if is_json else mutated_bytes(file.read_bytes(), rng))
    with read_or_refused("other settings"):
        folder.open(SETTINGS)


def test_a_damaged_table_is_named_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "frames.parquet"
    for content in (None, b"", b"PAR1PAR1"):
        if content is not None:
            file.write_bytes(content)
        for read in (len, lambda f: f.column("index"), lambda f: list(f.rows("index"))):
            with pytest.raises(ValueError, match=r"frames\.parquet cannot be read .*--overwrite"):
                read(Frames(file))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_a_mutated_report_is_read_or_refused(tmp_path_factory, rng: random.Random) -> None:
    file = tmp_path_factory.getbasetemp() / "report.json"
    tree = {
        "replay": {"is_complete": True, "damage": []},
        "verdict": {"headline": "x"},
        "frames": {"count": 1},
    }
    file.write_bytes(mutated_json(tree, rng))
    with read_or_refused(f"{file}"):
        report = read_report(file)
        assert report is not None
        assert isinstance(report["replay"]["is_complete"], bool)
