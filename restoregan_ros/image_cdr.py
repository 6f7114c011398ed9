# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/Image and CompressedImage as the bytes that DDS carries (CDR, OMG DDS-XTypes 1.3, 7.4.1).

rclpy copies an image twice to make a message of it, and twice to send it. A raw subscription hands over the
serialised bytes instead: the few fields before the pixels are read here, the pixels are viewed in place, and
what is passed through is published as the very bytes that came. docs/benchmarks/node_latency.md has figures.
"""

import struct
from dataclasses import dataclass
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image

ENCAPSULATION_BYTES = 4
LITTLE_ENDIAN = b"\x00\x01\x00\x00"


@dataclass(frozen=True)
class ImageFields:
    """A sensor_msgs/Image, or with ``encoding`` = its format and no size, a CompressedImage."""

    sec: int
    nanosec: int
    frame_id: str
    encoding: str
    data: memoryview
    height: int = 0
    width: int = 0
    is_bigendian: bool = False
    step: int = 0


class _Reader:
    """Reads primitive values one after the other, each at a multiple of its own size."""

    def __init__(self, cdr: bytes) -> None:
        self._cdr = cdr
        self._order = "<" if cdr[1] else ">"
        self._at = ENCAPSULATION_BYTES

    def integer(self, code: str = "I") -> int:
        size = struct.calcsize(code)
        self._at += -(self._at - ENCAPSULATION_BYTES) % size
        (value,) = struct.unpack_from(self._order + code, self._cdr, self._at)
        self._at += size
        return int(value)

    def octets(self) -> memoryview:
        length = self.integer()
        begin, self._at = self._at, self._at + length
        if self._at > len(self._cdr):
            raise ValueError(f"a sequence of {length} bytes reaches beyond the end of the message")
        return memoryview(self._cdr)[begin : self._at]

    def text(self) -> str:
        return str(self.octets(), "utf-8", "replace").rstrip("\0")


def read_image(cdr: bytes) -> ImageFields:
    """Fields of a serialised sensor_msgs/Image; ``data`` is a view of ``cdr``.

    Raises:
        ValueError: cut off, or not a serialised image.
    """
    if not _is_plain(cdr):
        return _image_fields(_deserialised(cdr, Image))
    reader = _Reader(cdr)
    try:
        sec, nanosec, frame_id = reader.integer("i"), reader.integer(), reader.text()
        height, width, encoding = reader.integer(), reader.integer(), reader.text()
        is_bigendian, step = bool(reader.integer("B")), reader.integer()
        return ImageFields(
            sec, nanosec, frame_id, encoding, reader.octets(), height, width, is_bigendian, step
        )
    except struct.error as error:
        raise ValueError(f"a serialised image of {len(cdr)} bytes is cut off: {error}") from error


def read_compressed_image(cdr: bytes) -> ImageFields:
    """The same for a serialised sensor_msgs/CompressedImage.

    Raises:
        ValueError: cut off, or not a serialised image.
    """
    if not _is_plain(cdr):
        message = _deserialised(cdr, CompressedImage)
        stamp = message.header.stamp
        return ImageFields(
            stamp.sec, stamp.nanosec, message.header.frame_id, message.format, memoryview(message.data)
        )
    reader = _Reader(cdr)
    try:
        sec, nanosec, frame_id = reader.integer("i"), reader.integer(), reader.text()
        return ImageFields(sec, nanosec, frame_id, reader.text(), reader.octets())
    except struct.error as error:
        raise ValueError(f"a serialised image of {len(cdr)} bytes is cut off: {error}") from error


def write_image(image: ImageFields) -> bytes:
    """A serialised sensor_msgs/Image."""
    head = bytearray(LITTLE_ENDIAN + struct.pack("<iI", image.sec, image.nanosec))
    _append_text(head, image.frame_id)
    _align(head)
    head += struct.pack("<II", image.height, image.width)
    _append_text(head, image.encoding)
    head.append(image.is_bigendian)
    _align(head)
    head += struct.pack("<II", image.step, image.data.nbytes)
    return b"".join((head, image.data))


def _is_plain(cdr: bytes) -> bool:
    """Whether this is classic CDR in either byte order, as ROS middlewares send Image."""
    return len(cdr) >= ENCAPSULATION_BYTES and cdr[0] == 0 and cdr[1] in (0, 1)


def _deserialised(cdr: bytes, message_type: type) -> Any:
    """The message of bytes in another encapsulation, by the middleware's own reader."""
    try:
        return deserialize_message(cdr, message_type)
    except Exception as error:  # each middleware raises in its own way
        raise ValueError(f"{len(cdr)} bytes are not a serialised {message_type.__name__}: {error}") from error


def _image_fields(message: Image) -> ImageFields:
    stamp = message.header.stamp
    return ImageFields(
        stamp.sec, stamp.nanosec, message.header.frame_id, message.encoding, memoryview(message.data),
        message.height, message.width, bool(message.is_bigendian), message.step,
    )  # fmt: skip


def _append_text(head: bytearray, text: str) -> None:
    _align(head)
    encoded = text.encode("utf-8") + b"\0"
    head += struct.pack("<I", len(encoded)) + encoded


def _align(head: bytearray) -> None:
    head.extend(bytes(-len(head) % 4))  # the encapsulation has 4 bytes itself
