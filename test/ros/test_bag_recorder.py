# SPDX-License-Identifier: Apache-2.0
"""What was published is in the bag, whoever ends the recording and however."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from bags import Child, read_notes, read_topic, until, write_bag
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from restoregan_ros.msg import RestorationReport
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image
from small_disks import keeping, must_mount
from std_msgs.msg import String

from restoregan_core.bags.reader import BagError, open_bag
from restoregan_core.bags.writer import output_typestore
from restoregan_ros.bag_recorder import register_type, typestore_of_this_distribution

RECORDER, REPORT = "restoregan_ros.bag_recorder", "restoregan_ros/msg/RestorationReport"


@pytest.fixture
def start(domain_id: int) -> Iterator[Callable[..., Child]]:
    started: list[Child] = []

    def start(*arguments: object) -> Child:
        started.append(Child(domain_id, *arguments))
        return started[-1]

    yield start
    for child in started:
        child.end()


@pytest.fixture
def driver(context: rclpy.Context) -> Iterator[rclpy.node.Node]:
    node = rclpy.create_node("driver", context=context)
    yield node
    node.destroy_node()


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_played_bag_is_recorded_whole(storage: str, start: Callable[..., Child], tmp_path: Path) -> None:
    source, target = write_bag(tmp_path / "source"), tmp_path / "new" / "target"
    recorder = start(
        RECORDER, target, "--storage", storage, "--topics", "/camera/*", "/note", "--idle-timeout", 3
    )
    player = start("restoregan_ros.bag_player", source, "--wait", 100)
    assert player.wait()[0] == 0
    assert recorder.wait()[0] == 0
    images = [raw for _, raw in read_topic(target, "/camera/image_raw")]
    assert images == [raw for _, raw in read_topic(source, "/camera/image_raw")]
    assert read_notes(target) == [str(number) for number in range(12)]


def test_our_report_is_recorded_with_its_definition(
    start: Callable[..., Child], driver: rclpy.node.Node, tmp_path: Path
) -> None:
    publisher = driver.create_publisher(RestorationReport, "/camera/restored/report", 10)
    recorder = start(RECORDER, tmp_path / "bag", "--topics", "*/restored/report")
    until(publisher.get_subscription_count, "the recorder subscribed")
    publisher.publish(RestorationReport(model="lite-0123456789ab", blur_grid=[0.25, 0.75]))
    publisher.wait_for_all_acked(rclpy.duration.Duration(seconds=20))
    recorder.send(signal.SIGTERM)
    recorder.send(signal.SIGINT)
    assert recorder.wait()[0] == 0
    with AnyReader([tmp_path / "bag"]) as reader:  # knows the type from the bag alone
        messages = [reader.deserialize(raw, connection.msgtype) for connection, _, raw in reader.messages()]
    assert [message.model for message in messages] == ["lite-0123456789ab"]
    assert messages[0].blur_grid.tolist() == [0.25, 0.75]


def test_the_type_that_is_recorded_is_the_one_that_was_built() -> None:
    store = typestore_of_this_distribution()
    register_type(store, REPORT)
    built = RestorationReport.get_fields_and_field_types()
    assert [name for name, _ in store.fielddefs[REPORT][1]] == list(built)
    assert store.hash_rihs01(REPORT) == output_typestore().hash_rihs01(REPORT)


def test_best_effort_and_latched_publishers_are_heard(
    start: Callable[..., Child], driver: rclpy.node.Node, tmp_path: Path
) -> None:
    images = driver.create_publisher(Image, "/image", qos_profile_sensor_data)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    driver.create_publisher(String, "/note", latched).publish(String(data="said before"))
    recorder = start(RECORDER, tmp_path / "bag", "--topics", "/image", "/note", "--idle-timeout", 3)
    until(images.get_subscription_count, "the recorder subscribed")
    images.publish(Image(height=1, width=1, encoding="mono8", step=1, data=[7]))
    assert recorder.wait()[0] == 0
    assert read_notes(tmp_path / "bag") == ["said before"]
    assert len(read_topic(tmp_path / "bag", "/image")) == 1


def count(topic: str, bag: Path) -> int:
    """How many messages can be read, now, of a bag that may be incomplete."""
    try:
        with open_bag(bag) as opened:
            return sum(1 for _ in opened.messages([topic]))
    except BagError:
        return 0


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_killed_recorder_leaves_what_it_recorded_before_the_last_second(
    storage: str, start: Callable[..., Child], driver: rclpy.node.Node, tmp_path: Path
) -> None:
    publisher = driver.create_publisher(String, "/note", 10)
    recorder = start(RECORDER, tmp_path / "bag", "--storage", storage, "--topics", "/note")
    until(publisher.get_subscription_count, "the recorder subscribed")
    publisher.publish(String(data="small, so that no buffer overflows"))
    until(lambda: count("/note", tmp_path / "bag") == 1, "the message was handed to the disk")
    recorder.kill()
    assert count("/note", tmp_path / "bag") == 1


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_full_disk_ends_the_recording_and_leaves_what_was_recorded(
    storage: str, domain_id: int, driver: rclpy.node.Node, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    wrapper = [*must_mount(small, "size=2m"), *keeping(small / "bag", tmp_path / "bag")]
    publisher = driver.create_publisher(Image, "/image", 10)
    recorder = subprocess.Popen(
        [*wrapper, sys.executable, "-m", RECORDER, f"{small}/bag", "--topics", "/image", "--storage", storage],
        env={**os.environ, "ROS_DOMAIN_ID": str(domain_id)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    file = f"bag.{'db3' if storage == 'sqlite3' else 'mcap'}"
    written = Path(f"/proc/{recorder.pid}/root/{small}/bag/{file}")  # of the recorder's own disk

    def count_now() -> int:
        shutil.copy(written, tmp_path / file)
        return count("/image", tmp_path / file)

    until(publisher.get_subscription_count, "the recorder subscribed")
    image = Image(height=100, width=1000, encoding="mono8", step=1000, data=bytes(100_000))
    for number in range(5):
        publisher.publish(image)
        until(lambda number=number: count_now() > number, f"image {number} was handed to the disk")

    def is_over() -> bool:
        publisher.publish(image)
        return recorder.poll() is not None

    until(is_over, "the recorder ended")
    said = recorder.communicate()[1]
    assert recorder.returncode == 1, said
    assert said.strip().splitlines()[-1].startswith(f"bag_recorder: {small}/bag: "), said
    assert "Traceback" not in said
    assert count("/image", tmp_path / "bag") >= 5


@pytest.mark.parametrize("name", ["folder", "link"])
def test_what_exists_is_never_overwritten(start: Callable[..., Child], tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    code, printed = start(RECORDER, tmp_path / name, "--topics", "/note").wait()
    assert code == 2
    assert printed.strip() == f"bag_recorder: {tmp_path / name} exists; name a folder that does not"
    assert not (tmp_path / "nowhere").exists()


def test_a_recording_of_nothing_is_still_a_bag(start: Callable[..., Child], tmp_path: Path) -> None:
    recorder = start(RECORDER, tmp_path / "bag", "--topics", "/silence")
    until((tmp_path / "bag" / "bag.mcap").exists, "the bag was opened")
    import time

    time.sleep(1.0)  # past rclpy.init, so that the handlers are in place
    recorder.send(signal.SIGINT)
    recorder.wait()
    assert (tmp_path / "bag" / "metadata.yaml").is_file()
