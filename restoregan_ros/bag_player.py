# SPDX-License-Identifier: Apache-2.0
"""Play a rosbag2 onto its topics in real time: ``ros2 bag play`` where there is none.

    bag_player BAG [--rate 1] [--loop] [--start S] [--end S] [--clock] [--topics /front/image_raw ...]

Messages go out as the bytes that were recorded, never decoded. Topics may be remapped with
``--ros-args -r /old:=/new``, their QoS overridden with ``qos_overrides`` parameters.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from rosgraph_msgs.msg import Clock

from restoregan_core.bags.mcap_index import index_leaves_out
from restoregan_core.bags.types import unpack_message
from restoregan_core.stop_signal import StopSignal

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader

CLOCK_PERIOD_S = 0.02
IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")


@dataclass(frozen=True, kw_only=True)
class PlayerOptions:
    """What to play and how; times in seconds from the bag's start."""

    bag: Path
    rate: float = 1.0
    loop: bool = False
    start_s: float = 0.0
    end_s: float | None = None
    clock: bool = False
    topics: list[str] = field(default_factory=list)
    """Empty: all."""
    wait_s: float = 10.0
    """How long to wait for a subscriber of an image (of any topic where there is no image)."""
    await_topics: list[str] = field(default_factory=list)
    """Shell-style patterns of absolute names: each must have a subscriber, too, such as a recorder of what is made of
    the images."""
    settle_s: float = 0.5
    """How long to wait then, while the other topics' subscribers are being discovered, and discover this player."""

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ValueError(f"--rate is {self.rate}; it must be above 0")
        if self.start_s < 0:
            raise ValueError(f"--start is {self.start_s}; it must not be negative")
        if self.settle_s < 0:
            raise ValueError(f"--settle is {self.settle_s}; it must not be negative")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"--end is {self.end_s}; it must be after --start {self.start_s}")


@dataclass
class PlayedStatistics:
    """What a playback did; ``late`` counts messages that went out more than 5 ms after their time."""

    messages: int = 0
    late: int = 0
    wall_s: float = 0.0

    def __str__(self) -> str:
        return f"played {self.messages} messages in {self.wall_s:.1f} s, {self.late} of them over 5 ms late"


class BagPlayer(Node):
    """One publisher for each topic of an open bag."""

    def __init__(self, options: PlayerOptions, reader: "Reader", should_stop: Callable[[], bool]) -> None:
        super().__init__("bag_player", start_parameter_services=False)
        self._options = options
        self._reader = reader
        self._should_stop = should_stop
        known = {connection.topic for connection in reader.connections}
        for topic in options.topics:
            if topic not in known:
                raise ValueError(f"{options.bag} has no topic {topic}; it has: {', '.join(sorted(known))}")
        self._publisher_of: dict[int, Publisher] = {}
        self._awaited: list[Publisher] = []
        for connection in reader.connections:
            if not options.topics or connection.topic in options.topics:
                self._add_publisher(connection)
        if not self._publisher_of:
            raise ValueError(f"{options.bag} does not hold a message of a type that is installed here")
        self._clock_publisher = self.create_publisher(Clock, "/clock", 10) if options.clock else None

    def _add_publisher(self, connection: "Connection") -> None:
        message_class = find_message_class(connection.msgtype)
        if message_class is None:
            self.get_logger().warning(f"skip {connection.topic}: {connection.msgtype} is not installed here")
            return
        publisher = self.create_publisher(
            message_class,
            connection.topic,
            qos_of(connection),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._publisher_of[connection.id] = publisher
        if connection.msgtype in IMAGE_TYPES:
            self._awaited.append(publisher)

    def play(self) -> PlayedStatistics:
        """Wait for a subscriber, then publish everything at its time; returns early at a stop signal."""
        self._wait_for_subscriber()
        statistics = PlayedStatistics()
        started = time.monotonic()
        while not self._should_stop():
            self._play_once(statistics)
            if not self._options.loop:
                break
        statistics.wall_s = time.monotonic() - started
        for publisher in self._publisher_of.values():
            if not self._should_stop() and publisher.qos_profile.reliability == ReliabilityPolicy.RELIABLE:
                publisher.wait_for_all_acked(Duration(seconds=2))
        return statistics

    def _wait_for_subscriber(self) -> None:
        awaited = self._awaited or list(self._publisher_of.values())
        deadline = time.monotonic() + self._options.wait_s
        while time.monotonic() < deadline and not self._should_stop():
            is_heard = any(publisher.get_subscription_count() for publisher in awaited)
            if is_heard and all(map(self._is_subscribed, self._options.await_topics)):
                time.sleep(self._options.settle_s)
                return
            time.sleep(0.02)
        if self._options.wait_s > 0 and not self._should_stop():
            names = ", ".join([*(publisher.topic_name for publisher in awaited), *self._options.await_topics])
            self.get_logger().warning(
                f"nobody subscribes to {names} after {self._options.wait_s:g} s; playing anyway"
            )

    def _is_subscribed(self, pattern: str) -> bool:
        topics = (topic for topic, _ in self.get_topic_names_and_types())
        return any(fnmatchcase(topic, pattern) and self.count_subscribers(topic) for topic in topics)

    def _play_once(self, statistics: PlayedStatistics) -> None:
        bag_origin_ns: int | None = None
        origin_s = time.monotonic()
        for connection, bag_ns, raw in self._messages():
            if bag_origin_ns is None:
                bag_origin_ns, origin_s = bag_ns, time.monotonic()
            due_s = origin_s + (bag_ns - bag_origin_ns) / 1e9 / self._options.rate
            self._wait_until(due_s, bag_ns)
            if self._should_stop():
                return
            statistics.late += time.monotonic() - due_s > 0.005
            statistics.messages += 1
            self._publish_clock(bag_ns)
            # rosbags undoes compression by message in a bag's folder, but not in a bare file.
            self._publisher_of[connection.id].publish(unpack_message(bytes(raw)))

    def _messages(self) -> Iterator[tuple["Connection", int, bytes]]:
        first_ns = self._reader.start_time
        options = self._options
        return self._reader.messages(
            connections=[c for c in self._reader.connections if c.id in self._publisher_of],
            start=first_ns + int(options.start_s * 1e9),
            stop=None if options.end_s is None else first_ns + int(options.end_s * 1e9),
        )

    def _wait_until(self, due_s: float, bag_ns: int) -> None:
        while not self._should_stop():
            left_s = due_s - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(left_s, CLOCK_PERIOD_S))
            left_s = max(0.0, due_s - time.monotonic())
            if left_s > 0:
                self._publish_clock(bag_ns - int(left_s * self._options.rate * 1e9))

    def _publish_clock(self, bag_ns: int) -> None:
        if self._clock_publisher is not None:
            clock = Clock()
            clock.clock.sec, clock.clock.nanosec = divmod(bag_ns, 10**9)
            self._clock_publisher.publish(clock)


def find_message_class(msgtype: str) -> Any | None:
    """``sensor_msgs/msg/Image`` -> its class; None where the package is not installed."""
    package, kind, name = msgtype.split("/")
    try:
        return getattr(import_module(f"{package}.{kind}"), name)
    except (ImportError, AttributeError):
        return None


def qos_of(connection: "Connection") -> QoSProfile:
    """Best effort for sensors, as camera drivers offer it; reliable for the rest; latched stays latched."""
    from rosbags.interfaces import QosDurability

    recorded = connection.ext.offered_qos_profiles  # type: ignore[union-attr]  # rosbag2 alone is read
    if any(profile.durability == QosDurability.TRANSIENT_LOCAL for profile in recorded):
        return QoSProfile(
            depth=max(1, *(p.depth for p in recorded)), durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
    if connection.msgtype.startswith("sensor_msgs/"):
        return qos_profile_sensor_data
    return QoSProfile(depth=10)


def parse_arguments(argv: Sequence[str]) -> PlayerOptions:
    parser = argparse.ArgumentParser(
        prog="bag_player",
        description="Play a rosbag2 onto its topics in real time.",
        epilog="example:\n  bag_player drive --rate 0.5 --clock --ros-args -r /cam0:=/camera/image_raw",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, help="folder of the bag, sqlite3 or mcap, compressed or not")
    parser.add_argument("--rate", type=float, default=1.0, help="speed (default 1)")
    parser.add_argument("--loop", action="store_true", help="start again at the end")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="second of the bag to start at")
    parser.add_argument("--end", type=float, metavar="S", help="second of the bag to end at")
    parser.add_argument("--clock", action="store_true", help="publish /clock")
    parser.add_argument("--topics", nargs="+", default=[], metavar="TOPIC", help="only these")
    parser.add_argument(
        "--wait", type=float, default=10.0, metavar="S", help="wait so long for a subscriber (default 10)"
    )
    parser.add_argument(
        "--await-topics",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="and for one of each of these",
    )
    parser.add_argument(
        "--settle", type=float, default=0.5, metavar="S", help="and so long once there is one (default 0.5)"
    )
    given = parser.parse_args(argv)
    return PlayerOptions(
        bag=given.bag, rate=given.rate, loop=given.loop, start_s=given.start, end_s=given.end,
        clock=given.clock, topics=given.topics, wait_s=given.wait,
        await_topics=given.await_topics, settle_s=given.settle,
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node; 0 when the bag was played or a signal came, 2 for an invalid bag or option."""
    from rosbags.rosbag2 import Reader, ReaderError

    arguments = list(sys.argv if argv is None else ["bag_player", *argv])
    try:
        options = parse_arguments(remove_ros_args(arguments)[1:])
        if not options.bag.exists():
            raise ValueError(f"no bag at {options.bag}")
        if options.bag.is_dir() and not (options.bag / "metadata.yaml").is_file():
            raise ValueError(
                f"{options.bag} does not hold a metadata.yaml, as a rosbag2 does: `ros2 bag reindex` writes one"
            )
        with Reader(options.bag) as reader:
            if index_leaves_out(reader):
                raise ValueError(
                    f"the index of {options.bag} does not name all of its messages and types: "
                    "write it anew with `mcap filter` or `ros2 bag convert`, then play that"
                )
            rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
            stop = StopSignal()
            player = BagPlayer(options, reader, lambda: bool(stop))
            player.get_logger().info(str(player.play()))
            player.destroy_node()
    except (ValueError, ReaderError) as error:
        print(f"bag_player: {error}", file=sys.stderr)
        return 2
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
