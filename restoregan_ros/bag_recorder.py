# SPDX-License-Identifier: Apache-2.0
"""Record topics into a rosbag2: ``ros2 bag record`` where there is none.

    bag_recorder OUTPUT --topics '*/restored/*' /camera/image_raw [--storage mcap] [--idle-timeout 3]

Patterns are shell-style and match whole topic names, slashes included; topics that appear later are taken
up when they appear. Messages are stored as the bytes that arrived. It ends at SIGINT or SIGTERM, or when
nothing has come for the idle timeout; the bag is whole in each case. Killed, or on a disk that is full, it leaves a
bag without metadata.yaml, in which at most the last second is missing.
"""

import argparse
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from restoregan_core.stop_signal import StopSignal
from restoregan_ros.bag_player import find_message_class

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer
    from rosbags.typesys.store import Typestore

DISCOVERY_PERIOD_S = 0.2
KEEPING_PERIOD_S = 1.0
QUEUE_DEPTH = 100  # a slow disk must not cost a message


@dataclass(frozen=True, kw_only=True)
class RecorderOptions:
    """What to record and where."""

    output: Path
    topics: list[str]
    """Shell-style patterns of absolute topic names."""
    storage: str = "mcap"
    idle_timeout_s: float = 0.0
    """End after so long without a message, once there was one; 0: only at a signal."""
    first_message_timeout_s: float = 300.0
    """Give up when nothing has come at all by then; counts only with an idle timeout."""

    def __post_init__(self) -> None:
        if os.path.lexists(self.output):  # a link that leads nowhere, too
            raise ValueError(f"{self.output} exists; name a folder that does not")
        if self.storage not in ("mcap", "sqlite3"):
            raise ValueError(f"--storage is {self.storage!r}; it must be mcap or sqlite3")
        if self.idle_timeout_s < 0:
            raise ValueError(f"--idle-timeout is {self.idle_timeout_s}; it must not be negative")


class BagRecorder(Node):
    """One raw subscription for each topic that matches, all of them into one bag."""

    def __init__(self, options: RecorderOptions, writer: "Writer") -> None:
        super().__init__("bag_recorder")
        self._options = options
        self._writer = writer
        self._typestore = typestore_of_this_distribution()
        self._started_s = time.monotonic()
        self._last_message_s: float | None = None
        self._topics_seen: set[str] = set()
        self.counts: dict[str, int] = {}
        self.create_timer(DISCOVERY_PERIOD_S, self._discover, clock=rclpy.clock.Clock())
        self.create_timer(KEEPING_PERIOD_S, partial(keep, writer), clock=rclpy.clock.Clock())
        self._discover()

    @property
    def is_done(self) -> bool:
        """Whether the idle timeout has passed."""
        if self._options.idle_timeout_s == 0:
            return False
        if self._last_message_s is None:
            return time.monotonic() - self._started_s > self._options.first_message_timeout_s
        return time.monotonic() - self._last_message_s > self._options.idle_timeout_s

    def _discover(self) -> None:
        for topic, types in self.get_topic_names_and_types():
            wanted = any(fnmatchcase(topic, pattern) for pattern in self._options.topics)
            if wanted and topic not in self._topics_seen and self.get_publishers_info_by_topic(topic):
                self._topics_seen.add(topic)
                self._subscribe(topic, types[0])

    def _subscribe(self, topic: str, msgtype: str) -> None:
        message_class = find_message_class(msgtype)
        if message_class is None:
            self.get_logger().warning(f"do not record {topic}: {msgtype} is not installed here")
            return
        register_type(self._typestore, msgtype)
        connection = self._writer.add_connection(topic, msgtype, typestore=self._typestore)
        self.counts[topic] = 0
        callback = partial(self._on_message, connection)
        self.create_subscription(message_class, topic, callback, self._qos_for(topic), raw=True)
        self.get_logger().info(f"recording {topic}")

    def _qos_for(self, topic: str) -> QoSProfile:
        """What every publisher of the topic can serve; reliable and latched where all of them offer it."""
        offered = [info.qos_profile for info in self.get_publishers_info_by_topic(topic)]
        reliable = all(profile.reliability == ReliabilityPolicy.RELIABLE for profile in offered)
        latched = all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in offered)
        return QoSProfile(
            depth=QUEUE_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )

    def _on_message(self, connection: "Connection", raw: bytes) -> None:
        self._writer.write(connection, self.get_clock().now().nanoseconds, raw)
        self.counts[connection.topic] += 1
        self._last_message_s = time.monotonic()


def drain(recorder: BagRecorder, executor: SingleThreadedExecutor) -> None:
    """Take what has arrived but was not written yet."""
    before = -1
    while before != sum(recorder.counts.values()):
        before = sum(recorder.counts.values())
        for _ in range(len(recorder.counts) + 3):  # every topic has its turn, as have timers and guard
            executor.spin_once(timeout_sec=0.0)


def keep(writer: "Writer") -> None:
    """Hand what was written to the file, so that it outlasts this process.

    rosbags itself commits a database only when it is closed, and keeps up to 1 MiB of an mcap file in memory.
    """
    from rosbags.rosbag2.storage_mcap import McapWriter
    from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer

    storage = writer.storage
    if isinstance(storage, Sqlite3Writer):
        storage.conn.commit()
    elif isinstance(storage, McapWriter):
        if storage.chunk.msgs:  # one without messages has no times for the index
            storage.close_chunk()
        storage.bio.flush()


def typestore_of_this_distribution() -> "Typestore":
    """rosbags' message definitions of the sourced ROS, of the newest where none is sourced."""
    from rosbags.typesys import Stores, get_typestore

    sourced = f"ros2_{os.environ.get('ROS_DISTRO', '')}"
    return get_typestore(Stores(sourced) if sourced in list(Stores) else Stores.LATEST)


def register_type(typestore: "Typestore", msgtype: str) -> None:
    """Make a type known to ``typestore`` from the .msg files that its package installed, and what it needs.

    Raises:
        FileNotFoundError: the package installed no such file.
    """
    from rosbags.typesys import get_types_from_msg

    if msgtype in typestore.types:
        return
    types = get_types_from_msg(definition_file(msgtype).read_text(), msgtype)
    for needed in types_needed(types[msgtype][1]):
        register_type(typestore, needed)
    typestore.register(types)


def definition_file(msgtype: str) -> Path:
    """Where the .msg file of a type lies: in a sourced ROS, or beside this interpreter's wheels.

    Raises:
        FileNotFoundError: in neither.
    """
    package, kind, name = msgtype.split("/")
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)), sys.prefix]
    for prefix in prefixes:
        file = Path(prefix, "share", package, kind, f"{name}.msg")
        if file.is_file():
            return file
    raise FileNotFoundError(f"no definition of {msgtype} under {' or '.join(prefixes)}: build its package")


def types_needed(fields: Sequence[tuple]) -> set[str]:
    """Names of the message types among the fields of a definition, arrays' elements included."""
    from rosbags.interfaces import Nodetype

    found = set()
    for _name, (kind, *description) in fields:
        while kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            kind, *description = description[0][0]
        if kind == Nodetype.NAME:
            found.add(description[0])
    return found


def parse_arguments(argv: Sequence[str]) -> RecorderOptions:
    parser = argparse.ArgumentParser(
        prog="bag_recorder",
        description="Record topics into a rosbag2.",
        epilog="example:\n  bag_recorder restored --topics '*/restored/image_raw' '*/restored/report'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output", type=Path, help="folder to write; must not exist")
    parser.add_argument(
        "--topics", nargs="+", required=True, metavar="PATTERN", help="names, or shell-style patterns"
    )
    parser.add_argument("--storage", choices=["mcap", "sqlite3"], default="mcap")
    parser.add_argument(
        "--idle-timeout", type=float, default=0.0, metavar="S", help="end after so long without a message"
    )
    given = parser.parse_args(argv)
    return RecorderOptions(
        output=given.output, topics=given.topics, storage=given.storage, idle_timeout_s=given.idle_timeout
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node; 0 when it recorded, 1 when nothing came at all or the disk is full, 2 for invalid options."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    arguments = list(sys.argv if argv is None else ["bag_recorder", *argv])
    try:
        options = parse_arguments(remove_ros_args(arguments)[1:])
        options.output.parent.mkdir(parents=True, exist_ok=True)
        # Humble's and Iron's rosbag2 read the QoS of version 8; the later ones write 9.
        version: Literal[8, 9] = 8 if os.environ.get("ROS_DISTRO") in ("humble", "iron") else 9
        storage = StoragePlugin[options.storage.upper()]
        with Writer(options.output, version=version, storage_plugin=storage) as writer:
            return record(options, writer, arguments)
    except ValueError as error:
        print(f"bag_recorder: {error}", file=sys.stderr)
        return 2
    except (OSError, sqlite3.OperationalError) as error:  # which SQLite makes of a full disk
        print(f"bag_recorder: {options.output}: {error}; what lies there can be replayed", file=sys.stderr)
        return 1
    finally:
        rclpy.try_shutdown()


def record(options: RecorderOptions, writer: "Writer", arguments: list[str]) -> int:
    """Spin until a signal or the idle timeout."""
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    stop = StopSignal()
    recorder = BagRecorder(options, writer)
    executor = SingleThreadedExecutor()
    executor.add_node(recorder)
    stop.wakes(executor.wake)
    while not stop and not recorder.is_done:
        executor.spin_once(timeout_sec=0.5)
    drain(recorder, executor)
    counts = ", ".join(f"{topic} {count}" for topic, count in recorder.counts.items())
    recorder.get_logger().info(f"recorded {counts or 'nothing'}")
    executor.shutdown()
    recorder.destroy_node()
    return 0 if stop or any(recorder.counts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
