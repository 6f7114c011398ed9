# SPDX-License-Identifier: Apache-2.0
import array

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from restoregan_core.images.encodings import (
    KEPT_ENCODINGS,
    SUPPORTED_ENCODINGS,
    MalformedImageError,
    UnsupportedEncodingError,
    decode,
    encode,
    merge,
    published_encoding,
)

BAYER = ["rggb", "bggr", "gbrg", "grbg"]
YUV422 = ["uyvy", "yuv422", "yuyv", "yuv422_yuy2"]
YUV420 = ["nv12", "nv21"]


def bytes_per_pixel(encoding):
    known = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "mono16": 2}
    known |= {"rgb16": 6, "bgr16": 6, "rgba16": 8, "bgra16": 8}
    return known.get(encoding, 2 if encoding.endswith("16") or encoding in YUV422 else 1)


@st.composite
def sources(draw, encodings=SUPPORTED_ENCODINGS):
    """Arguments of decode: any size and padding, random bytes."""
    encoding = draw(st.sampled_from(encodings))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    width += width % 2 if encoding in YUV422 + YUV420 else 0
    height += height % 2 if encoding in YUV420 else 0
    step = width * bytes_per_pixel(encoding) + draw(st.integers(0, 5))
    rows = height * 3 // 2 if encoding in YUV420 else height
    data = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).bytes(rows * step + draw(st.integers(0, 3)))
    return {
        "encoding": encoding, "data": data, "height": height, "width": width, "step": step,
        "is_bigendian": draw(st.booleans()),
    }  # fmt: skip


def image(height=4, width=6, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# --- what the bytes mean ---


def test_channel_order_of_packed_encodings():
    data = bytes(range(1, 13))
    first = {
        "rgb8": [1, 2, 3], "bgr8": [3, 2, 1], "8UC3": [3, 2, 1], "rgba8": [1, 2, 3], "bgra8": [3, 2, 1],
        "mono8": [1, 1, 1], "8UC1": [1, 1, 1],
    }  # fmt: skip
    for encoding, rgb in first.items():
        step = bytes_per_pixel(encoding)
        assert decode(encoding, data, 1, 1, step).tolist() == [[rgb]], encoding


@pytest.mark.parametrize("is_bigendian", [False, True])
def test_sixteen_bits_honour_the_byte_order(is_bigendian):
    values = np.array([[0, 257, 0x1234, 65535]], ">u2" if is_bigendian else "<u2")
    grey = decode("mono16", values.tobytes(), 1, 4, 8, is_bigendian)[0, :, 0]
    assert grey.tolist() == [0, 1, round(0x1234 / 257), 255]


def mosaic(pattern, colour, height, width, dtype, scale):
    """What a sensor with that pattern sees of an even colour: ROS names the first row's first two pixels."""
    level = dict(zip("rgb", colour, strict=True))
    cell = np.array([[level[pattern[0]], level[pattern[1]]], [level[pattern[2]], level[pattern[3]]]])
    return (np.tile(cell, (height // 2 + 1, width // 2 + 1))[:height, :width] * scale).astype(dtype)


@pytest.mark.parametrize("pattern", BAYER)
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (2, 2), (3, 2)])
def test_bayer_of_an_even_colour_gives_that_colour_to_the_last_pixel(pattern, size):
    colour = (200, 90, 30)
    eight = mosaic(pattern, colour, *size, np.uint8, 1)
    sixteen = mosaic(pattern, colour, *size, ">u2", 257)
    height, width = size
    wanted = np.full((*size, 3), colour)
    np.testing.assert_array_equal(decode(f"bayer_{pattern}8", eight.tobytes(), height, width, width), wanted)
    decoded = decode(f"bayer_{pattern}16", sixteen.tobytes(), height, width, 2 * width, is_bigendian=True)
    np.testing.assert_array_equal(decoded, wanted)


@pytest.mark.parametrize("encoding", YUV422 + YUV420)
def test_yuv_of_an_even_colour_gives_that_colour(encoding):
    height, width, (y, u, v) = 4, 6, (81, 90, 240)  # red of BT.601, limited range
    if encoding in YUV420:
        chroma = [u, v] if encoding == "nv12" else [v, u]
        data = bytes([y] * height * width + chroma * (height * width // 4))
        step = width
    else:
        data = bytes(
            ([u, y, v, y] if encoding in ("uyvy", "yuv422") else [y, u, y, v]) * (height * width // 2)
        )
        step = 2 * width
    np.testing.assert_allclose(
        decode(encoding, data, height, width, step), [[[255, 0, 0]] * width] * height, atol=2
    )


@pytest.mark.parametrize(("luma", "grey"), [(0, 0), (16, 0), (126, 128), (235, 255), (255, 255)])
def test_yuv_is_of_limited_range_and_what_lies_beyond_is_clipped(luma, grey):
    """As docs/vehicle.md says of cameras that send full range."""
    assert decode("uyvy", bytes([128, luma] * 2), 1, 2, 4).tolist() == [[[grey] * 3] * 2]


def test_luma_of_two_neighbours_stays_apart_in_yuv422():
    rgb = decode("uyvy", bytes([128, 16, 128, 235]), 1, 2, 4)
    assert rgb[0, 0].max() <= 1
    assert rgb[0, 1].min() >= 254


@pytest.mark.parametrize(
    "encoding",
    ["bgr8", "rgba8", "bgra8", "mono8", *YUV422, *(f"bayer_{p}{b}" for p in BAYER for b in (8, 16))],
)
def test_agrees_with_another_implementation(encoding):
    rosbags = pytest.importorskip("rosbags.image")
    from types import SimpleNamespace

    height, width = 16, 20
    step = width * bytes_per_pixel(encoding)
    # Smooth: where a mosaic is interpolated, rounding apart, any bilinear method gives the same inside.
    ramp = np.add.outer(np.arange(height), np.arange(step)).astype(np.uint8) + 40
    if encoding.endswith("16"):
        ramp = np.add.outer(np.arange(height), np.arange(width)).astype("<u2") * 900
    message = SimpleNamespace(
        encoding=encoding,
        height=height,
        width=width,
        step=step,
        is_bigendian=False,
        data=ramp.view(np.uint8).ravel(),
    )
    theirs = rosbags.image_to_cvimage(message, "rgb8")
    ours = decode(encoding, ramp.tobytes(), height, width, step)
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(ours[inside].astype(int), theirs[inside].astype(int), atol=1)


@pytest.mark.parametrize("encoding", ["rgb16", "bgr16", "rgba16", "bgra16"])
@pytest.mark.parametrize("is_bigendian", [False, True])
def test_colours_of_16_bits_fill_their_range(encoding, is_bigendian):
    rgb = image(5, 7)
    values = rgb if encoding.startswith("rgb") else rgb[..., ::-1]
    if "a" in encoding:
        values = np.concatenate([values, np.full((5, 7, 1), 9, np.uint8)], axis=2)
    rows = np.zeros((5, 7 * values.shape[2] + 3), ">u2" if is_bigendian else "<u2")  # three values of padding
    rows[:, :-3] = values.reshape(5, -1).astype(np.uint16) * 257
    decoded = decode(encoding, rows.tobytes(), 5, 7, rows.strides[0], is_bigendian)
    np.testing.assert_array_equal(decoded, rgb)
    assert published_encoding(encoding) == "bgr8"


@pytest.mark.parametrize("encoding", ["rgb8", "mono8", "mono16", "bayer_rggb8", "uyvy", "nv12"])
def test_a_step_of_zero_is_a_row_without_padding(encoding):
    size = {"rgb8": 3, "mono16": 2, "uyvy": 2}.get(encoding, 1)
    data = np.random.default_rng(0).integers(
        0, 256, 4 * 6 * size * (3 if encoding == "nv12" else 2) // 2, np.uint8
    )
    np.testing.assert_array_equal(decode(encoding, data, 4, 6, 0), decode(encoding, data, 4, 6, 6 * size))
    with pytest.raises(MalformedImageError, match="bytes"):
        decode(encoding, data[:10], 4, 6, 0)


# --- round trips ---


@given(sources())
def test_every_source_decodes_to_a_contiguous_image_whatever_its_padding(source):
    rgb = decode(**source)
    assert rgb.shape == (source["height"], source["width"], 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    unpadded = dict(source, step=source["width"] * bytes_per_pixel(source["encoding"]))
    rows = source["height"] * 3 // 2 if source["encoding"] in YUV420 else source["height"]
    whole = np.frombuffer(source["data"], np.uint8)[: rows * source["step"]].reshape(rows, source["step"])
    unpadded["data"] = whole[:, : unpadded["step"]].tobytes()
    np.testing.assert_array_equal(decode(**unpadded), rgb)


@given(sources(KEPT_ENCODINGS))
def test_unchanged_image_merges_into_the_sources_own_bytes(source):
    merged = merge(**source, restored_HWC=decode(**source))
    assert merged.tobytes() == source["data"][: source["height"] * source["step"]]


@given(sources(KEPT_ENCODINGS), st.integers(0, 2**32 - 1))
def test_merging_changes_the_changed_pixels_and_no_other_byte(source, seed):
    rng = np.random.default_rng(seed)
    before = decode(**source)
    height, width, step = source["height"], source["width"], source["step"]
    changed = rng.random((height, width)) < 0.5
    grey_or_colour = 1 if source["encoding"] in ("mono8", "mono16", "8UC1") else 3
    restored = np.where(changed[..., None], rng.integers(0, 256, (height, width, grey_or_colour)), before)
    merged = merge(**source, restored_HWC=restored.astype(np.uint8))
    after = decode(**dict(source, data=merged))
    # mono16: the source's low bits stay, so the decoded value may land one level beside.
    np.testing.assert_allclose(after.astype(int), restored, atol=1 if source["encoding"] == "mono16" else 0)
    pixel = bytes_per_pixel(source["encoding"])
    touched = merged.reshape(height, step) != np.frombuffer(source["data"], np.uint8)[
        : height * step
    ].reshape(height, step)
    assert not touched[:, width * pixel :].any(), "row padding"
    per_pixel = touched[:, : width * pixel].reshape(height, width, pixel)
    assert not per_pixel[~changed].any()
    if pixel == 4:
        assert not per_pixel[..., 3].any(), "alpha"


def test_mono16_keeps_the_low_bits_of_changed_pixels_too():
    source = np.array([[1000, 1001, 65000]], "<u2")
    restored = decode("mono16", source, 1, 3, 6) + np.uint8(2)
    merged = merge("mono16", source, 1, 3, 6, restored).view("<u2")
    assert merged.tolist() == [1000 + 514, 1001 + 514, 65000 + 514]


@given(sources(KEPT_ENCODINGS))
def test_encoding_what_was_decoded_gives_the_same_image(source):
    rgb = decode(**source)
    data, step = encode(rgb, source["encoding"], source["is_bigendian"])
    assert data.dtype == np.uint8
    assert data.shape == (source["height"] * step,)
    again = decode(source["encoding"], data, source["height"], source["width"], step, source["is_bigendian"])
    np.testing.assert_array_equal(again, rgb)


def test_encoded_alpha_is_opaque():
    for encoding in ("rgba8", "bgra8"):
        data, _ = encode(image(), encoding)
        assert (data[3::4] == 255).all()


def test_rgb8_without_padding_is_not_copied():
    data = np.arange(24, dtype=np.uint8)
    assert np.shares_memory(decode("rgb8", data, 2, 4, 12), data)
    rgb = image()
    assert np.shares_memory(encode(rgb, "rgb8")[0], rgb)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: array.array("B", b)])
def test_any_buffer_will_do(kind):
    assert decode("rgb8", kind(bytes(range(12))), 2, 2, 6).ravel().tolist() == list(range(12))


# --- what is refused ---


@given(sources())
def test_one_byte_less_than_needed_is_refused_with_the_numbers(source):
    rows = source["height"] * 3 // 2 if source["encoding"] in YUV420 else source["height"]
    needed = rows * source["step"]
    with pytest.raises(MalformedImageError, match=f"{needed - 1} bytes.* need {needed}"):
        decode(**dict(source, data=source["data"][: needed - 1]))


@given(sources())
def test_step_smaller_than_a_row_is_refused_with_the_numbers(source):
    row = source["width"] * bytes_per_pixel(source["encoding"])
    assume(row > 1)  # a step of zero says nothing
    with pytest.raises(MalformedImageError, match=f"step is {row - 1}, but a row needs .* = {row} bytes"):
        decode(**dict(source, step=row - 1))


@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
@pytest.mark.parametrize(("height", "width"), [(0, 4), (4, 0), (0, 0), (-2, 4)])
def test_images_without_pixels_are_refused(encoding, height, width):
    with pytest.raises(MalformedImageError, match="no pixels"):
        decode(encoding, b"", height, width, 0)


def test_odd_sizes_that_yuv_cannot_have_are_refused():
    for encoding in YUV422 + YUV420:
        with pytest.raises(MalformedImageError, match="width 5 is odd"):
            decode(encoding, bytes(1000), 4, 5, 10)
    for encoding in YUV420:
        with pytest.raises(MalformedImageError, match="height 5 is odd"):
            decode(encoding, bytes(1000), 5, 4, 4)


@given(st.text(max_size=20))
def test_other_encodings_are_refused_with_a_list_of_those_supported(encoding):
    assume(encoding not in SUPPORTED_ENCODINGS)
    for call in (lambda: decode(encoding, b"", 1, 1, 1), lambda: published_encoding(encoding)):
        with pytest.raises(UnsupportedEncodingError, match=r"supported: rgb8, .*nv12"):
            call()


def test_depth_and_floats_are_not_taken_for_images():
    for encoding in ("16UC1", "32FC1"):
        with pytest.raises(UnsupportedEncodingError):
            decode(encoding, bytes(64), 2, 2, 8)


def test_encodings_that_are_only_read_are_not_written():
    for encoding in set(SUPPORTED_ENCODINGS) - set(KEPT_ENCODINGS):
        with pytest.raises(UnsupportedEncodingError):
            encode(image(), encoding)
        with pytest.raises(UnsupportedEncodingError):
            merge(encoding, bytes(1000), 4, 6, 12, image())


def test_merging_an_image_of_another_size_is_refused():
    with pytest.raises(MalformedImageError, match=r"\(4, 6, 3\)"):
        merge("rgb8", bytes(1000), 5, 6, 18, image(4, 6))


# --- what is published ---


def test_kept_encodings_are_published_as_they_came_and_all_others_as_bgr8():
    for encoding in SUPPORTED_ENCODINGS:
        published = published_encoding(encoding)
        assert published == (encoding if encoding in KEPT_ENCODINGS else "bgr8")
        assert published in KEPT_ENCODINGS
