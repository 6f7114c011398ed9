# SPDX-License-Identifier: Apache-2.0
"""Every make of bag is read, and what is broken is read as far as it goes."""

from pathlib import Path

import numpy as np
import pytest
from replay_bags import IMAGE, START_NS, STEP_NS, TYPES, drive, image_message, rgb_image, write_bag

from restoregan_core.bags.cameras import camera_base
from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import BagError, open_bag

COUNT = 24
LAYOUTS = [
    ("mcap", "none"), ("mcap", "message"), ("mcap", "file"), ("mcap", "storage"),
    ("sqlite3", "none"), ("sqlite3", "message"), ("sqlite3", "file"),
]  # fmt: skip


def stamps(path: Path) -> tuple[list[int], list[str]]:
    """Stamps of the frames that decode to the right pixels, and the damage that was noted."""
    with open_bag(path) as bag:
        found = []
        for frame in FrameReader(bag).frames():
            number = (frame.stamp_ns - START_NS) // STEP_NS
            np.testing.assert_array_equal(frame.decode(), rgb_image(number))
            found.append(frame.stamp_ns)
        return found, bag.damage


def storage_file(bag: Path) -> Path:
    return next(file for file in bag.iterdir() if file.name != "metadata.yaml")


@pytest.mark.parametrize(("storage", "compression"), LAYOUTS)
def test_every_storage_and_compression_is_read_whole(tmp_path: Path, storage: str, compression: str) -> None:
    bag = write_bag(tmp_path / "bag", drive(5), storage, compression)
    assert stamps(bag) == ([START_NS + i * STEP_NS for i in range(5)], [])


@pytest.mark.parametrize(("storage", "compression"), LAYOUTS)
def test_a_bag_that_was_cut_off_is_read_to_the_cut(tmp_path: Path, storage: str, compression: str) -> None:
    bag = write_bag(tmp_path / "bag", drive(COUNT, height=192, width=256), storage, compression)
    file = storage_file(bag)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])
    with open_bag(bag) as opened:
        found = [frame.stamp_ns for frame in FrameReader(opened).frames()]
        assert COUNT // 3 < len(found) < COUNT
        assert found == [START_NS + i * STEP_NS for i in range(len(found))]
        assert any(file.name in line and "as far as it goes" in line for line in opened.damage)
        assert any("promises 48 messages" in line for line in opened.damage)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_nonsense_in_the_middle_costs_what_comes_after_it_and_is_reported(
    tmp_path: Path, storage: str
) -> None:
    bag = write_bag(
        tmp_path / "bag",
        drive(COUNT, height=192, width=256),
        storage,
        "storage" if storage == "mcap" else "none",
    )
    file = storage_file(bag)
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1_200_000] = b"\xa5" * 1_200_000
    file.write_bytes(content)
    with open_bag(bag) as opened:
        found = [frame.stamp_ns for frame in FrameReader(opened).frames()]
        assert 0 < len(found) < COUNT
        assert opened.damage


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_without_its_metadata_is_read_from_its_files(tmp_path: Path, storage: str) -> None:
    bag = write_bag(tmp_path / "bag", drive(5), storage, "message")
    (bag / "metadata.yaml").unlink()
    found, damage = stamps(bag)
    assert len(found) == 5
    assert damage == ["metadata.yaml is missing; going by the files"]


def test_metadata_that_is_not_yaml_counts_as_missing(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(5))
    (bag / "metadata.yaml").write_text("rosbag2_bagfile_information: [")
    found, damage = stamps(bag)
    assert len(found) == 5
    assert "metadata.yaml cannot be read" in damage[0]


def test_one_broken_file_of_a_split_bag_costs_only_itself(tmp_path: Path) -> None:
    whole = tmp_path / "split"
    whole.mkdir()
    messages = list(drive(9))
    for part in range(3):
        made = write_bag(tmp_path / f"part_{part}", messages[part * 6 : part * 6 + 6])
        storage_file(made).replace(whole / f"split_{part}.mcap")
    (whole / "split_1.mcap").write_bytes(b"no bag at all")
    found, damage = stamps(whole)
    assert [(s - START_NS) // STEP_NS for s in found] == [0, 1, 2, 6, 7, 8]
    assert any("split_1.mcap: cannot be read" in line for line in damage)


@pytest.mark.parametrize("name", ["drive.mcap", "drive.db3"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, name: str) -> None:
    """A recorder that is killed at once leaves one; what libraries say of it helps nobody."""
    file = tmp_path / name
    file.touch()
    with pytest.raises(BagError, match=f"{name}: is empty, 0 bytes") as raised:
        open_bag(file)
    assert "Error" not in str(raised.value)


def test_a_single_storage_file_is_a_bag(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(3), "sqlite3")
    found, damage = stamps(storage_file(bag))
    assert (len(found), damage) == (3, [])


def test_unknown_and_broken_message_types_do_no_harm(tmp_path: Path) -> None:
    extra = [
        ("/lidar", "acme_msgs/msg/Secret", "this is ( no definition", START_NS, b"\0\1\0\0garbage"),
        ("/objects", "vision_msgs/msg/Detection2DArray", "%%%", START_NS, b"\0\1\0\0"),
    ]
    bag = write_bag(tmp_path / "bag", drive(3), extra=extra)
    assert len(stamps(bag)[0]) == 3


def test_unsorted_messages_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    shuffled = [list(drive(6))[i] for i in (6, 7, 0, 1, 10, 11, 4, 5, 2, 3, 8, 9)]
    for storage in ("mcap", "sqlite3"):
        bag = write_bag(tmp_path / storage, shuffled, storage)
        assert stamps(bag)[0] == [START_NS + i * STEP_NS for i in range(6)]


def test_a_ros_1_bag_is_read(tmp_path: Path) -> None:
    from rosbags.rosbag1 import Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS1_NOETIC)
    path = tmp_path / "old.bag"
    with Writer(path) as writer:
        connection = writer.add_connection("/front/image_raw", IMAGE, typestore=store)
        for number in range(3):
            stamp_ns = START_NS + number * STEP_NS
            rgb = rgb_image(number)
            stamp = store.types["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
            message = store.types[IMAGE](
                store.types["std_msgs/msg/Header"](number, stamp, "cam"), *rgb.shape[:2], "rgb8", 0,
                rgb.shape[1] * 3, rgb.reshape(-1),
            )  # fmt: skip
            writer.write(connection, stamp_ns, store.serialize_ros1(message, IMAGE))
    assert len(stamps(path)[0]) == 3


@pytest.mark.parametrize("what", ["nothing", "empty folder", "no frames", "no such camera", "text"])
def test_what_is_not_a_bag_is_refused_in_one_clear_line(tmp_path: Path, what: str) -> None:
    path = tmp_path / "bag"
    cameras: tuple[str, ...] = ()
    if what == "empty folder":
        path.mkdir()
    elif what == "no frames":
        hello = TYPES["std_msgs/msg/String"]("hello")
        write_bag(path, [("/chatter", "std_msgs/msg/String", START_NS, hello)])
    elif what == "no such camera":
        write_bag(path, drive(1))
        cameras = ("/rear/image_raw",)
    elif what == "text":
        path = tmp_path / "notes.txt"
        path.write_text("hello")
    with pytest.raises(BagError, match=str(path).replace("\\", ".")), open_bag(path) as bag:
        FrameReader(bag, cameras)


def test_seconds_choose_a_stretch_of_the_bag(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", drive(25))
    with open_bag(bag) as opened:
        frames = list(FrameReader(opened).frames(0.2, 0.4))
    assert [(f.stamp_ns - START_NS) // STEP_NS for f in frames] == [5, 6, 7, 8, 9]


def test_raw_images_are_preferred_to_compressed_ones_of_the_same_camera(tmp_path: Path) -> None:
    both = [*drive(2), *drive(2, is_compressed=True)]
    with open_bag(write_bag(tmp_path / "bag", both)) as opened:
        assert [c.topic for c in FrameReader(opened).cameras] == ["/front/image_raw"]
        chosen = FrameReader(opened, ["/front/image_raw/compressed"]).cameras
        assert [c.topic for c in chosen] == ["/front/image_raw/compressed"]


def test_names_of_cameras() -> None:
    assert camera_base("/a/front/image_raw") == "/a/front"
    assert camera_base("/front/image_raw/compressed") == "/front"
    assert camera_base("/front/image_color") == "/front"
    assert camera_base("/cam0") == "/cam0"
    assert camera_base("/image_raw") == camera_base("/image_raw/compressed") == ""


def test_a_frame_whose_bytes_are_cut_off_does_not_end_the_reading(tmp_path: Path) -> None:
    short = image_message(rgb_image(0), START_NS)
    short.data = short.data[:100]
    broken = [("/front/image_raw", IMAGE, START_NS - 10, short)]
    with open_bag(write_bag(tmp_path / "bag", [*broken, *drive(2)])) as opened:
        first, *rest = FrameReader(opened).frames()
        with pytest.raises(ValueError, match="100 bytes"):
            first.decode()
        assert len(rest) == 2
