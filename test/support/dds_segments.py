# SPDX-License-Identifier: Apache-2.0
"""What a test's or benchmark's processes hold of Fast DDS' shared memory, and what they left when they were killed."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path("/dev/shm")
# Named fastrtps_ up to Fast DDS 2, fastdds_ since.
_OURS = re.compile(rf"{FOLDER}/(?:sem\.)?(fast(?:rtps|dds)_\w+?)(?:_el|_mutex)?$", re.MULTILINE)
_known: set[str] = set()


def held_by(process: int | str = "self") -> set[str]:
    """Names of the segments and ports that a process has mapped or open; none once it has ended."""
    try:
        maps = Path("/proc", str(process), "maps").read_text()
    except OSError:  # it has ended
        return set()
    return set(_OURS.findall("\n".join([maps, *_opened_by(process)])))


def made_by(process: int | str = "self") -> set[str]:
    """Names of the segments that a process has made: it keeps their lock files open, which no other one does.

    Ports are left out: they have numbers, which the next process may take at once.
    """
    locks = (
        re.fullmatch(rf"{FOLDER}/(fast(?:rtps|dds)_(?!port)\w+)_el", file) for file in _opened_by(process)
    )
    return {lock[1] for lock in locks if lock}


def _opened_by(process: int | str) -> Iterator[str]:
    """Files that a process has open; one that it closes meanwhile is left out, not all of them."""
    with contextlib.suppress(OSError):  # it has ended
        for descriptor in Path("/proc", str(process), "fd").iterdir():
            with contextlib.suppress(OSError):
                yield os.readlink(descriptor)


def ports_of(process: int | str = "self") -> list[str]:
    """Ports that a process has mapped, each with its inode; one that was unlinked meanwhile is marked as deleted."""
    maps = Path("/proc", str(process), "maps").read_text().splitlines()
    found = {
        line.split(maxsplit=5)[5] + " inode " + line.split()[4] for line in maps if "fastrtps_port" in line
    }
    return sorted(entry.removeprefix(f"{FOLDER}/fastrtps_") for entry in found)


def remember(process: int | str = "self") -> set[str]:
    """Note what a process of ours holds while it lives, so that ``remove_left`` knows it; returns all of it."""
    held = held_by(process)
    _known.update(held)
    return held


def end(child: subprocess.Popen) -> None:
    """End a child by SIGINT, upon which a node takes its shared memory with it; kill it where that does nothing."""
    if child.poll() is None:
        remember(child.pid)
        child.send_signal(signal.SIGINT)
        try:
            child.wait(20)  # long, for a machine under load
        except subprocess.TimeoutExpired:
            kill(child)


def kill(child: subprocess.Popen) -> None:
    """End a child by SIGKILL, upon which its shared memory stays; ``remove_left`` removes it."""
    remember(child.pid)
    child.kill()
    child.wait()


def left(*, is_ending: bool = False) -> set[str]:
    """Of what our processes held, that which is still there and which no process holds any more.

    Args:
        is_ending: this process is about to end: it does not count, and what it holds is ours, too.
    """
    if is_ending:
        remember()
    there = {name for name in _known if (FOLDER / name).exists()}
    if there:
        others = (entry.name for entry in Path("/proc").glob("[0-9]*") if entry.name != str(os.getpid()))
        there -= set().union(*map(held_by, others))
    return there if is_ending else there - held_by()


def remove_left(*, is_ending: bool = False) -> None:
    """Remove what our processes left behind, and nothing else; ``is_ending`` as in ``left``."""
    for name in left(is_ending=is_ending):
        for file in (name, f"{name}_el", f"sem.{name}_mutex"):
            (FOLDER / file).unlink(missing_ok=True)
