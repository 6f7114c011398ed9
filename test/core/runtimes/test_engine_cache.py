# SPDX-License-Identifier: Apache-2.0
"""An engine file is used only if it is whole and made for exactly this."""

import contextlib
import json
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_json

from restoregan_core.runtimes.engine_cache import (
    EngineError,
    default_path,
    engine_directory,
    find_engine,
    keep_newest,
    manifest_path,
    verify_engine,
    write_engine,
)

KEY = {"runtime": "tensorrt", "weights": "abc", "shape": "1x64x64x3", "tensorrt": "11.0", "driver": "580.1"}


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / "front.engine"
    write_engine(path, KEY, lambda temporary: temporary.write_bytes(b"machine code"))
    return path


def test_what_was_written_is_found_whatever_its_name(engine):
    assert find_engine(engine.parent, KEY) == engine
    assert engine.read_bytes() == b"machine code"
    assert sorted(p.name for p in engine.parent.iterdir()) == ["front.engine", "front.engine.json"]


def test_manifest_says_what_the_engine_is_in_plain_json(engine):
    manifest = json.loads(manifest_path(engine).read_text())
    assert manifest["key"] == KEY
    assert manifest["bytes"] == 12
    assert len(manifest["sha256"]) == 64


@pytest.mark.parametrize("damage", [b"machine cod", b"machine cOde", b"", b"machine code and more"])
def test_truncated_or_altered_engine_is_refused_in_one_line(engine, damage):
    engine.write_bytes(damage)
    with pytest.raises(EngineError, match=r"front.engine is truncated or altered") as error:
        find_engine(engine.parent, KEY)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("entry", ["shape", "tensorrt", "driver"])
def test_engine_for_something_else_is_refused_with_both_values(engine, entry):
    with pytest.raises(EngineError, match=f"built for {entry} {KEY[entry]}, needed is another"):
        find_engine(engine.parent, {**KEY, entry: "another"})


def test_engine_of_other_weights_is_not_even_mentioned(engine):
    with pytest.raises(EngineError, match=r"no engine for these weights"):
        find_engine(engine.parent, {**KEY, "weights": "other"})


@pytest.mark.parametrize("manifest", ["", "{}", "[]", "null", '{"key": 3, "sha256": "x"}', None])
def test_engine_without_a_readable_manifest_is_refused(engine, manifest):
    if manifest is None:
        manifest_path(engine).unlink()
    else:
        manifest_path(engine).write_text(manifest)
    with pytest.raises(EngineError, match="no readable manifest"):
        verify_engine(engine, KEY)
    with pytest.raises(EngineError):
        find_engine(engine.parent, KEY)


def test_manifest_without_its_engine_is_refused(engine):
    engine.unlink()
    with pytest.raises(EngineError, match="does not exist"):
        find_engine(engine.parent, KEY)


def test_failed_write_leaves_the_old_engine_and_no_litter(engine):
    def fail(temporary):
        temporary.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_engine(engine, KEY, fail)
    assert find_engine(engine.parent, KEY).read_bytes() == b"machine code"
    assert len(list(engine.parent.iterdir())) == 2


def test_cache_is_where_xdg_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert engine_directory() == tmp_path / "restoregan"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert engine_directory() == tmp_path / ".cache" / "restoregan"


def test_file_name_tells_engines_apart(tmp_path):
    assert default_path(KEY, tmp_path) != default_path({**KEY, "driver": "1"}, tmp_path)


def test_only_the_newest_are_kept_and_other_files_stay(tmp_path):
    for i in range(4):
        path = tmp_path / f"openvino-{i}.engine"
        write_engine(path, {**KEY, "shape": str(i)}, lambda temporary: temporary.write_bytes(b"x"))
        os.utime(path, (i, i))
    (tmp_path / "tensorrt-1.engine").write_bytes(b"took minutes")
    keep_newest(tmp_path, "openvino", 2)
    names = {p.name for p in tmp_path.iterdir() if p.suffix == ".engine"}
    assert names == {"openvino-2.engine", "openvino-3.engine", "tensorrt-1.engine"}


def test_an_engine_in_use_is_kept_however_old_it_is(tmp_path):
    for i in range(3):
        path = tmp_path / f"openvino-{i}.engine"
        write_engine(path, {**KEY, "shape": str(i)}, lambda temporary: temporary.write_bytes(b"x"))
        os.utime(path, (i, i))
    used = tmp_path / "openvino-0.engine"
    verify_engine(used, {**KEY, "shape": "0"})
    keep_newest(tmp_path, "openvino", 1)
    assert [path for path in tmp_path.iterdir() if path.suffix == ".engine"] == [used]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_a_mutated_manifest_is_an_engine_error(tmp_path_factory, rng: random.Random) -> None:
    folder = tmp_path_factory.mktemp("engines")
    key, file = {"runtime": "openvino", "weights": "0" * 64}, folder / "a.engine"
    write_engine(file, key, lambda path: path.write_bytes(b"code") and None)
    manifest = manifest_path(file)
    manifest.write_bytes(mutated_json(json.loads(manifest.read_text()), rng))
    with contextlib.suppress(EngineError):
        verify_engine(file, key)
    with contextlib.suppress(EngineError):
        find_engine(folder, key)
