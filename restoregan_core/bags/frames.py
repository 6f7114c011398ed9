# SPDX-License-Identifier: Apache-2.0
"""From a bag's messages to camera frames: their intrinsics, their pixels."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.bags.cameras import Camera, choose_cameras
from restoregan_core.bags.messages import IMAGE_TYPE, MessageTypes
from restoregan_core.bags.reader import Bag
from restoregan_core.bags.types import Message
from restoregan_core.bags.video import VIDEO_TYPE, VideoDecoder, is_codec
from restoregan_core.images import encodings
from restoregan_core.images.rgb import RgbImage


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """One image as recorded, not yet decoded."""

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
    """The camera's latest intrinsics; its first ones where the image came before them."""
    passed: tuple[Message, ...] = ()
    """Intrinsics of all cameras as recorded, up to the next frame: over all frames each message once."""
    video_pixels: npt.NDArray[np.uint8] | Exception | None = None
    """The decoded frame of a stream of packets, which is decoded in order, or why it could not be decoded."""

    @property
    def encoding(self) -> str:
        """``encoding`` of an Image, ``format`` of anything compressed.

        16UC1 is mono16 here: it is replayed only where somebody named the topic, as thermal cameras publish it.
        """
        if self.message is None:
            return ""
        if self.raw.msgtype != IMAGE_TYPE:
            return str(self.message.format)
        return "mono16" if self.message.encoding == "16UC1" else str(self.message.encoding)

    @property
    def is_packet(self) -> bool:
        """Whether its message is a packet of a stream, not an image of its own."""
        return self.video_pixels is not None

    def decode(self) -> RgbImage:
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
        if self.raw.msgtype != IMAGE_TYPE:
            return encodings.decode_compressed(m.format, m.data)
        return encodings.decode(self.encoding, m.data, m.height, m.width, m.step, bool(m.is_bigendian))


class FrameReader:
    """Frames of some cameras of a bag.

    Args:
        bag: open.
        cameras: topics, or names as in ``Camera.name``; empty: all cameras of the bag, and what was left out
            as none goes into ``bag.notes``.

    Raises:
        BagError: no such topic, or no camera in the bag; the message lists what there is.
    """

    def __init__(self, bag: Bag, cameras: Sequence[str] = ()) -> None:
        self.bag = bag
        self.types = MessageTypes(bag)
        self.cameras = choose_cameras(bag, self.types, cameras)

    def frames(self, start_s: float = 0.0, end_s: float | None = None) -> Iterator[SourceFrame]:
        """In the order of recording."""
        by_topic = {camera.topic: camera for camera in self.cameras}
        info_of = {camera.info_topic: camera for camera in self.cameras if camera.info_topic}
        # Intrinsics that a driver publishes after its image serve the first image, too.
        firsts = ((camera.base, self.bag.first_message(t)) for t, camera in info_of.items())
        infos: dict[str, Message] = {base: message for base, message in firsts if message is not None}
        decoders: dict[str, VideoDecoder] = defaultdict(VideoDecoder)
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
            held = self._frame(index, camera, message, infos.get(camera.base), decoders)
            index += 1
        if held is not None:
            yield replace(held, passed=tuple(passed))

    def _frame(
        self,
        index: int,
        camera: Camera,
        raw: Message,
        info: Message | None,
        decoders: dict[str, VideoDecoder],
    ) -> SourceFrame:
        message = self.types.deserialize(raw)
        if message is None:
            return SourceFrame(index, camera, raw.time_ns, raw.time_ns, "", None, raw, info)
        if hasattr(message, "header"):
            stamp, frame_id = message.header.stamp, message.header.frame_id
        else:  # Foxglove's types
            stamp, frame_id = message.timestamp, message.frame_id
        pixels = None
        if raw.msgtype == VIDEO_TYPE or (raw.msgtype != IMAGE_TYPE and is_codec(message.format)):
            pixels = decoders[camera.topic].decode(message.format, bytes(message.data))
        stamp_ns = stamp.sec * 10**9 + stamp.nanosec
        return SourceFrame(
            index, camera, raw.time_ns, stamp_ns, frame_id, message, raw, info, video_pixels=pixels
        )
