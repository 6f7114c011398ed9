# SPDX-License-Identifier: Apache-2.0
"""Files are refused by what their header claims, before memory is taken for it, wherever they are read."""

import contextlib
import struct
import zlib

import cv2
import numpy as np
import pytest
from claims import jpeg_claiming, png_claiming
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.images.decoding import MAX_IMAGE_PIXELS, MalformedImageError, decode_file
from restoregan_core.images.encodings import decode_compressed
from restoregan_core.images.folders import read_rgb
from restoregan_core.images.image_files import read_image_file

CLAIMS = [png_claiming, jpeg_claiming]
SIZES = [(8_000, 5_001), (60_000, 60_000)]
"""Just above the bound, and far above Pillow's own, too."""


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_camera_s_message_that_claims_too_much_is_refused(claim, height, width):
    with pytest.raises(MalformedImageError, match="more than the 40,000,000"):
        decode_compressed("jpeg", claim(height, width))


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("read", [read_rgb, read_image_file])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_file_that_claims_too_much_is_refused_by_name(tmp_path, claim, read, height, width):
    path = tmp_path / ("huge.png" if claim is png_claiming else "huge.jpg")
    path.write_bytes(claim(height, width))
    with pytest.raises(ValueError, match=rf"{path.name} is not a readable image: .*more than the 40,000,000"):
        read(path)


def test_the_bound_leaves_8k_alone():
    assert MAX_IMAGE_PIXELS > 8192 * 4320
    row = np.zeros((1, 10_000, 3), np.uint8)
    assert decode_file(cv2.imencode(".png", row)[1], cv2.IMREAD_COLOR).shape == row.shape


def jpeg_with_thumbnail() -> bytes:
    """As cameras write it: a whole small JPEG lies in the metadata of the large one."""
    rng = np.random.default_rng(0)
    small, large = (
        cv2.imencode(".jpg", rng.integers(0, 256, (side, side, 3), np.uint8))[1].tobytes()
        for side in (16, 160)
    )
    return large[:2] + b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + large[2:]


def test_a_jpeg_that_is_cut_off_is_refused_though_its_thumbnail_is_whole():
    whole = jpeg_with_thumbnail()
    assert decode_file(whole, cv2.IMREAD_COLOR).shape == (160, 160, 3)
    assert decode_file(whole + b"what a camera appends", cv2.IMREAD_COLOR).shape == (160, 160, 3)
    with pytest.raises(MalformedImageError, match="cut off"):
        decode_file(whole[: len(whole) * 3 // 4], cv2.IMREAD_COLOR)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([png_claiming(8, 8), jpeg_claiming(8, 8)]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
)
def test_a_damaged_file_gives_pixels_or_says_that_it_is_malformed(file, changes):
    damaged = bytearray(file)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    with contextlib.suppress(MalformedImageError):
        assert decode_file(bytes(damaged), cv2.IMREAD_COLOR, max_pixels=10_000).size <= 3 * 10_000


@pytest.mark.parametrize("length", [2**12, 2**28])
def test_a_png_whose_pixels_claim_more_bytes_than_came_is_cut_off(length):
    """OpenCV takes memory for the claim before it looks."""
    file = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    pixels = file.index(b"IDAT")
    file[pixels - 4 : pixels] = length.to_bytes(4, "big")
    with pytest.raises(MalformedImageError, match="cut off"):
        decode_file(bytes(file), cv2.IMREAD_COLOR)


def test_what_lies_behind_a_png_or_between_its_chunks_does_no_harm():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    whole = cv2.imencode(".png", image)[1].tobytes()
    text = b"tEXta\0IEND"
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    for file in (whole + b"what a camera appends", whole[:33] + chunk + whole[33:]):
        assert (decode_file(file, cv2.IMREAD_COLOR) == image).all()
