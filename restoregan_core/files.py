# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all, and where they may lie."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(
    path: Path, *, keep_suffix: bool = False, durable: bool = False, is_shared: bool = False
) -> Iterator[Path]:
    """Gives a path beside ``path`` to write to, and puts what lies there in its place when the block ends.

    What was at ``path`` stays until then, and stays for good if the block raises; nothing else is left behind.

    Args:
        path: its folder must exist.
        keep_suffix: for a writer that goes by the suffix; else the temporary file's is ``.part``, so that nobody who
            looks for files of a kind finds one that a killed process left unfinished.
        durable: wait until the content is on the disk, so that not even a power cut leaves half a file.
        is_shared: other processes may write ``path`` at the same moment: each writes to a temporary file of its own,
            and the last one's stays.
    """
    temporary = temporary_names(path, is_shared)[keep_suffix]
    temporary.unlink(missing_ok=True)  # were it a link, what is written would go where it leads
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_is_free(path: Path) -> None:
    """Raises FileExistsError where something lies at ``path``, and be it a link that leads nowhere."""
    if os.path.lexists(path):
        raise FileExistsError(f"{path} exists; nothing is overwritten: name another one")


def refuse_links(path: Path, below: Path) -> None:
    """Make sure that what is written to ``path`` stays in the folder that a user named.

    Args:
        path: of a file or folder in ``below`` or in its folders; need not exist.
        below: the folder that was named. It may be a link.

    Raises:
        ValueError: ``path``, or a folder on the way to it, is a link.
    """
    for part in (path, *path.parents):
        if part == below:
            return
        if part.is_symlink():
            raise ValueError(
                f"{part} is a link, and nothing is written out of {below}: remove the link, or name another folder"
            )


def remove(path: Path) -> None:
    """Remove a file, a folder with all that is in it, or nothing; of a link the link, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def temporary_names(path: Path, is_shared: bool = False) -> tuple[Path, Path]:
    """What ``atomic_write`` writes to and a killed process leaves behind: by default, and with ``keep_suffix``."""
    part = f"{os.getpid()}.part" if is_shared else "part"
    return path.with_name(f"{path.name}.{part}"), path.with_name(f".{path.stem}.{part}{path.suffix}")
