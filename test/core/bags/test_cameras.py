# SPDX-License-Identifier: Apache-2.0
"""Depth, masks, disparity and packets are not cameras; infrared is one; raw and compressed count once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from replay_bags import (
    COMPRESSED,
    IMAGE,
    START_NS,
    STEP_NS,
    TYPES,
    camera_info,
    compressed,
    drive,
    header,
    image_message,
    rgb_image,
    write_bag,
)

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import BagError, open_bag
from restoregan_core.images.encodings import UnsupportedEncodingError

DEPTH = "/camera/depth/image_rect_raw"


def one_channel(values: np.ndarray, stamp_ns: int, encoding: str) -> Any:
    height, width = values.shape
    data = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    return TYPES[IMAGE](header(stamp_ns), height, width, encoding, 0, width * values.itemsize, data)


def packed(data: bytes, stamp_ns: int, form: str) -> Any:
    return TYPES[COMPRESSED](header(stamp_ns), form, np.frombuffer(data, np.uint8))


def realsense(count: int) -> Iterator[tuple[str, str, int, Any]]:
    """What a driver of depth cameras publishes, with the topics of its image transports."""
    for number in range(count):
        at = START_NS + number * STEP_NS
        rgb = rgb_image(number)
        depth_mm = np.full(rgb.shape[:2], 1500, np.uint16)
        yield "/camera/color/image_raw", IMAGE, at, image_message(rgb, at)
        yield "/camera/color/image_raw/compressed", COMPRESSED, at, compressed(rgb, at)
        yield DEPTH, IMAGE, at, one_channel(depth_mm, at, "16UC1")
        yield f"{DEPTH}/compressed", COMPRESSED, at, packed(b"\x89PNG", at, "16UC1; png compressed ")
        yield f"{DEPTH}/compressedDepth", COMPRESSED, at, packed(b"\0" * 12, at, "16UC1; compressedDepth png")
        yield "/camera/infra1/image_rect_raw", IMAGE, at, one_channel(rgb[..., 1], at, "mono8")


def names_and_notes(path: Path, *wanted: str) -> tuple[list[str], list[str]]:
    with open_bag(path) as bag:
        return [camera.name for camera in FrameReader(bag, wanted).cameras], bag.notes


def test_of_a_depth_cameras_bag_colour_and_infrared_are_taken_and_one_line_says_what_is_not(tmp_path) -> None:
    bag = write_bag(tmp_path / "bag", realsense(2))
    names, notes = names_and_notes(bag)
    assert names == ["camera/color", "camera/infra1"]
    (line,) = notes
    for topic, why in ((DEPTH, "16UC1: depth"), (f"{DEPTH}/compressedDepth", "compressedDepth")):
        assert f"{topic} ({why})" in line


def test_a_depth_topic_that_is_named_is_taken(tmp_path) -> None:
    bag = write_bag(tmp_path / "bag", realsense(1))
    assert names_and_notes(bag, DEPTH) == (["camera/depth"], [])


@pytest.mark.parametrize(
    ("topic", "encoding", "why"),
    [
        ("/zed/depth/depth_registered", "32FC1", "32FC1: depth, not decoded here"),
        ("/flow", "32FC2", "32FC2: no pixel values, not decoded here"),
        ("/ids", "32SC1", "32SC1: no pixel values, not decoded here"),
        ("/unet/raw_segmentation_mask", "mono8", "mask, by its name"),
        ("/stereo/disparity/image", "mono8", "disparity, by its name"),
        (
            "/truth/image_raw",
            "mono8",
            "ground truth, by its name; --truth /truth/image_raw measures against it",
        ),
    ],
)
def test_what_only_looks_like_an_image_is_left_out_with_its_reason(tmp_path, topic, encoding, why) -> None:
    size = {"32FC1": 4, "32FC2": 8, "32SC1": 4}.get(encoding, 1)
    values = np.zeros((8, 8), np.uint8 if size == 1 else np.float32 if size == 4 else np.float64)
    measured = [(topic, IMAGE, START_NS, one_channel(values, START_NS, encoding))]
    names, notes = names_and_notes(write_bag(tmp_path / "bag", [*measured, *drive(1)]))
    assert names == ["front"]
    assert notes == [f"not a camera, left out unless named: {topic} ({why})"]


@pytest.mark.parametrize(
    "msgtype", ["theora_image_transport/msg/Packet", "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"]
)
def test_packets_of_a_stream_are_left_out_and_refused_with_their_name_when_named(tmp_path, msgtype) -> None:
    packets = [("/front/image_raw/stream", msgtype, "uint8[] data\n", START_NS, b"\0\1\0\0\0\0\0\0")]
    bag = write_bag(tmp_path / "bag", drive(1), extra=packets)
    names, (line,) = names_and_notes(bag)
    assert names == ["front"]
    assert "packets, not decoded here" in line
    with pytest.raises(BagError, match="packets, not decoded here"):
        names_and_notes(bag, "/front/image_raw/stream")


def test_a_bag_of_nothing_but_depth_says_why_there_is_no_camera(tmp_path) -> None:
    depth = one_channel(np.zeros((8, 8), np.uint16), START_NS, "16UC1")
    with pytest.raises(BagError, match=r"16UC1: depth\); name one"):
        names_and_notes(write_bag(tmp_path / "bag", [(DEPTH, IMAGE, START_NS, depth)]))


def test_a_thermal_camera_of_16uc1_that_is_named_is_read_as_mono16_and_floats_are_refused(tmp_path) -> None:
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    thermal = ("/flir/image_raw", IMAGE, START_NS, one_channel(values, START_NS, "16UC1"))
    metres = ("/zed/depth", IMAGE, START_NS, one_channel(np.ones((8, 8), np.float32), START_NS, "32FC1"))
    path = write_bag(tmp_path / "bag", [thermal, metres])
    with open_bag(path) as bag:
        (frame,) = FrameReader(bag, ["/flir/image_raw"]).frames()
        assert frame.encoding == "mono16"
        np.testing.assert_array_equal(frame.decode()[..., 0], np.rint(values / 257).astype(np.uint8))
    with pytest.raises(BagError, match=r"/zed/depth cannot be replayed: 32FC1: depth, not decoded here"):
        names_and_notes(path, "/zed/depth")


@pytest.mark.parametrize(
    ("image_topic", "info_topic", "name"),
    [
        ("/image_raw", "/camera_info", "camera"),  # usb_cam, v4l2_camera without a namespace
        ("/image_raw/compressed", "/camera_info", "camera"),
        ("/near/image", "/near/camera_info", "near"),
        ("/near/front_view", "/near/camera_info", "near/front_view"),  # image_transport's rule
        ("/front_view", "/camera_info", "front_view"),
    ],
)
def test_intrinsics_are_found_where_drivers_publish_them(tmp_path, image_topic, info_topic, name) -> None:
    is_compressed = image_topic.endswith("/compressed")
    message = (compressed if is_compressed else image_message)(rgb_image(1), START_NS)
    info = (info_topic, "sensor_msgs/msg/CameraInfo", START_NS, camera_info(START_NS, 96, 128))
    recorded = [info, (image_topic, COMPRESSED if is_compressed else IMAGE, START_NS, message)]
    with open_bag(write_bag(tmp_path / "bag", recorded)) as bag:
        (camera,) = FrameReader(bag).cameras
        assert (camera.name, camera.info_topic) == (name, info_topic)


def test_intrinsics_beside_two_cameras_belong_to_neither(tmp_path) -> None:
    info = ("/near/camera_info", "sensor_msgs/msg/CameraInfo", START_NS, camera_info(START_NS, 96, 128))
    views = [
        (f"/near/{side}", IMAGE, START_NS, image_message(rgb_image(1), START_NS))
        for side in ("left", "right")
    ]
    with open_bag(write_bag(tmp_path / "bag", [info, *views])) as bag:
        assert [camera.info_topic for camera in FrameReader(bag).cameras] == [None, None]


def test_of_a_cameras_images_the_drivers_own_are_taken(tmp_path) -> None:
    made = ("image_rect_color", "image_mono", "image_raw")
    recorded = [(f"/front/{name}", IMAGE, START_NS, image_message(rgb_image(1), START_NS)) for name in made]
    with open_bag(write_bag(tmp_path / "bag", recorded)) as bag:
        assert [camera.topic for camera in FrameReader(bag).cameras] == ["/front/image_raw"]


def test_a_transport_that_is_not_decoded_is_left_out(tmp_path) -> None:
    sent = packed(b"\x30\0\0\0", START_NS, "zstd")
    names, (line,) = names_and_notes(
        write_bag(tmp_path / "bag", [("/front/image_raw/zstd", COMPRESSED, START_NS, sent), *drive(1)])
    )
    assert names == ["front"]
    assert "/front/image_raw/zstd (zstd_image_transport, not decoded here)" in line


def test_depth_in_a_png_whose_format_says_png_alone_is_known_by_its_16_bits_of_grey(tmp_path) -> None:
    depth = cv2.imencode(".png", np.full((8, 8), 1500, np.uint16))[1].tobytes()
    grey = cv2.imencode(".png", np.full((8, 8), 150, np.uint8))[1].tobytes()
    recorded = [
        ("/rgbd/registered", COMPRESSED, START_NS, packed(depth, START_NS, "png")),
        ("/night/image_raw", COMPRESSED, START_NS, packed(grey, START_NS, "png")),
    ]
    names, (line,) = names_and_notes(write_bag(tmp_path / "bag", recorded))
    assert names == ["night"]
    assert "/rgbd/registered (a PNG of 16-bit grey: depth)" in line


def test_a_camera_of_an_unknown_encoding_stays_one_and_its_frames_say_so(tmp_path) -> None:
    odd = one_channel(np.zeros((8, 8), np.uint8), START_NS, "bayer_rgbw8")
    with open_bag(write_bag(tmp_path / "bag", [("/front/image_raw", IMAGE, START_NS, odd)])) as bag:
        (frame,) = FrameReader(bag).frames()
        with pytest.raises(UnsupportedEncodingError, match="bayer_rgbw8"):
            frame.decode()
