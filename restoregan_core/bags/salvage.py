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

_Raw = tuple[str, str, int, bytes]
"""topic, msgtype, time in nanoseconds, bytes"""
_MAX_RECORD_BYTES = 2**30  # garbage where a length should be must not ask for all memory


class SalvagedStorage:
    """A file that was scanned once to the point where it breaks.

    Attributes:
        broke_off: why reading ended there; "" where the file is whole after all.
    """

    is_sorted = False

    def __init__(self, scan: Callable[[], Iterator[_Raw]], definitions: Callable[[], dict[str, str]]) -> None:
        self._scan = scan
        counts: Counter[tuple[str, str]] = Counter()
        times = [2**63, 0]
        self.broke_off = ""
        try:
            for topic, msgtype, time_ns, _ in scan():
                counts[topic, msgtype] += 1
                times = [min(times[0], time_ns), max(times[1], time_ns + 1)]
        except Exception as error:
            self.broke_off = f"{type(error).__name__}: {error}"
        if not counts and self.broke_off:
            raise ValueError(f"no message before it breaks: {self.broke_off}")
        self._readable = sum(counts.values())
        texts = definitions()
        self.topics: list[Topic] = [
            Topic(topic, msgtype, texts.get(msgtype, ""), count) for (topic, msgtype), count in counts.items()
        ]
        self.start_ns, self.end_ns = times if counts else (0, 0)

    def messages(
        self, topics: Collection[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Message]:
        """In the order in which they were recorded."""
        for number, (topic, msgtype, time_ns, data) in enumerate(self._scan(), 1):
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
        channels: dict[int, tuple[str, str]] = {}
        with file.open("rb") as stream:
            reader = StreamReader(stream, validate_crcs=True, record_size_limit=_MAX_RECORD_BYTES)
            for record in reader.records:
                if isinstance(record, records.Schema):
                    schemas[record.id] = record.name
                    if record.encoding == "ros2msg":
                        definitions[record.name] = record.data.decode(errors="replace")
                elif isinstance(record, records.Channel):
                    channels[record.id] = record.topic, schemas.get(record.schema_id, "")
                elif isinstance(record, records.Message) and record.channel_id in channels:
                    yield *channels[record.channel_id], record.log_time, record.data

    return SalvagedStorage(scan, lambda: definitions)


def salvage_sqlite(file: Path) -> SalvagedStorage:
    """Read a rosbag2 database in the order of its rows.

    Raises:
        ValueError: not a single message can be read.
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True)
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
                    yield *topics[topic_id], time_ns, data
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
