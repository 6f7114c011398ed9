# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are cameras, and which only look like it: depth, disparity, masks, packets of a stream."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from restoregan_core.bags.messages import (
    CAMERA_TYPES,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
    INFO_TYPE,
    READ_SERIALIZATIONS,
    MessageTypes,
)
from restoregan_core.bags.reader import Bag, BagError
from restoregan_core.bags.types import Topic
from restoregan_core.bags.video import VIDEO_TYPE
from restoregan_core.wording import did_you_mean

_NOT_READ = "not decoded here"
# Images too, but not of a type that is decoded here.
_OTHER_IMAGES = {
    "stereo_msgs/msg/DisparityImage": "disparity",
    "theora_image_transport/msg/Packet": f"theora packets, {_NOT_READ}",
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": f"ffmpeg packets, {_NOT_READ}",
}
# One unsigned 16-bit channel without a colour's name is depth in millimetres (REP 118); the other types are
# no pixel values at all.
_MEASURED = re.compile(r"16UC1|(8S|16S|32S|32F|64F)C\d+")
_IMAGE_SCHEMA = re.compile("image|video", re.IGNORECASE)
_MASK_WORDS = {"mask", "masks", "segmentation", "semantic", "label", "labels", "disparity", "confidence"}
_TRUTH_WORDS = {"truth", "groundtruth", "gt"}
_TRANSPORTS = ("/compressed", "/video")
_IMAGES = (
    "/image_raw", "/image_rect_raw", "/image_rect_color", "/image_rect", "/image_color", "/image_mono", "/image",
)  # fmt: skip


@dataclass(frozen=True)
class Camera:
    """One camera's topics. ``base`` is what the node's topic names start with: ``/front``; "" for ``/image_raw``."""

    base: str
    topic: str
    msgtype: str
    info_topic: str | None
    count: int

    @property
    def name(self) -> str:
        """Without the leading slash, as reports and tables have it."""
        return self.base.lstrip("/") or "camera"


def camera_base(topic: str) -> str:
    """``/front/image_raw/compressed`` -> ``/front``; ``/image_raw``, as some drivers publish it -> ""."""
    base = topic
    for ending in (*_TRANSPORTS, *_IMAGES):
        base = base.removesuffix(ending)
    return base


def find_cameras(bag: Bag, types: MessageTypes) -> tuple[list[Camera], dict[str, str]]:
    """Every camera of a bag, by name, and the topics that only look like one, with the reason.

    Of raw and compressed images of one camera the raw ones are taken, of those its driver's own before what was
    rectified or turned grey. Infrared (mono8) is a camera.
    """
    topics = bag.topics
    found: dict[str, Camera] = {}
    left_out: dict[str, str] = {}
    order = [*CAMERA_TYPES, *_OTHER_IMAGES]
    held = [topic for topic in topics.values() if topic.count]
    for topic in held:
        if topic.serialization not in READ_SERIALIZATIONS and _IMAGE_SCHEMA.search(topic.msgtype):
            left_out[topic.name] = f"{topic.msgtype} as {topic.serialization}, {_NOT_READ}"
    images = [topic for topic in held if topic.msgtype in order and topic.name not in left_out]
    for topic in sorted(images, key=lambda topic: (order.index(topic.msgtype), _rank(topic.name))):
        if "/restored/" in topic.name:  # made by this package
            continue
        reason = _why_no_camera(topic, bag, types)
        if reason:
            left_out[topic.name] = reason
        else:
            found.setdefault(camera_base(topic.name), _camera(topic, topics))
    return sorted(found.values(), key=lambda camera: camera.base), left_out


def choose_cameras(bag: Bag, types: MessageTypes, wanted: Sequence[str]) -> list[Camera]:
    """The cameras that are asked for by topic or name; all of the bag where none is.

    What was left out goes into ``bag.notes`` in one line.

    Raises:
        BagError: no such topic, or no camera in the bag; the message lists what there is.
    """
    found, left_out = find_cameras(bag, types)
    why = ", ".join(f"{name} ({reason})" for name, reason in sorted(left_out.items()))
    if not wanted:
        if not found:
            others = (
                f"left out: {why}; name one to take it"
                if why
                else f"topics: {', '.join(bag.topics) or 'none'}"
            )
            raise BagError(f"{bag.path} does not hold any camera frames ({others})")
        if why:
            bag.note(f"not a camera, left out unless named: {why}")
        return found
    topics = bag.topics
    chosen = []
    for name in wanted:
        matches = [c for c in found if name in (c.topic, c.base, c.name)]
        is_readable = (
            name in topics
            and topics[name].msgtype in CAMERA_TYPES
            and _NOT_READ not in left_out.get(name, "")
        )
        if not matches and is_readable:
            matches = [_camera(topics[name], topics)]
        if not matches and name in left_out:
            raise BagError(f"{name} cannot be replayed: {left_out[name]}")
        if not matches:
            listed = ", ".join(camera.topic for camera in found) or "none"
            meant = did_you_mean(name, [*topics, *(camera.name for camera in found)])
            raise BagError(f"no camera {name!r}{meant} in {bag.path}; there are: {listed}")
        chosen += matches
    return chosen


def _camera(topic: Topic, topics: dict[str, Topic]) -> Camera:
    base = camera_base(topic.name)
    info = topics.get(f"{base}/camera_info")
    if info is None:
        # image_transport's rule, /near/front_view beside /near/camera_info, where it says whose intrinsics they are.
        parent = base.rpartition("/")[0]
        beside = {camera_base(t.name) for t in topics.values() if t.msgtype in CAMERA_TYPES}
        if [other for other in beside if other.rpartition("/")[0] == parent] == [base]:
            info = topics.get(f"{parent}/camera_info")
    info_topic = info.name if info and info.msgtype == INFO_TYPE else None
    return Camera(base, topic.name, topic.msgtype, info_topic, topic.count)


def _rank(topic: str) -> int:
    """Less for what a driver publishes itself, whatever the transport; alike for other names."""
    for ending in _TRANSPORTS:
        topic = topic.removesuffix(ending)
    return next((rank for rank, ending in enumerate(_IMAGES) if topic.endswith(ending)), 0)


def _why_no_camera(topic: Topic, bag: Bag, types: MessageTypes) -> str:
    """ "" for a camera. What a topic's name leaves open its first image decides."""
    if topic.msgtype in _OTHER_IMAGES:
        return _OTHER_IMAGES[topic.msgtype]
    if topic.name.endswith("/compressedDepth"):
        return "compressedDepth"
    words = set(re.split(r"[/_]", topic.name.lower()))
    if masks := _MASK_WORDS & words:
        return f"{min(masks)}, by its name"
    if _TRUTH_WORDS & words:
        return f"ground truth, by its name; --truth {topic.name} measures against it"
    first = None if topic.msgtype == VIDEO_TYPE else bag.first_message(topic.name)
    message = None if first is None else types.deserialize(first)
    if message is None:
        return ""
    if topic.msgtype != IMAGE_TYPE and "compresseddepth" in message.format.lower():
        return "compressedDepth"
    if topic.msgtype == COMPRESSED_TYPE and message.format == "zstd":
        return f"zstd_image_transport, {_NOT_READ}"
    if (
        topic.msgtype == COMPRESSED_TYPE
        and message.format == "png"
        and _is_grey_of_16_bits(bytes(message.data[:26]))
    ):
        return "a PNG of 16-bit grey: depth"
    encoding = message.encoding if topic.msgtype == IMAGE_TYPE else message.format.partition(";")[0].strip()
    if _MEASURED.fullmatch(encoding):
        kind = "depth" if encoding in ("16UC1", "32FC1") else "no pixel values"
        return f"{encoding}: {kind}" if encoding == "16UC1" else f"{encoding}: {kind}, {_NOT_READ}"
    return ""


def _is_grey_of_16_bits(png: bytes) -> bool:
    """Bit depth and colour type stand in a PNG's first chunk (ISO/IEC 15948, 11.2.2)."""
    return png[:4] == b"\x89PNG" and png[24:26] == b"\x10\0"
