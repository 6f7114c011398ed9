# SPDX-License-Identifier: Apache-2.0
"""Serialised images are read and written as rclpy itself does it, for any field values."""

import array
import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image

from restoregan_ros.image_cdr import read_compressed_image, read_image, write_image

UINT32 = st.integers(0, 2**32 - 1)
TEXT = st.text(max_size=20).map(lambda text: text.replace("\0", ""))


@st.composite
def images(draw: st.DrawFn) -> Image:
    message = Image(height=draw(UINT32), width=draw(UINT32), encoding=draw(TEXT), step=draw(UINT32))
    message.header.stamp.sec, message.header.stamp.nanosec = (
        draw(st.integers(-(2**31), 2**31 - 1)),
        draw(UINT32),
    )
    message.header.frame_id = draw(TEXT)
    message.is_bigendian = draw(st.integers(0, 1))
    message.data = array.array("B", draw(st.binary(max_size=50)))
    return message


@settings(deadline=None, max_examples=200)
@given(images())
def test_every_field_is_read_as_rclpy_wrote_it(message):
    read = read_image(serialize_message(message))
    assert (read.sec, read.nanosec) == (message.header.stamp.sec, message.header.stamp.nanosec)
    assert (read.frame_id, read.encoding) == (message.header.frame_id, message.encoding)
    assert (read.height, read.width, read.step) == (message.height, message.width, message.step)
    assert read.is_bigendian == bool(message.is_bigendian)
    assert bytes(read.data) == message.data.tobytes()


@settings(deadline=None, max_examples=200)
@given(images())
def test_rclpy_reads_what_is_written(message):
    assert deserialize_message(write_image(read_image(serialize_message(message))), Image) == message


@settings(deadline=None)
@given(TEXT, TEXT, st.binary(max_size=50))
def test_compressed_images_are_read(frame_id, compressed_format, data):
    message = CompressedImage(format=compressed_format, data=array.array("B", data))
    message.header.frame_id = frame_id
    read = read_compressed_image(serialize_message(message))
    assert (read.frame_id, read.encoding, bytes(read.data)) == (frame_id, compressed_format, data)


def test_big_endian_cdr_is_read():
    text = struct.pack(">I", 5) + b"rgb8\0"
    body = struct.pack(">iI", 7, 8) + text + b"\0\0\0" + struct.pack(">II", 1, 2) + text + b"\1" + b"\0\0"
    read = read_image(b"\0\0\0\0" + body + struct.pack(">II", 6, 6) + b"abcdef")
    assert (read.sec, read.nanosec, read.frame_id, read.encoding) == (7, 8, "rgb8", "rgb8")
    assert (read.height, read.width, read.is_bigendian, read.step, bytes(read.data)) == (
        1,
        2,
        True,
        6,
        b"abcdef",
    )


@pytest.mark.parametrize("length", [4, 9, 20, 40, 60])
def test_a_message_that_is_cut_off_is_a_value_error(length):
    whole = serialize_message(Image(encoding="bgr8", data=array.array("B", bytes(100))))
    with pytest.raises(ValueError, match=r"cut off|beyond the end"):
        read_image(whole[:length])


@pytest.mark.parametrize("read", [read_image, read_compressed_image])
def test_the_newer_encoding_of_the_same_bytes_is_read(read):
    message_type = Image if read is read_image else CompressedImage
    whole = serialize_message(message_type(data=array.array("B", b"abcdef")))
    newer = b"\0\7" + whole[2:]
    assert (bytes(read(newer).data), read(newer).sec) == (b"abcdef", read(whole).sec)


ENCAPSULATIONS = st.one_of(
    st.binary(max_size=5), st.builds(lambda kind: bytes([0, kind, 0, 0]), st.integers(0, 12))
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([read_image, read_compressed_image]), ENCAPSULATIONS, st.binary(max_size=80))
def test_bytes_of_any_kind_are_read_or_a_value_error(read, encapsulation, body):
    with contextlib.suppress(ValueError):
        read(encapsulation + body)


@pytest.mark.parametrize("read", [read_image, read_compressed_image])
@pytest.mark.parametrize("cdr", [b"", b"abc", b"\xff\xff\0\0" + bytes(40), b"\0\3\0\0" + b"\1" * 100])
def test_what_is_not_a_message_is_a_value_error_that_says_so(read, cdr):
    with pytest.raises(ValueError, match=rf"{len(cdr)} bytes are not a serialised"):
        read(cdr)
