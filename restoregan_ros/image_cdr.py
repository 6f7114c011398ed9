# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/Image and CompressedImage as the bytes that DDS carries (CDR, OMG DDS-XTypes 1.3, 7.4.1).

rclpy copies an image twice to make a message of it, and twice to send it. A raw subscription hands over the
serialised bytes instead: the few fields before the pixels are read here, the pixels are viewed in place, and
what is passed through is published as the very bytes that came. docs/benchmarks/node_latency.md has figures.
"""

import struct
from dataclasses import dataclass

ENCAPSULATION_BYTES = 4
LITTLE_ENDIAN = b"\x00\x01\x00\x00"
# CDR and XCDR2 of a final type, big and little endian: the same bytes for messages without 8-byte values. Others,
# which no ROS middleware sends, are refused: the middleware's own reader can crash on damaged ones.
PLAIN_ENCAPSULATIONS = (b"\0\0", b"\0\1", b"\0\6", b"\0\7")


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
        if len(cdr) < ENCAPSULATION_BYTES or cdr[:2] not in PLAIN_ENCAPSULATIONS:
            raise ValueError(
                f"{len(cdr)} bytes are not a serialised image: they begin with {cdr[:2].hex()!r}"
            )
        self._cdr = cdr
        self._order = "<" if cdr[1] % 2 else ">"
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


def _append_text(head: bytearray, text: str) -> None:
    _align(head)
    encoded = text.encode("utf-8") + b"\0"
    head += struct.pack("<I", len(encoded)) + encoded


def _align(head: bytearray) -> None:
    head.extend(bytes(-len(head) % 4))  # the encapsulation has 4 bytes itself
