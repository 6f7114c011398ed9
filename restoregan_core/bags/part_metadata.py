# SPDX-License-Identifier: Apache-2.0
"""What must be known of each part of a rosbag2 for one metadata.yaml of all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoregan_core.documents import build


@dataclass(frozen=True)
class _Start:
    nanoseconds_since_epoch: int


@dataclass(frozen=True)
class _Duration:
    nanoseconds: int


@dataclass(frozen=True)
class _TopicMetadata:
    name: str
    type: str


@dataclass(frozen=True)
class _Topic:
    topic_metadata: _TopicMetadata
    message_count: int


@dataclass(frozen=True)
class _Part:
    relative_file_paths: list[str]
    files: list[Any]
    starting_time: _Start
    duration: _Duration
    message_count: int
    topics_with_message_count: list[_Topic]


def check_part(part: dict[str, Any], folder: Path, what: str) -> None:
    """Whether this is the metadata of a part, and its files lie in ``folder``.

    Raises:
        ValueError: it is not, or one is missing; the message begins with ``what``.
    """
    names = build(_Part, part, what, only_known=False).relative_file_paths
    if not names:
        raise ValueError(f"{what} does not name a file")
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise ValueError(f"{what}: {name[:80]!r} is not a file of {folder}")
