# SPDX-License-Identifier: Apache-2.0
"""Checkpoints survive whatever interrupts their writing, and execute nothing."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, read_or_refused

from restoregan_core.training.checkpoint import load_checkpoint, save_checkpoint


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    state = {"step": 3, "rates": [0.1, 0.2], "critic": None, "weights": {"w": torch.rand(2, 3)}}
    save_checkpoint(state, tmp_path / "deep" / "last.pt")
    loaded = load_checkpoint(tmp_path / "deep" / "last.pt")
    assert torch.equal(loaded["weights"].pop("w"), state["weights"].pop("w"))  # type: ignore[union-attr]
    assert loaded.items() >= state.items()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["last.pt"]


_FILL = """
import resource, signal, sys
import torch
from pathlib import Path
from restoregan_core.training.checkpoint import save_checkpoint
path = Path(sys.argv[1])
save_checkpoint({"step": 1, "weights": torch.ones(1000)}, path)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save_checkpoint({"step": 2, "weights": torch.ones(1_000_000)}, path)
except OSError as error:
    print("refused:", error)
"""


def test_a_disk_without_room_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    """A real refusal of the kernel in the middle of the file, by a limit on its size."""
    path = tmp_path / "last.pt"
    run = subprocess.run([sys.executable, "-c", _FILL, str(path)], capture_output=True, text=True, check=True)
    assert "refused: [Errno" in run.stdout
    assert load_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_a_really_full_disk_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a file system of 256 kB cannot be mounted here: {mounted.stderr.strip()}")
    try:
        save_checkpoint({"step": 1, "weights": torch.ones(1000)}, disk / "last.pt")
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint({"step": 2, "weights": torch.ones(1_000_000)}, disk / "last.pt")
        assert load_checkpoint(disk / "last.pt")["step"] == 1
        assert [p.name for p in disk.iterdir()] == ["last.pt"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_damaged_and_other_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint({"weights": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(ValueError, match=r"last.pt is not a readable checkpoint"):
        load_checkpoint(path)
    torch.save({"generator": {}}, path)
    with pytest.raises(ValueError, match=r"last.pt is not a checkpoint of this version"):
        load_checkpoint(path)


def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return Path.touch, (tmp_path / "executed",)

    torch.save({"format": 1, "trap": Trap()}, tmp_path / "last.pt")
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path / "last.pt")
    assert not (tmp_path / "executed").exists()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_a_mutated_checkpoint_is_read_or_refused_by_name(tmp_path_factory, rng: random.Random) -> None:
    file = tmp_path_factory.getbasetemp() / "mutated.ckpt"
    save_checkpoint({"step": 3, "weight": torch.zeros(4, 4), "recipe": {"a": [1, "x"]}}, file)
    file.write_bytes(mutated_bytes(file.read_bytes(), rng))
    with read_or_refused("mutated.ckpt"):
        load_checkpoint(file)
