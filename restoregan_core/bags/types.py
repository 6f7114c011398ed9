# SPDX-License-Identifier: Apache-2.0
"""What the readers of bags hand on: topics, messages, and what one storage file must offer."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Topic:
    """One topic of a bag. ``definition`` is the message's text as recorded ("" where there is none).

    ``serialization`` is ``cdr`` (ROS 2), ``ros1``, or what else an mcap file names: ``protobuf``, ``json``.
    """

    name: str
    msgtype: str
    definition: str = ""
    count: int = 0
    serialization: str = "cdr"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as recorded: CDR bytes (ROS 1: its own serialisation)."""

    topic: str
    msgtype: str
    time_ns: int
    data: bytes


class Storage(Protocol):
    """One file of a bag."""

    topics: list[Topic]
    start_ns: int
    end_ns: int
    is_sorted: bool
    """Whether messages come in order of time."""

    def messages(
        self, topics: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """In order of time where the file has an index, else of recording."""
        ...

    def close(self) -> None: ...


def unpack_message(data: bytes) -> bytes:
    """Undo rosbag2's compression by message. CDR starts with a zero byte, so zstd's magic is unmistakable."""
    if data[:4] != ZSTD_MAGIC:
        return data
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress(data)
