# SPDX-License-Identifier: Apache-2.0
"""From a bag's messages to camera frames: which topics are cameras, their intrinsics, their pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.bags.reader import Bag, BagError
from restoregan_core.bags.types import Message
from restoregan_core.bags.video import VIDEO_TYPE, VideoDecoder
from restoregan_core.images import encodings

IMAGE_TYPE = "sensor_msgs/msg/Image"
COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
INFO_TYPE = "sensor_msgs/msg/CameraInfo"
CAMERA_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE, VIDEO_TYPE)


@dataclass(frozen=True)
class Camera:
    """One camera's topics. ``base`` is what the node's topic names start with: ``/front``."""

    base: str
    topic: str
    msgtype: str
    info_topic: str | None
    count: int

    @property
    def name(self) -> str:
        """Without the leading slash, as reports and tables have it."""
        return self.base.lstrip("/") or "camera"


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """One picture as recorded, not yet decoded."""

    index: int
    """Running number over all chosen cameras, from 0, in the order of the bag."""
    camera: Camera
    time_ns: int
    """When it was recorded."""
    stamp_ns: int
    """Stamp of its header."""
    frame_id: str
    message: Any
    """The message as rosbags deserialises it; None if it cannot be."""
    raw: Message
    info: Message | None
    """The camera's latest intrinsics; its first ones where the picture came before them."""
    passed: tuple[Message, ...] = ()
    """Intrinsics of all cameras as recorded, up to the next frame: over all frames each message once."""
    video_pixels: npt.NDArray[np.uint8] | Exception | None = None
    """The decoded frame of a CompressedVideo, which is decoded in order, or why it could not be decoded."""

    @property
    def encoding(self) -> str:
        """``encoding`` of an Image, ``format`` of anything compressed."""
        if self.message is None:
            return ""
        return str(self.message.encoding if self.raw.msgtype == IMAGE_TYPE else self.message.format)

    def decode(self) -> npt.NDArray[np.uint8]:
        """Pixels as uint8 RGB (height, width, 3), not to be written to.

        Raises:
            UnsupportedEncodingError, MalformedImageError: as ``images.encodings`` has it.
        """
        if self.message is None:
            raise encodings.MalformedImageError(f"{len(self.raw.data)} bytes are not a {self.raw.msgtype}")
        if isinstance(self.video_pixels, Exception):
            raise self.video_pixels
        if self.video_pixels is not None:
            return self.video_pixels
        m = self.message
        if self.raw.msgtype == COMPRESSED_TYPE:
            return encodings.decode_compressed(m.format, m.data)
        return encodings.decode(m.encoding, m.data, m.height, m.width, m.step, bool(m.is_bigendian))


class FrameReader:
    """Frames of some cameras of a bag.

    Args:
        bag: open.
        cameras: topics, or names as in ``Camera.name``; empty: all cameras of the bag.

    Raises:
        BagError: no such topic, or no camera in the bag; the message lists what there is.
    """

    def __init__(self, bag: Bag, cameras: Sequence[str] = ()) -> None:
        self.bag = bag
        self.types = MessageTypes(bag)
        self.cameras = _choose(find_cameras(bag), cameras, bag)

    def frames(self, start_s: float = 0.0, end_s: float | None = None) -> Iterator[SourceFrame]:
        """In the order of recording."""
        by_topic = {camera.topic: camera for camera in self.cameras}
        info_of = {camera.info_topic: camera for camera in self.cameras if camera.info_topic}
        # Intrinsics that a driver publishes after its picture serve the first picture, too.
        firsts = ((camera.base, next(self.bag.messages([t]), None)) for t, camera in info_of.items())
        infos: dict[str, Message] = {base: message for base, message in firsts if message is not None}
        decoders = {c.topic: VideoDecoder() for c in self.cameras if c.msgtype == VIDEO_TYPE}
        index = 0
        held: SourceFrame | None = None
        passed: list[Message] = []
        for message in self.bag.messages([*by_topic, *info_of], start_s, end_s):
            if message.topic in info_of:
                infos[info_of[message.topic].base] = message
                passed.append(message)
                continue
            if held is not None:
                yield replace(held, passed=tuple(passed))
                passed = []
            camera = by_topic[message.topic]
            held = self._frame(index, camera, message, infos.get(camera.base), decoders.get(camera.topic))
            index += 1
        if held is not None:
            yield replace(held, passed=tuple(passed))

    def _frame(
        self, index: int, camera: Camera, raw: Message, info: Message | None, video: VideoDecoder | None
    ) -> SourceFrame:
        message = self.types.deserialize(raw)
        if message is None:
            return SourceFrame(index, camera, raw.time_ns, raw.time_ns, "", None, raw, info)
        if video is not None:
            stamp, frame_id = message.timestamp, message.frame_id
        else:
            stamp, frame_id = message.header.stamp, message.header.frame_id
        pixels = None if video is None else video.decode(message.format, bytes(message.data))
        stamp_ns = stamp.sec * 10**9 + stamp.nanosec
        return SourceFrame(
            index, camera, raw.time_ns, stamp_ns, frame_id, message, raw, info, video_pixels=pixels
        )


class MessageTypes:
    """Deserialises the few types that replay reads. Every other type of the bag may be unknown or broken."""

    def __init__(self, bag: Bag) -> None:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore

        self._is_ros1 = bag.is_ros1
        self._definitions = {topic.msgtype: topic.definition for topic in bag.topics.values()}
        self._store = get_typestore(Stores.ROS1_NOETIC if bag.is_ros1 else Stores.ROS2_JAZZY)
        for topic in bag.topics.values():
            if topic.msgtype in self._store.types or topic.msgtype.split("/")[0] not in _EXTRA_PACKAGES:
                continue
            try:
                types = get_types_from_msg(topic.definition, topic.msgtype)
                known = self._store.types
                self._store.register({name: text for name, text in types.items() if name not in known})
            except Exception:  # a broken definition: its topic stays unread
                continue

    def deserialize(self, message: Message) -> Any | None:
        """The message as an object of rosbags; None for bytes or a type that cannot be read."""
        try:
            if self._is_ros1:
                return self._store.deserialize_ros1(message.data, message.msgtype)
            return self._store.deserialize_cdr(_as_xcdr1(message), message.msgtype)
        except Exception:  # rosbags raises whatever the broken bytes lead to
            return None

    def definition(self, msgtype: str) -> str:
        """The message's text as recorded."""
        return self._definitions.get(msgtype, "")


_EXTRA_PACKAGES = ("vision_msgs", "foxglove_msgs")


def _as_xcdr1(message: Message) -> bytes:
    """Bytes that rosbags can read: it refuses plain XCDR2 (OMG DDS-XTypes 1.3, 7.6.2.1.2).

    That differs from XCDR1 in the alignment of eight-byte members alone, of which pictures have none.
    """
    is_plain_xcdr2 = message.data[:2] in (b"\0\6", b"\0\7")
    if is_plain_xcdr2 and message.msgtype in CAMERA_TYPES:
        return b"\0" + bytes([message.data[1] - 6]) + message.data[2:]
    return message.data


def find_cameras(bag: Bag) -> list[Camera]:
    """Every camera of a bag, by name. Of raw and compressed pictures of one camera the raw ones are taken."""
    topics = bag.topics
    found: dict[str, Camera] = {}
    pictures = [topic for topic in topics.values() if topic.msgtype in CAMERA_TYPES]
    for topic in sorted(pictures, key=lambda topic: CAMERA_TYPES.index(topic.msgtype)):
        is_ours = "/restored/" in topic.name or topic.name.endswith("compressedDepth")
        if is_ours or topic.count == 0:
            continue
        base = camera_base(topic.name)
        info = topics.get(f"{base}/camera_info")
        info_topic = info.name if info and info.msgtype == INFO_TYPE else None
        found.setdefault(base, Camera(base, topic.name, topic.msgtype, info_topic, topic.count))
    return sorted(found.values(), key=lambda camera: camera.base)


def camera_base(topic: str) -> str:
    """``/front/image_raw/compressed`` -> ``/front``."""
    base = topic
    for ending in ("/compressed", "/video", "/image_raw", "/image_rect", "/image_color", "/image"):
        base = base.removesuffix(ending)
    return base or topic


def _choose(found: list[Camera], wanted: Sequence[str], bag: Bag) -> list[Camera]:
    listed = ", ".join(camera.topic for camera in found) or "none"
    if not wanted:
        if not found:
            raise BagError(
                f"{bag.path} does not hold any camera frames (topics: {', '.join(bag.topics) or 'none'})"
            )
        return found
    chosen = []
    for name in wanted:
        matches = [c for c in found if name in (c.topic, c.base, c.name)]
        if not matches and name in bag.topics and bag.topics[name].msgtype in CAMERA_TYPES:
            topic, base = bag.topics[name], camera_base(name)
            info = f"{base}/camera_info"
            matches = [Camera(base, name, topic.msgtype, info if info in bag.topics else None, topic.count)]
        if not matches:
            raise BagError(f"no camera {name!r} in {bag.path}; there are: {listed}")
        chosen += matches
    return chosen
