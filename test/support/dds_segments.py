# SPDX-License-Identifier: Apache-2.0
"""What processes of a test hold of Fast DDS' shared memory, and what they left behind when they were killed."""

import os
import re
from pathlib import Path

FOLDER = Path("/dev/shm")
# Named fastrtps_ up to Fast DDS 2, fastdds_ since.
_OURS = re.compile(rf"{FOLDER}/(?:sem\.)?(fast(?:rtps|dds)_\w+?)(?:_el|_mutex)?$", re.MULTILINE)
_known: set[str] = set()


def held_by(process: int | str = "self") -> set[str]:
    """Names of the segments and ports that a process has mapped or open; none once it has ended."""
    folder = Path("/proc", str(process))
    try:
        held = (folder / "maps").read_text() + "\n"
        held += "\n".join(os.readlink(opened) for opened in (folder / "fd").iterdir())
    except OSError:  # it has ended, or a file was closed meanwhile
        return set()
    return set(_OURS.findall(held))


def ports_of(process: int | str = "self") -> list[str]:
    """Ports that a process has mapped, each with its inode; one that was unlinked meanwhile is marked as deleted."""
    maps = Path("/proc", str(process), "maps").read_text().splitlines()
    found = {
        line.split(maxsplit=5)[5] + " inode " + line.split()[4] for line in maps if "fastrtps_port" in line
    }
    return sorted(entry.removeprefix(f"{FOLDER}/fastrtps_") for entry in found)


def remember(process: int) -> set[str]:
    """Note what a child holds while it lives, so that ``remove_left`` knows it as ours; returns all of it."""
    held = held_by(process)
    _known.update(held)
    return held


def left() -> set[str]:
    """Of what our children held, that which is still there and which no process holds any more."""
    there = {name for name in _known if (FOLDER / name).exists()}
    if there:
        there -= set().union(*(held_by(entry.name) for entry in Path("/proc").glob("[0-9]*")))
    return there


def remove_left() -> None:
    """Remove what our children left behind, and nothing else."""
    for name in left():
        for file in (name, f"{name}_el", f"sem.{name}_mutex"):
            (FOLDER / file).unlink(missing_ok=True)
