# SPDX-License-Identifier: Apache-2.0
"""Bags as older recorders, other tools and a cut of the power leave them."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from replay_bags import (
    COMPRESSED,
    IMAGE,
    START_NS,
    STEP_NS,
    compressed,
    drive,
    image_message,
    rgb_image,
    write_bag,
)
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.messages import FOXGLOVE_COMPRESSED_TYPE
from restoregan_core.bags.reader import BagError, open_bag


def numbers(path: Path) -> tuple[list[int], list[str]]:
    """Which frames of ``drive`` there are, all with intrinsics where it has them, and what was noted as damage."""
    with open_bag(path) as bag:
        reader = FrameReader(bag)
        found = []
        for frame in reader.frames():
            number = (frame.stamp_ns - START_NS) // STEP_NS
            np.testing.assert_array_equal(frame.decode(), rgb_image(number))
            assert (frame.info is None) == (reader.cameras[0].info_topic is None)
            found.append(number)
        return found, bag.damage


@pytest.mark.parametrize("moved_over", [0, 6], ids=["everything in the log", "the last messages in the log"])
def test_what_a_killed_recorder_left_in_sqlites_write_ahead_log_is_read(
    tmp_path: Path, moved_over: int
) -> None:
    whole = write_bag(tmp_path / "whole", drive(12), "sqlite3") / "whole.db3"
    killed = tmp_path / "killed"
    killed.mkdir()
    recorder = sqlite3.connect(tmp_path / "recording.db3")
    recorder.execute("PRAGMA journal_mode=WAL")
    recorder.execute("PRAGMA wal_autocheckpoint=0")
    with sqlite3.connect(whole) as source:
        script = [line for line in source.iterdump() if not line.startswith(("BEGIN", "COMMIT"))]
    messages = [line for line in script if line.startswith('INSERT INTO "messages"')]
    for line in script:
        if line not in messages:
            recorder.execute(line)
    for number, line in enumerate(messages):
        if moved_over and number == 2 * moved_over:  # with each image its intrinsics
            recorder.commit()
            recorder.execute("PRAGMA wal_checkpoint(PASSIVE)")
        recorder.execute(line)
    recorder.commit()
    for file in tmp_path.glob("recording.db3*"):
        shutil.copy(file, killed)
    recorder.close()
    before = {file: file.read_bytes() for file in killed.iterdir() if not file.name.endswith("-shm")}
    assert numbers(killed) == (list(range(12)), ["metadata.yaml is missing; going by the files"])
    assert {file: file.read_bytes() for file in before} == before


def test_a_bag_of_eloquent_knows_no_qos_and_names_its_file_with_the_folder(tmp_path: Path) -> None:
    whole = write_bag(tmp_path / "whole", drive(4), "sqlite3") / "whole.db3"
    old = tmp_path / "old"
    old.mkdir()
    with sqlite3.connect(whole) as source, sqlite3.connect(old / "old_0.db3") as target:
        target.execute(
            "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT)"
        )
        target.execute(
            "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)"
        )
        for table, columns in (
            ("topics", "id, name, type, 'cdr'"),
            ("messages", "id, topic_id, timestamp, data"),
        ):
            rows = source.execute(f"SELECT {columns} FROM {table}")
            target.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", rows)
    (old / "metadata.yaml").write_text(
        "rosbag2_bagfile_information:\n  version: 2\n  storage_identifier: sqlite3\n"
        "  relative_file_paths: [old/old_0.db3]\n  message_count: 8\n"
    )
    assert numbers(old) == ([0, 1, 2, 3], [])


def test_a_last_part_without_a_byte_costs_nothing_but_a_line(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(3))
    (bag / "metadata.yaml").unlink()
    (bag / "bag_1.mcap").touch()
    found, damage = numbers(bag)
    assert found == [0, 1, 2]
    assert any("bag_1.mcap: is empty" in line for line in damage)


def test_a_file_that_was_unpacked_is_found_though_the_metadata_name_the_packed_one(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(3), "sqlite3")
    metadata = bag / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("bag.db3", "bag.db3.zstd"))
    assert numbers(bag) == ([0, 1, 2], ["bag.db3.zstd: named by metadata.yaml, but missing"])


def write_mcap_of_others(file: Path, profile: str, schema: tuple[str, str, bytes], data: list[bytes]) -> Path:
    writer_module = pytest.importorskip("mcap.writer")
    serialization = {"ros1msg": "ros1"}.get(schema[1], schema[1])
    with file.open("wb") as stream:
        writer = writer_module.Writer(stream)
        writer.start(profile=profile)
        channel = writer.register_channel("/front/image_raw", serialization, writer.register_schema(*schema))
        for number, message in enumerate(data):
            writer.add_message(channel, START_NS + number * STEP_NS, message, START_NS + number * STEP_NS)
        writer.finish()
    return file


def test_a_bag_of_ros_1_that_was_converted_to_mcap_is_read(tmp_path: Path) -> None:
    store = get_typestore(Stores.ROS1_NOETIC)
    data = []
    for number in range(3):
        rgb = rgb_image(number)
        stamp = store.types["builtin_interfaces/msg/Time"](*divmod(START_NS + number * STEP_NS, 10**9))
        header = store.types["std_msgs/msg/Header"](number, stamp, "front")
        message = store.types[IMAGE](header, *rgb.shape[:2], "rgb8", 0, rgb.shape[1] * 3, rgb.reshape(-1))
        data.append(bytes(store.serialize_ros1(message, IMAGE)))
    text = store.generate_msgdef(IMAGE, ros_version=1)[0].encode()
    file = write_mcap_of_others(tmp_path / "old.mcap", "ros1", ("sensor_msgs/Image", "ros1msg", text), data)
    assert numbers(file) == ([0, 1, 2], [])
    with open_bag(file) as bag:
        assert bag.is_ros1


def test_images_in_protobuf_are_named_as_what_is_not_read(tmp_path: Path) -> None:
    schema = ("foxglove.CompressedImage", "protobuf", b"\n\0")
    file = write_mcap_of_others(tmp_path / "devkit.mcap", "", schema, [b"\n\0"])
    why = r"/front/image_raw \(foxglove.CompressedImage as protobuf, not decoded here\)"
    with pytest.raises(BagError, match=why), open_bag(file) as bag:
        FrameReader(bag)


def test_foxgloves_compressed_image_is_a_camera(tmp_path: Path) -> None:
    text = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format\n"
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(text, FOXGLOVE_COMPRESSED_TYPE))
    stamp = store.types["builtin_interfaces/msg/Time"](*divmod(START_NS, 10**9))
    file = compressed(rgb_image(1), START_NS).data
    message = store.types[FOXGLOVE_COMPRESSED_TYPE](stamp, "front", file, "jpeg")
    data = bytes(store.serialize_cdr(message, FOXGLOVE_COMPRESSED_TYPE))
    recorded = [("/front/image/compressed", FOXGLOVE_COMPRESSED_TYPE, text, START_NS, data)]
    with open_bag(write_bag(tmp_path / "bag", [], extra=recorded)) as bag:
        (frame,) = FrameReader(bag).frames()
        assert (frame.camera.name, frame.stamp_ns, frame.frame_id) == ("front", START_NS, "front")
        assert frame.decode().shape == rgb_image(1).shape


def test_a_bag_keeps_no_definitions_and_its_images_are_read(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(3), "sqlite3")
    with sqlite3.connect(bag / "bag.db3") as database:
        database.execute("DELETE FROM message_definitions")
    assert numbers(bag) == ([0, 1, 2], [])


def test_hardware_encoders_put_packets_of_h264_into_compressed_images(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="H.264 needs PyAV")
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 128, 96, "yuv420p", 25
    encoder.options = {"tune": "zerolatency", "bf": "0", "crf": "8", "g": "3"}
    recorded = []
    for number in range(6):
        frame = av.VideoFrame.from_ndarray(rgb_image(3 * number), format="rgb24")
        (packet,) = encoder.encode(frame)
        message = compressed(rgb_image(0), START_NS + number * STEP_NS)
        message.format, message.data = "h264", np.frombuffer(bytes(packet), np.uint8)
        recorded.append(("/front/image_raw/compressed", COMPRESSED, START_NS + number * STEP_NS, message))
    with open_bag(write_bag(tmp_path / "bag", recorded)) as bag:
        for number, source in enumerate(FrameReader(bag).frames()):
            difference = np.abs(source.decode().astype(int) - rgb_image(3 * number))
            assert source.is_packet
            assert difference.mean() < 6


@pytest.mark.parametrize("form", ["", "jpg", "JPEG", "image/jpeg"])
def test_publishers_write_what_they_like_into_format(tmp_path: Path, form: str) -> None:
    message = compressed(rgb_image(1), START_NS)
    message.format = form
    recorded = [("/front/image_raw/compressed", COMPRESSED, START_NS, message)]
    with open_bag(write_bag(tmp_path / "bag", recorded)) as bag:
        (frame,) = FrameReader(bag).frames()
        assert frame.decode().shape == rgb_image(1).shape


def test_a_step_of_zero_means_rows_without_padding(tmp_path: Path) -> None:
    message = image_message(rgb_image(0), START_NS)
    message.step = 0
    assert numbers(write_bag(tmp_path / "bag", [("/front/image_raw", IMAGE, START_NS, message)])) == ([0], [])
