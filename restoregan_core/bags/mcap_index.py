# SPDX-License-Identifier: Apache-2.0
"""Whether an mcap file's index names all that the file holds: the format leaves that to the writer."""

from typing import Any


def index_leaves_out(reader: Any) -> bool:
    """Whether rosbags would leave out messages or types of an open bag, as it does without an error.

    Args:
        reader: an open `rosbags.rosbag2.Reader`. A storage without chunks, as sqlite3, is never indexed and read whole.
    """
    storages = getattr(reader.storage, "storages", [reader.storage])
    return any(getattr(storage, "chunks", []) and not _is_full(storage) for storage in storages)


def _is_full(storage: Any) -> bool:
    counts = [sum(chunk.channel_count.values()) for chunk in storage.chunks]
    found = sum(connection.msgcount for connection in storage.connections)
    untyped = [c for c in storage.connections if c.msgtype == "__schemaless__"]
    return (
        all(counts)
        and sum(counts) == found == storage.metadata.message_count
        and not any(connection.ext.serialization_format == "cdr" for connection in untyped)
    )
