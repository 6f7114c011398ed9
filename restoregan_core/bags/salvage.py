# SPDX-License-Identifier: Apache-2.0
"""What is left of storage files that their usual readers refuse: cut off, without an index, of an unknown profile.

Both kinds are read from the start, as far as they go. Bags are written front to back, so that is all that
was recorded before the power went.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from restoregan_core.bags.types import Message, Topic, unpack_message

_Raw = tuple[str, str, str, int, bytes]
"""topic, msgtype, serialization, time in nanoseconds, bytes"""
_MAX_RECORD_BYTES = 2**30  # garbage where a length should be must not ask for all memory


class SalvagedStorage:
    """A file that was scanned once to the point where it breaks.

    Attributes:
        broke_off: why reading ended there; "" where the file is whole after all.
    """

    is_sorted = False

    def __init__(self, scan: Callable[[], Iterator[_Raw]], definitions: Callable[[], dict[str, str]]) -> None:
        self._scan = scan
        counts: Counter[tuple[str, str, str]] = Counter()
        times = [2**63, 0]
        self.broke_off = ""
        try:
            for topic, msgtype, serialization, time_ns, _ in scan():
                counts[topic, msgtype, serialization] += 1
                times = [min(times[0], time_ns), max(times[1], time_ns + 1)]
        except Exception as error:
            self.broke_off = f"{type(error).__name__}: {error}"
        if not counts and self.broke_off:
            raise ValueError(f"no message before it breaks: {self.broke_off}")
        self._readable = sum(counts.values())
        texts = definitions()
        self.topics: list[Topic] = [
            Topic(topic, msgtype, texts.get(msgtype, ""), count, serialization)
            for (topic, msgtype, serialization), count in counts.items()
        ]
        self.start_ns, self.end_ns = times if counts else (0, 0)

    def messages(
        self, topics: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """In the order in which they were recorded."""
        for number, (topic, msgtype, _, time_ns, data) in enumerate(self._scan(), 1):
            is_inside = (start_ns is None or time_ns >= start_ns) and (stop_ns is None or time_ns < stop_ns)
            if topic in topics and is_inside:
                yield Message(topic, msgtype, time_ns, unpack_message(data))
            if number == self._readable:  # the rest broke in the first scan, and was noted
                return

    def close(self) -> None:
        """Nothing stays open between scans."""


def salvage_mcap(file: Path) -> SalvagedStorage:
    """Read an mcap file record by record, without its index.

    Raises:
        ValueError: not a single message can be read.
    """
    definitions: dict[str, str] = {}

    def scan() -> Iterator[_Raw]:
        from mcap import records
        from mcap.stream_reader import StreamReader

        schemas: dict[int, str] = {}
        channels: dict[int, tuple[str, str, str]] = {}
        with file.open("rb") as stream:
            reader = StreamReader(stream, validate_crcs=True, record_size_limit=_MAX_RECORD_BYTES)
            for record in reader.records:
                if isinstance(record, records.Schema):
                    schemas[record.id] = name = _ros2_name(record.name, record.encoding)
                    if record.encoding in ("ros1msg", "ros2msg"):
                        definitions[name] = record.data.decode(errors="replace")
                elif isinstance(record, records.Channel):
                    channels[record.id] = (
                        record.topic, schemas.get(record.schema_id, ""), record.message_encoding
                    )  # fmt: skip
                elif isinstance(record, records.Message) and record.channel_id in channels:
                    yield *channels[record.channel_id], record.log_time, record.data

    return SalvagedStorage(scan, lambda: definitions)


def _ros2_name(name: str, schema_encoding: str) -> str:
    """A bag of ROS 1 that was converted to mcap keeps ROS 1's names: sensor_msgs/Image."""
    package, _, message = name.partition("/")
    return f"{package}/msg/{message}" if schema_encoding == "ros1msg" else name


def has_write_ahead_log(file: Path) -> bool:
    """Whether a database's last messages lie beside it: its recorder was killed before it moved them over."""
    log = file.with_name(f"{file.name}-wal")
    return log.is_file() and log.stat().st_size > 0


def salvage_sqlite(file: Path) -> SalvagedStorage:
    """Read a rosbag2 database in the order of its rows, with those in its write-ahead log.

    Raises:
        ValueError: not a single message can be read.
    """
    # Without a log nothing is written beside the file, and a folder that is read-only will do.
    mode = "mode=ro" if has_write_ahead_log(file) else "immutable=1"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True)
        # Without it SQLite refuses a database that is shorter than its header says, before reading a row.
        connection.execute("PRAGMA writable_schema=ON")
        return connection

    def scan() -> Iterator[_Raw]:
        connection = connect()
        try:
            topics = {
                row[0]: (row[1], row[2]) for row in connection.execute("SELECT id, name, type FROM topics")
            }
            rows = connection.execute("SELECT topic_id, timestamp, data FROM messages NOT INDEXED")
            for topic_id, time_ns, data in rows:
                if topic_id in topics:
                    yield *topics[topic_id], "cdr", time_ns, data
        finally:
            connection.close()

    def definitions() -> dict[str, str]:
        connection = connect()
        try:
            query = "SELECT topic_type, encoded_message_definition FROM message_definitions"
            return dict(connection.execute(query))
        except sqlite3.DatabaseError:  # older bags have no such table
            return {}
        finally:
            connection.close()

    return SalvagedStorage(scan, definitions)
