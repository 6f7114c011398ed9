# SPDX-License-Identifier: Apache-2.0
"""Small bags to replay, and ways to look at what came out."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags")
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from restoregan_core.bags.reader import open_bag
from restoregan_core.bags.writer import REPORT_TYPE, output_typestore
from restoregan_core.images import encodings

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
START_NS = 1_700_000_000 * 10**9
STEP_NS = 40_000_000
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


def rgb_image(number: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A road with something on it that moves; every third one is smeared: uint8 RGB."""
    rng = np.random.default_rng(number)
    rgb = cv2.resize(rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8), (width, height))
    rgb = cv2.addWeighted(rgb, 0.6, rng.integers(0, 256, rgb.shape, np.uint8), 0.4, 0)
    left = 5 + 3 * number % (width - 30)
    cv2.rectangle(rgb, (left, height // 2), (left + 20, height // 2 + 14), (200, 30, 30), -1)
    return cv2.blur(rgb, (15, 3)) if number % 3 == 0 else rgb


def header(stamp_ns: int, frame_id: str = "front_optical") -> Any:
    stamp = TYPES["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    return TYPES["std_msgs/msg/Header"](stamp, frame_id)


def image_message(rgb: np.ndarray, stamp_ns: int, encoding: str = "rgb8") -> Any:
    height, width = rgb.shape[:2]
    return TYPES[IMAGE](header(stamp_ns), height, width, encoding, 0, width * 3, rgb.reshape(-1))


def compressed(rgb: np.ndarray, stamp_ns: int) -> Any:
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return TYPES[COMPRESSED](header(stamp_ns), "bgr8; jpeg compressed bgr8", data.reshape(-1))


def camera_info(stamp_ns: int, height: int, width: int, focal_px: float = 100.0) -> Any:
    k = np.array([focal_px, 0, width / 2, 0, focal_px, height / 2, 0, 0, 1.0])
    roi = TYPES["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    return TYPES["sensor_msgs/msg/CameraInfo"](
        header(stamp_ns),
        height,
        width,
        "plumb_bob",
        np.zeros(5),
        k,
        np.eye(3).ravel(),
        np.zeros(12),
        0,
        0,
        roi,
    )


def write_bag(
    path: Path,
    messages: Iterable[tuple[str, str, int, Any]],
    storage: str = "mcap",
    compression: str = "none",
    extra: Sequence[tuple[str, str, str, int, bytes]] = (),
) -> Path:
    """A bag of (topic, type, time, message), and ``extra`` (topic, type, definition, time, raw bytes)."""
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression != "none":
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
    connections: dict[str, Any] = {}
    with writer:
        for topic, msgtype, definition, time_ns, data in extra:
            if topic not in connections:
                connections[topic] = writer.add_connection(
                    topic, msgtype, msgdef=definition, rihs01="RIHS01_" + "0" * 64
                )
            writer.write(connections[topic], time_ns, data)
        for topic, msgtype, time_ns, message in messages:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, msgtype, typestore=STORE)
            writer.write(connections[topic], time_ns, STORE.serialize_cdr(message, msgtype))
    return path


def drive(
    count: int, base: str = "/front", is_compressed: bool = False, is_still: bool = False, **size: int
) -> Iterable[tuple[str, str, int, Any]]:
    """Images with intrinsics, 25 a second; before a still camera only their noise differs."""
    for number in range(count):
        time_ns = START_NS + number * STEP_NS
        rgb = rgb_image(0 if is_still else number, **size)
        if is_still:
            rgb = rgb ^ np.random.default_rng(number).integers(0, 2, rgb.shape, dtype=np.uint8)
        yield (
            f"{base}/camera_info",
            "sensor_msgs/msg/CameraInfo",
            time_ns,
            camera_info(time_ns, *rgb.shape[:2]),
        )
        if is_compressed:
            yield f"{base}/image_raw/compressed", COMPRESSED, time_ns + 1000, compressed(rgb, time_ns)
        else:
            yield f"{base}/image_raw", IMAGE, time_ns + 1000, image_message(rgb, time_ns)


def messages_of(path: Path) -> list[tuple[str, int, Any]]:
    """Every message of a replay's bag: topic, time, object."""
    store = output_typestore()
    with open_bag(path) as bag:
        assert not bag.damage
        return [
            (m.topic, m.time_ns, store.deserialize_cdr(m.data, m.msgtype))
            for m in bag.messages(list(bag.topics))
        ]


def images_of(path: Path, topic: str = "/front/restored/image_raw") -> list[np.ndarray]:
    """What a replay's bag holds on one topic of raw images, decoded: uint8 RGB."""
    found = [m for t, _, m in messages_of(path) if t == topic]
    return [encodings.decode(m.encoding, m.data, m.height, m.width, m.step) for m in found]


def comparable(path: Path) -> list[tuple[Any, ...]]:
    """A replay's bag without the times that were measured."""
    made = []
    for topic, time_ns, message in messages_of(path):
        fields = {name: getattr(message, name) for name in message.__dataclass_fields__}
        if message.__msgtype__ == REPORT_TYPE:
            fields |= {"assessment_ms": 0, "restoration_ms": 0, "latency_ms": 0}
        made.append((topic, time_ns, repr({k: _plain(v) for k, v in fields.items()})))
    return made


def _plain(value: Any) -> Any:
    return value.tobytes() if isinstance(value, np.ndarray) else value
