# SPDX-License-Identifier: Apache-2.0
"""What a recorded drive sounds like to the nodes that listen to it."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from bags import STORE, STRING, Child, read_topic, until, write_bag
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionMode, Reader, StoragePlugin, Writer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import String

from restoregan_ros.bag_player import PlayerOptions, qos_of

PLAYER = "restoregan_ros.bag_player"
# Deep, so that a slow listener loses nothing.
BEST_EFFORT = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)


class Listener:
    """Keeps what arrives on the bag's topics, with the time of arrival."""

    def __init__(self, context: rclpy.Context) -> None:
        self.node = rclpy.create_node("listener", context=context)
        self.images: list[tuple[float, bytes]] = []
        self.notes: list[str] = []
        self.clocks: list[int] = []
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.node.create_subscription(String, "/note", lambda note: self.notes.append(note.data), 100)
        self.node.create_subscription(Clock, "/clock", self._on_clock, 1000)

    def listen(self, topic: str = "/camera/image_raw") -> None:
        def on_image(raw: bytes) -> None:
            self.images.append((time.monotonic(), bytes(raw)))

        self.node.create_subscription(Image, topic, on_image, BEST_EFFORT, raw=True)

    def _on_clock(self, clock: Clock) -> None:
        self.clocks.append(clock.clock.sec * 10**9 + clock.clock.nanosec)

    def spin_until(self, condition: Callable[[], bool], what: str) -> None:
        def spun() -> bool:
            self.executor.spin_once(timeout_sec=0.05)
            return condition()

        until(spun, what)


@pytest.fixture
def listener(context: rclpy.Context) -> Iterator[Listener]:
    listener = Listener(context)
    yield listener
    listener.executor.shutdown()
    listener.node.destroy_node()


@pytest.fixture
def play(domain_id: int) -> Iterator[Callable[..., Child]]:
    started: list[Child] = []

    def start(*arguments: object) -> Child:
        started.append(Child(domain_id, PLAYER, *arguments))
        return started[-1]

    yield start
    for child in started:
        child.end()


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_recorded_bytes_arrive_unchanged_and_in_order(
    storage: str, listener: Listener, play: Callable[..., Child], tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / "bag", storage=storage)
    listener.listen()
    player = play(bag)
    listener.spin_until(lambda: len(listener.images) == len(listener.notes) == 12, "everything was played")
    assert [raw for _, raw in listener.images] == [raw for _, raw in read_topic(bag, "/camera/image_raw")]
    assert listener.notes == [str(number) for number in range(12)]
    code, printed = player.wait()
    assert code == 0
    assert "skip /odd: nobody_msgs/msg/Odd is not installed here" in printed


def test_messages_compressed_one_by_one_are_played_plain_from_a_bare_file_too(
    listener: Listener, play: Callable[..., Child], tmp_path: Path
) -> None:
    bag = write_bag(tmp_path / "bag", frames=3, compression=CompressionMode.MESSAGE)
    (file,) = bag.glob("*.mcap")
    listener.listen()
    play(file)
    listener.spin_until(lambda: len(listener.images) == 3, "everything was played")
    assert [raw for _, raw in listener.images] == [raw for _, raw in read_topic(bag, "/camera/image_raw")]


def test_it_waits_for_a_subscriber_so_that_no_frame_is_lost(
    listener: Listener, play: Callable[..., Child], tmp_path: Path
) -> None:
    play(write_bag(tmp_path / "bag"), "--wait", 100)
    listener.spin_until(lambda: listener.node.count_publishers("/camera/image_raw") > 0, "the player came")
    assert listener.notes == []
    listener.listen()
    listener.spin_until(lambda: len(listener.images) == 12, "every frame came")


def test_it_waits_for_whoever_records_what_becomes_of_the_images(
    listener: Listener, play: Callable[..., Child], tmp_path: Path
) -> None:
    listener.listen()
    play(write_bag(tmp_path / "bag"), "--wait", 100, "--await-topics", "*/restored/report", "--settle", 0)
    listener.spin_until(lambda: listener.node.count_publishers("/camera/image_raw") > 0, "the player came")
    for _ in range(40):
        listener.executor.spin_once(timeout_sec=0.05)
    assert listener.notes == []
    listener.node.create_subscription(String, "/camera/restored/report", lambda _: None, 10)
    listener.spin_until(lambda: len(listener.images) == 12, "every frame came")


def test_rate_start_end_and_clock(listener: Listener, play: Callable[..., Child], tmp_path: Path) -> None:
    listener.listen()
    # Frames 4 to 9 of 20 Hz at half speed: half a second between the first and the last one.
    play(write_bag(tmp_path / "bag"), "--rate", 0.5, "--start", 0.2, "--end", 0.48, "--clock").wait()
    last_ns = 10**18 + round(0.45e9)
    listener.spin_until(
        lambda: len(listener.notes) >= 6 and last_ns in listener.clocks, "the chosen stretch was played"
    )
    assert listener.notes == ["4", "5", "6", "7", "8", "9"]
    assert listener.clocks == sorted(listener.clocks)
    assert listener.clocks[0] >= 10**18 + 0.15e9
    assert listener.clocks[-1] == last_ns


def test_frames_are_never_sent_early(listener: Listener, play: Callable[..., Child], tmp_path: Path) -> None:
    listener.listen()
    play(write_bag(tmp_path / "bag", frames=5, rate_hz=5.0))
    listener.spin_until(lambda: len(listener.images) == 5, "five frames came")
    arrivals = [at for at, _ in listener.images]
    assert arrivals[-1] - arrivals[0] > 0.75  # 0.8 s by the bag; the first one may itself be a little late


def test_topics_can_be_chosen_and_remapped(
    listener: Listener, play: Callable[..., Child], tmp_path: Path
) -> None:
    listener.listen("/front/image_raw")
    bag = write_bag(tmp_path / "bag")
    remap = "/camera/image_raw:=/front/image_raw"
    code, _ = play(bag, "--topics", "/camera/image_raw", "--ros-args", "-r", remap).wait()
    listener.spin_until(lambda: len(listener.images) == 12, "the remapped topic came")
    assert code == 0
    assert listener.notes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_loop_cleanly(
    number: signal.Signals, listener: Listener, play: Callable[..., Child], tmp_path: Path
) -> None:
    listener.listen()
    player = play(write_bag(tmp_path / "bag"), "--loop")
    listener.spin_until(lambda: len(listener.images) > 12, "the second round began")
    player.send(number)
    player.send(number)
    assert player.wait()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rate", "0"], "--rate is 0.0"),
        (["--start", "2", "--end", "1"], "--end is 1.0"),
        (["--topics", "/nowhere"], "has no topic /nowhere; it has: /camera/image_raw, /note, /odd"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line(
    arguments: list[str], complaint: str, play: Callable[..., Child], tmp_path: Path
) -> None:
    code, printed = play(write_bag(tmp_path / "bag"), *arguments).wait()
    assert code == 2
    assert complaint in printed
    assert "Traceback" not in printed


def test_a_missing_bag_is_named(play: Callable[..., Child], tmp_path: Path) -> None:
    code, printed = play(tmp_path / "nothing").wait()
    assert (code, printed.strip()) == (2, f"bag_player: no bag at {tmp_path / 'nothing'}")


def test_a_file_whose_index_leaves_messages_out_is_refused(
    play: Callable[..., Child], tmp_path: Path
) -> None:
    mcap = pytest.importorskip("mcap.writer")
    file = tmp_path / "drive.mcap"
    with file.open("wb") as stream:
        writer = mcap.Writer(stream, index_types=mcap.IndexType.CHUNK)
        writer.start(profile="ros2")
        schema = writer.register_schema(STRING, "ros2msg", b"string data")
        channel = writer.register_channel("/note", "cdr", schema)
        writer.add_message(channel, 1, bytes(STORE.serialize_cdr(STORE.types[STRING]("a"), STRING)), 1)
        writer.finish()
    code, printed = play(file).wait()
    assert code == 2
    assert f"the index of {file} does not name all of its messages" in printed


def test_options_check_themselves() -> None:
    with pytest.raises(ValueError, match="--start is -1"):
        PlayerOptions(bag=Path("bag"), start_s=-1)


def test_a_topic_of_unknown_history_and_depth_0_is_played_as_latched_as_it_was(tmp_path):
    never = QosTime(9223372036, 854775807)
    recorded = Qos(
        QosHistory.UNKNOWN, 0, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, never, never,
        QosLiveliness.AUTOMATIC, never, False,
    )  # fmt: skip
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/map", STRING, typestore=STORE, offered_qos_profiles=[recorded])
        writer.write(connection, 1, STORE.serialize_cdr(STORE.types[STRING](data="x"), STRING))
    with Reader(tmp_path / "bag") as reader:
        qos = qos_of(reader.connections[0])
    assert (qos.depth, qos.durability) == (1, DurabilityPolicy.TRANSIENT_LOCAL)
