# SPDX-License-Identifier: Apache-2.0
"""Writing the restored bag: part by part, each one whole, so that a kill costs at most the part in progress.

A rosbag2 may be split over files. ``DIR/bag`` is such a bag of mcap files at any time: a finished part is
moved there and metadata.yaml, which names the parts, is replaced in one step. In the end the parts become
one file, as viewers like it.
"""

import contextlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from restoregan_core.bags.reader import BagError, open_bag
from restoregan_core.files import write_text

REPORT_TYPE = "restoregan_ros/msg/RestorationReport"
METADATA_FILE = "metadata.yaml"
_METADATA_KEY = "rosbag2_bagfile_information"
_DEFINITION_FILE = Path(__file__).with_name("RestorationReport.msg")


def output_typestore() -> Any:
    """rosbags' ROS 2 types and RestorationReport."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(_DEFINITION_FILE.read_text(), REPORT_TYPE))
    return store


@dataclass(frozen=True)
class OutputMessage:
    """One message for the restored bag; ``data`` is CDR; ``definition`` of a type that rosbags lacks."""

    topic: str
    msgtype: str
    time_ns: int
    data: bytes | memoryview
    definition: str = ""


@dataclass
class BagParts:
    """A growing rosbag2."""

    folder: Path
    """Folder of the bag; created with the first part."""
    scratch: Path
    """Folder for the part in progress, on the same disk."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """The metadata of the parts that are there already, as ``parts`` of an earlier object had it."""
    version: int = 9
    """Version of rosbag2's format: 9 (Jazzy on) or 8 (Humble)."""
    _writer: Any = None
    _connections: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._store = output_typestore()
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.tidy()  # parts that were moved but never entered
        self._write_metadata()

    def tidy(self) -> None:
        """Delete what does not belong to the bag."""
        kept = {part["relative_file_paths"][0] for part in self.parts} | {METADATA_FILE}
        for file in self.folder.iterdir():
            if file.name not in kept:
                file.unlink()

    def write(self, message: OutputMessage) -> None:
        """Append to the part in progress."""
        if self._writer is None:
            self._writer = self._open_part(f"bag_{len(self.parts)}")
        connection = self._connections.get((message.topic, message.msgtype))
        if connection is None:
            connection = self._connections[message.topic, message.msgtype] = self._connect(message)
        self._writer.write(connection, message.time_ns, message.data)

    def finish_part(self) -> None:
        """Close the part in progress and enter it in the bag; nothing if there is none."""
        if self._writer is not None:
            self._enter([*self.parts, self._close_part()])

    def join(self) -> None:
        """Make one file of all parts; ``tidy`` then deletes them.

        Raises:
            OSError: no room for both on the disk, or a part cannot be read again; the bag stays as it is.
        """
        if len(self.parts) < 2:
            return
        try:
            self._writer = self._open_part("bag")
            with open_bag(self.folder) as bag:
                for message in bag.messages(list(bag.topics)):
                    text = bag.topics[message.topic].definition
                    self.write(
                        OutputMessage(message.topic, message.msgtype, message.time_ns, message.data, text)
                    )
                if bag.damage:
                    raise OSError("; ".join(bag.damage))
            joined = self._close_part()
        except BagError as error:
            self.abandon_part()
            raise OSError(str(error)) from error
        except OSError:
            self.abandon_part()
            raise
        self._enter([joined])

    def abandon_part(self) -> None:
        """Drop the part in progress."""
        writer, self._writer = self._writer, None
        self._connections.clear()
        if writer is not None:
            with contextlib.suppress(OSError):  # a full disk refuses the last buffered bytes as well
                writer.abort()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _close_part(self) -> dict[str, Any]:
        """Move the part in progress into the bag's folder; its metadata."""
        writer = self._writer
        writer.close()
        self._writer = None
        self._connections.clear()
        file = next(writer.path.glob("*.mcap"))
        part = yaml.safe_load((writer.path / METADATA_FILE).read_text())[_METADATA_KEY]
        file.replace(self.folder / file.name)
        shutil.rmtree(self.scratch)
        return part

    def _enter(self, parts: list[dict[str, Any]]) -> None:
        self.parts = parts
        self._write_metadata()

    def _open_part(self, name: str) -> Any:
        from rosbags.rosbag2 import StoragePlugin, Writer

        # The name of the mcap file is that of the folder.
        writer = Writer(
            self.scratch / name,
            version=self.version,  # type: ignore[arg-type]
            storage_plugin=StoragePlugin.MCAP,
        )
        writer.open()
        return writer

    def _connect(self, message: OutputMessage) -> Any:
        from rosbags.typesys import get_types_from_msg

        if message.definition and message.msgtype not in self._store.types:
            types = get_types_from_msg(message.definition, message.msgtype)
            self._store.register({k: v for k, v in types.items() if k not in self._store.types})
        return self._writer.add_connection(message.topic, message.msgtype, typestore=self._store)

    def _write_metadata(self) -> None:
        if not self.parts:
            (self.folder / METADATA_FILE).unlink(missing_ok=True)
            return
        text = yaml.safe_dump({_METADATA_KEY: _join(self.parts)}, sort_keys=False)
        write_text(self.folder / METADATA_FILE, text)


def _join(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One metadata of many parts."""
    starts = [part["starting_time"]["nanoseconds_since_epoch"] for part in parts]
    ends = [start + part["duration"]["nanoseconds"] for start, part in zip(starts, parts, strict=True)]
    topics: dict[tuple[str, str], dict[str, Any]] = {}
    for part in parts:
        for entry in part["topics_with_message_count"]:
            key = entry["topic_metadata"]["name"], entry["topic_metadata"]["type"]
            joined = topics.setdefault(key, {**entry, "message_count": 0})
            joined["message_count"] += entry["message_count"]
    return {
        **parts[0],
        "relative_file_paths": [path for part in parts for path in part["relative_file_paths"]],
        "files": [file for part in parts for file in part["files"]],
        "starting_time": {"nanoseconds_since_epoch": min(starts)},
        "duration": {"nanoseconds": max(ends) - min(starts)},
        "message_count": sum(part["message_count"] for part in parts),
        "topics_with_message_count": list(topics.values()),
    }


def as_bytes(buffer: Any) -> np.ndarray:
    """Anything with the buffer protocol as the uint8 array that rosbags serialises."""
    return np.frombuffer(buffer, np.uint8)
