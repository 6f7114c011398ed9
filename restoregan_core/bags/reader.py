# SPDX-License-Identifier: Apache-2.0
"""Reading bags of every make without a ROS install, damaged ones as far as they go.

rosbag2 (sqlite3, mcap; compressed by file or by message; split; with or without its metadata.yaml) and ROS 1 (.bag,
or converted to .mcap).
Each storage file is opened on its own by rosbags, and where that refuses (no footer, a cut-off page) read
from its start by ``salvage``: one broken file of a split bag costs no other one.
"""

import contextlib
import logging
import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from restoregan_core.bags.mcap_index import index_leaves_out
from restoregan_core.bags.recording_start import DAY_NS, recording_start
from restoregan_core.bags.salvage import has_write_ahead_log, salvage_mcap, salvage_sqlite
from restoregan_core.bags.types import Message, Storage, Topic, unpack_message

logger = logging.getLogger(__name__)

STORAGE_SUFFIXES = (".mcap", ".db3")
_OTHERS = "; images and videos are for `restoregan assess` and `restoregan restore`"


class BagError(ValueError):
    """Not a bag, or nothing of it can be read; the message names the file and what to do."""


@dataclass
class Bag:
    """An open bag; use it as a context manager."""

    path: Path
    storages: list[tuple[Path, Storage]]
    is_ros1: bool = False
    damage: list[str] = field(default_factory=list)
    """A line for everything that could not be read; grows while messages are read."""
    notes: list[str] = field(default_factory=list)
    """A line for everything that was left out on purpose."""
    expected_count: int | None = None
    """Messages that metadata.yaml promises; None without one."""
    _start_ns: int | None = None
    """Where the recording starts, if messages lie far before it."""
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> "Bag":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def topics(self) -> dict[str, Topic]:
        """Topics of all files, counts added up."""
        merged: dict[str, Topic] = {}
        for _, storage in self.storages:
            for topic in storage.topics:
                before = merged.get(topic.name)
                count = topic.count + (before.count if before else 0)
                definition = topic.definition or (before.definition if before else "")
                merged[topic.name] = replace(topic, definition=definition, count=count)
        return merged

    @property
    def start_ns(self) -> int:
        """Time of the recording's first message; 0 for an empty bag."""
        if self._start_ns is not None:
            return self._start_ns
        return min((s.start_ns for _, s in self.storages if s.topics and s.end_ns), default=0)

    @property
    def end_ns(self) -> int:
        """Time of the last message; 0 for an empty bag."""
        return max((s.end_ns for _, s in self.storages), default=0)

    def messages(
        self, topics: Collection[str], start_s: float = 0.0, end_s: float | None = None
    ) -> Iterator[Message]:
        """Messages of these topics, file by file; seconds count from the bag's start, the end is excluded."""
        start_ns = self.start_ns + round(start_s * 1e9) if start_s else self._start_ns
        stop_ns = None if end_s is None else self.start_ns + round(end_s * 1e9)
        for file, storage in self.storages:
            count = 0
            try:
                for message in storage.messages(topics, start_ns, stop_ns):
                    count += 1
                    if 0 <= message.time_ns < 2**63:
                        yield message
                    else:
                        self._note(f"{file.name}: messages before 1970 or after 2262 are left out")
            except Exception as error:  # corrupt bytes surface as anything, from struct.error to apsw.Error
                self._note(f"{file.name}: broke off after {count} messages ({type(error).__name__}: {error})")

    def first_message(self, topic: str) -> Message | None:
        """A topic's first message, even one that lies before the recording's start: such as its intrinsics."""
        for _, storage in self.storages:
            with contextlib.suppress(Exception):  # corrupt bytes: ``messages`` notes them
                for message in storage.messages([topic], None, None):
                    return message
        return None

    def put_early_messages_aside(self) -> None:
        """Let the recording start where it does, whatever was stamped before the clock was set."""
        try:
            start_ns, count = recording_start([storage for _, storage in self.storages])
        except Exception as error:  # corrupt bytes surface as anything: read as it is
            logger.info("where %s starts is not known (%s)", self.path, error)
            return
        if count:
            days = (start_ns - self.start_ns) / DAY_NS
            self._start_ns = start_ns
            self.note(
                f"{count} messages lie {days:.0f} days before all others, as before a clock is set: put aside"
            )

    def note(self, line: str) -> None:
        """Remember what was left out on purpose."""
        if line not in self.notes:
            self.notes.append(line)

    def _note(self, line: str) -> None:
        if line not in self.damage:  # messages may be read more than once
            self.damage.append(line)
            logger.warning("%s", line)


def open_bag(path: Path, scratch: Path | None = None) -> Bag:
    """Open a folder with storage files, or one .mcap, .db3 or .bag file.

    Args:
        path: the bag.
        scratch: where files compressed as a whole are unpacked; None: the system's temporary folder.

    Raises:
        BagError: no such path, no storage files in it, or none of them can be read at all.
    """
    path = Path(path)
    check_is_bag(path)
    if path.suffix == ".bag":
        return _open_ros1(path)
    files, bag = _storage_files(path)
    for file in files:
        opened = _open_storage(file, bag, scratch)
        if opened is not None:
            bag.storages.append((file, opened))
            bag._closing.callback(opened.close)
    if not bag.storages:
        bag._closing.close()
        raise BagError(f"nothing of {path} can be read: {'; '.join(bag.damage)}")
    bag.is_ros1 = any(topic.serialization == "ros1" for topic in bag.topics.values())
    if not (path / "metadata.yaml").is_file():
        bag.storages.sort(key=lambda entry: entry[1].start_ns)
    found = sum(topic.count for topic in bag.topics.values())
    if bag.expected_count is not None and found < bag.expected_count:
        bag._note(
            f"{path.name}: metadata.yaml promises {bag.expected_count} messages, the files hold {found}"
        )
    bag.put_early_messages_aside()
    return bag


def is_bag(path: Path) -> bool:
    """Whether a file is a bag by its name, or a folder holds one."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file() or any(map(_is_bag_file, path.iterdir()))
    return _is_bag_file(path)


def _is_bag_file(path: Path) -> bool:
    return path.suffix == ".bag" or _storage_suffix(path) in STORAGE_SUFFIXES


def check_is_bag(path: Path) -> None:
    """A look at the path alone, before anything else is done for its sake.

    Raises:
        BagError: nothing is there, or not by its name a bag.
    """
    if not path.exists():
        raise BagError(f"no bag at {path}")
    if path.is_dir():
        if not any(_storage_suffix(file) in STORAGE_SUFFIXES for file in path.iterdir()):
            raise BagError(f"{path} does not hold an .mcap or .db3 file: name the folder that does{_OTHERS}")
    elif not _is_bag_file(path):
        raise BagError(f"{path} is not a bag: expected .mcap, .db3, .bag or a folder{_OTHERS}")


def _storage_files(path: Path) -> tuple[list[Path], Bag]:
    """Files in their order, and the bag that will hold them; a broken metadata.yaml counts as missing."""
    bag = Bag(path, [])
    if path.is_file():
        return [path], bag
    found = sorted(
        (file for file in path.iterdir() if _storage_suffix(file) in STORAGE_SUFFIXES), key=_natural_order
    )
    metadata_file = path / "metadata.yaml"
    listed: list[Path] = []
    if metadata_file.is_file():
        try:
            metadata = yaml.safe_load(metadata_file.read_text())["rosbag2_bagfile_information"]
            listed = [path / Path(name).name for name in metadata["relative_file_paths"]]
            bag.expected_count = int(metadata["message_count"])
        except Exception as error:
            bag._note(f"metadata.yaml cannot be read ({type(error).__name__}: {error}); going by the files")
    else:
        bag._note("metadata.yaml is missing; going by the files")
    for missing in (file for file in listed if not file.exists()):
        bag._note(f"{missing.name}: named by metadata.yaml, but missing")
    return [file for file in listed if file.exists()] or found, bag


def _storage_suffix(file: Path) -> str:
    return Path(file.stem).suffix if file.suffix == ".zstd" else file.suffix


def _natural_order(file: Path) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.name)]


def _open_storage(file: Path, bag: Bag, scratch: Path | None) -> Storage | None:
    suffix = _storage_suffix(file)
    if file.stat().st_size == 0 and not (suffix == ".db3" and has_write_ahead_log(file)):
        bag._note(f"{file.name}: is empty, 0 bytes; its recorder ended before it wrote anything")
        return None
    try:
        plain = _unpack(file, bag, scratch) if file.suffix == ".zstd" else file
    except Exception as error:
        bag._note(f"{file.name}: cannot be unpacked ({error})")
        return None
    reason = "its recorder was killed"
    if not (suffix == ".db3" and has_write_ahead_log(plain)):  # rosbags does not look at the log
        try:
            return _open_rosbag2(plain)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
    try:
        salvaged = salvage_mcap(plain) if suffix == ".mcap" else salvage_sqlite(plain)
    except Exception as error:
        bag._note(f"{file.name}: cannot be read ({reason}; {type(error).__name__}: {error})")
        return None
    if salvaged.broke_off:
        held = sum(topic.count for topic in salvaged.topics)
        bag._note(f"{file.name}: broken after {held} messages ({salvaged.broke_off}); read as far as it goes")
    return salvaged


def _unpack(file: Path, bag: Bag, scratch: Path | None) -> Path:
    import zstandard

    folder = bag._closing.enter_context(tempfile.TemporaryDirectory(dir=scratch, prefix="bag-"))
    target = Path(folder, file.stem)
    with file.open("rb") as source, target.open("wb") as sink:
        zstandard.ZstdDecompressor().copy_stream(source, sink)
    return target


def _open_rosbag2(file: Path) -> "_RosbagsStorage":
    """Raises what rosbags does for a file that is not whole, and ValueError for an mcap file without a full index."""
    from rosbags.rosbag2 import Reader

    storage = _RosbagsStorage(Reader(file), unpack_message)
    if file.suffix == ".mcap" and (not storage.reader.storage.chunks or index_leaves_out(storage.reader)):
        storage.close()
        raise ValueError("no full index")
    return storage


def _open_ros1(path: Path) -> Bag:
    from rosbags.rosbag1 import Reader

    try:
        storage = _RosbagsStorage(Reader(path))
    except Exception as error:
        raise BagError(
            f"{path} cannot be read ({error}): if it was cut off, run `rosbag reindex` on it first"
        ) from error
    bag = Bag(path, [(path, storage)], is_ros1=True)
    bag._closing.callback(storage.close)
    bag.put_early_messages_aside()
    return bag


class _RosbagsStorage:
    """A whole file, by a reader of rosbags; ``unpack`` gives a message's own bytes from those in the file."""

    is_sorted = True

    def __init__(self, reader: Any, unpack: Callable[[bytes], bytes] = lambda data: data) -> None:
        self.reader, self._unpack = reader, unpack
        reader.open()
        self.topics = [Topic(c.topic, c.msgtype, c.msgdef.data, c.msgcount) for c in reader.connections]
        is_empty = not reader.message_count
        self.start_ns = 0 if is_empty else reader.start_time
        self.end_ns = 0 if is_empty else reader.end_time

    def messages(
        self, topics: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        connections = [c for c in self.reader.connections if c.topic in topics]
        if not connections:
            return
        for connection, time_ns, data in self.reader.messages(connections, start_ns, stop_ns):
            yield Message(connection.topic, connection.msgtype, time_ns, self._unpack(data))

    def close(self) -> None:
        self.reader.close()
