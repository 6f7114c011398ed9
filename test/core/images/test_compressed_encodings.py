# SPDX-License-Identifier: Apache-2.0
"""Promises about compressed images: JPEG, PNG and TIFF, with what image_transport writes into their formats."""

import cv2
import numpy as np
import pytest

from restoregan_core.images.encodings import (
    MalformedImageError,
    UnsupportedEncodingError,
    decode,
    decode_compressed,
    published_compressed_encoding,
)


def image(height=4, width=6, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(values):
    return cv2.imencode(".png", values)[1].tobytes()


def test_png_is_decoded_exactly_and_alpha_dropped():
    rgb = image()
    np.testing.assert_array_equal(decode_compressed("png", png(rgb[..., ::-1])), rgb)
    bgra = np.dstack([rgb[..., ::-1], np.full(rgb.shape[:2], 7, np.uint8)])
    np.testing.assert_array_equal(decode_compressed("rgba8; png compressed bgra8", png(bgra)), rgb)
    grey = decode_compressed("mono8; png compressed ", png(rgb[..., 0]))
    np.testing.assert_array_equal(grey, np.repeat(rgb[..., :1], 3, axis=2))


def test_png_of_16_bits_is_scaled_like_mono16():
    values = np.random.default_rng(0).integers(0, 65536, (5, 7), dtype=np.uint16)
    decoded = decode_compressed("mono16; png compressed ", png(values))
    np.testing.assert_array_equal(decoded, decode("mono16", values, 5, 7, 14))
    colour = np.random.default_rng(1).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    np.testing.assert_array_equal(
        decode_compressed("png", png(colour)), np.rint(colour[..., ::-1] / 257).astype(np.uint8)
    )


def test_jpeg_comes_out_in_rgb():
    bgr = np.full((16, 16, 3), (20, 60, 200), np.uint8)
    decoded = decode_compressed("jpeg", cv2.imencode(".jpg", bgr)[1].tobytes())
    np.testing.assert_allclose(decoded, np.broadcast_to([200, 60, 20], (16, 16, 3)), atol=4)


def test_rotation_asked_for_by_exif_is_not_applied():
    jpeg = cv2.imencode(".jpg", np.zeros((8, 16, 3), np.uint8))[1].tobytes()
    orientation = bytes.fromhex(
        "4d4d002a00000008 0001 0112 0003 00000001 0006 0000 00000000".replace(" ", "")
    )
    payload = b"Exif\0\0" + orientation
    rotated = jpeg[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + jpeg[2:]
    assert cv2.imdecode(np.frombuffer(rotated, np.uint8), cv2.IMREAD_COLOR).shape == (16, 8, 3), (
        "the tag counts"
    )
    assert decode_compressed("jpeg", rotated).shape == (8, 16, 3)


def jpeg(values):
    return cv2.imencode(".jpg", values)[1].tobytes()


@pytest.mark.parametrize(
    "data",
    [b"", b"no image", b"IEND", b"\xff\xd8\xff\xd9", png(image())[:20], png(image(90, 90))[:9000],
     jpeg(image(90, 90))[:3000]],
)  # fmt: skip
def test_files_that_are_cut_off_or_no_images_are_refused(data):
    with pytest.raises(MalformedImageError, match=f"{len(data)} bytes of 'png' do not decode"):
        decode_compressed("png", data)


def test_images_of_more_pixels_than_are_allowed_are_refused():
    with pytest.raises(MalformedImageError, match=r"4x6 .* 24 pixels, more than the 23 allowed"):
        decode_compressed("png", png(image()), max_pixels=23)
    with pytest.raises(MalformedImageError, match="more than the 23 allowed"):
        decode("rgb8", bytes(72), 4, 6, 18, max_pixels=23)
    assert decode_compressed("png", png(image()), max_pixels=24).shape == (4, 6, 3)
    assert decode("rgb8", bytes(72), 4, 6, 18, max_pixels=24).shape == (4, 6, 3)


def test_padding_behind_a_jpeg_is_ignored():
    assert decode_compressed("jpeg", jpeg(image()) + bytes(100)).shape == (4, 6, 3)


@pytest.mark.parametrize("compressed_format", ["h264", "zstd", "16UC1; compressedDepth png"])
def test_other_compressed_formats_are_refused(compressed_format):
    for call in (lambda f: decode_compressed(f, b"x"), published_compressed_encoding):
        with pytest.raises(UnsupportedEncodingError, match="supported: jpeg, png, tiff"):
            call(compressed_format)


@pytest.mark.parametrize(
    ("compressed_format", "suffix"),
    [("", ".png"), ("", ".jpg"), ("webp", ".webp"), ("bmp", ".bmp"), ("image/png", ".png"), ("JPG", ".jpg")],
)
def test_an_image_file_is_read_by_what_it_holds(compressed_format, suffix):
    rgb = np.full((16, 16, 3), (200, 60, 20), np.uint8)
    file = cv2.imencode(suffix, rgb[..., ::-1])[1].tobytes()
    np.testing.assert_allclose(decode_compressed(compressed_format, file), rgb, atol=4)


# --- what image_transport makes of industrial and of 16-bit cameras ---


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize(
    ("suffix", "bits", "form"),
    [(".jpg", 8, "jpeg compressed mono8"), (".jpg", 8, "jpeg compressed "), (".png", 8, "png compressed mono8"),
     (".png", 16, "png compressed mono16"), (".tiff", 16, "tiff compressed ")],
)  # fmt: skip
def test_a_mosaic_inside_a_file_gets_its_colours(pattern, suffix, bits, form):
    orange = {"r": 220, "g": 120, "b": 40}
    mosaic = np.tile(np.array([orange[c] for c in pattern], np.uint8).reshape(2, 2), (16, 16))
    stored = mosaic if bits == 8 else mosaic.astype(np.uint16) * 257
    quality = [cv2.IMWRITE_JPEG_QUALITY, 100] if suffix == ".jpg" else []
    file = cv2.imencode(suffix, stored, quality)[1].tobytes()
    form = f"bayer_{pattern}{bits}; {form}"
    rgb = decode_compressed(form, file)
    assert np.abs(rgb.astype(int) - [220, 120, 40]).max() <= 8
    assert published_compressed_encoding(form) == "bgr8"


def test_a_file_that_was_demosaiced_before_is_left_alone():
    bgr = np.full((16, 16, 3), (20, 60, 200), np.uint8)
    for form in ("bayer_rggb8; jpeg compressed bgr8", "bayer_rggb8; jpeg compressed "):
        rgb = decode_compressed(form, cv2.imencode(".jpg", bgr)[1].tobytes())
        np.testing.assert_allclose(rgb, np.broadcast_to([200, 60, 20], rgb.shape), atol=4)


def test_a_tiff_of_8_or_16_bits_is_read_and_one_of_floats_refused():
    rgb = image(20, 30)
    for values in (rgb, rgb.astype(np.uint16) * 257):
        file = cv2.imencode(".tiff", values[..., ::-1])[1].tobytes()
        np.testing.assert_array_equal(decode_compressed("rgb8; tiff compressed bgr8", file), rgb)
    file = cv2.imencode(".tiff", rgb[..., 0].astype(np.float32))[1].tobytes()
    with pytest.raises(UnsupportedEncodingError, match="float32 values"):
        decode_compressed("bayer_rggb8; tiff compressed ", file)


@pytest.mark.parametrize(
    ("compressed_format", "published"),
    [
        ("jpeg", "bgr8"), ("png", "bgr8"),
        ("rgb8; jpeg compressed bgr8", "bgr8"), ("mono8; jpeg compressed ", "mono8"),
        ("mono16; png compressed ", "mono8"), ("bayer_rggb8; jpeg compressed bgr8", "bgr8"),
    ],
)  # fmt: skip
def test_compressed_mono_is_published_as_mono_and_all_else_as_bgr8(compressed_format, published):
    assert published_compressed_encoding(compressed_format) == published
