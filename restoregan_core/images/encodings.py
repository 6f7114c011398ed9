# SPDX-License-Identifier: Apache-2.0
"""Camera encodings <-> RGB. The one place that knows how ROS names pixels; it imports no ROS.

Names are those of sensor_msgs/Image.encoding. rgb8, bgr8, rgba8, bgra8, mono8, mono16 and the aliases 8UC1
(= mono8) and 8UC3 (= bgr8) are *kept*: what is published has the source's encoding and layout, and
``merge`` leaves every byte of an unchanged pixel alone. Bayer, YUV, 16-bit colour and compressed sources are
published as bgr8 (compressed mono as mono8).

16-bit values are taken to fill their range: 65535 is white. YUV is BT.601, limited range, as OpenCV has it: full range,
which no name tells, is clipped.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.decoding import (
    MAX_IMAGE_PIXELS,
    Buffer,
    MalformedImageError,
    check_pixels,
    decode_file,
)
from restoregan_core.images.rgb import RgbImage


class UnsupportedEncodingError(ValueError):
    """An encoding that is not decoded; the message lists those that are."""


@dataclass(frozen=True)
class _Layout:
    kind: str
    """packed, bayer, yuv422 or yuv420"""
    channels: int
    """Values per pixel and row (yuv420: of the luma plane)."""
    to_rgb: int | None
    """OpenCV's conversion; None: it is RGB already."""
    from_rgb: int | None = None
    bytes_per_value: int = 1
    is_kept: bool = False
    """Published in the encoding that it came in."""

    @property
    def bytes_per_pixel(self) -> int:
        return self.channels * self.bytes_per_value


# OpenCV names a Bayer pattern by the second row's second and third pixel, ROS by the first row's first two:
# ROS's rggb is OpenCV's BayerBG.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}
_BGR = _Layout("packed", 3, cv2.COLOR_BGR2RGB, cv2.COLOR_RGB2BGR, is_kept=True)
_MONO = _Layout("packed", 1, cv2.COLOR_GRAY2RGB, cv2.COLOR_RGB2GRAY, is_kept=True)
_UYVY = _Layout("yuv422", 2, cv2.COLOR_YUV2RGB_UYVY)
_YUYV = _Layout("yuv422", 2, cv2.COLOR_YUV2RGB_YUYV)

_LAYOUTS: dict[str, _Layout] = {
    "rgb8": _Layout("packed", 3, None, is_kept=True),
    "bgr8": _BGR,
    "8UC3": _BGR,
    "rgba8": _Layout("packed", 4, cv2.COLOR_RGBA2RGB, cv2.COLOR_RGB2RGBA, is_kept=True),
    "bgra8": _Layout("packed", 4, cv2.COLOR_BGRA2RGB, cv2.COLOR_RGB2BGRA, is_kept=True),
    "mono8": _MONO,
    "8UC1": _MONO,
    "mono16": _Layout("packed", 1, cv2.COLOR_GRAY2RGB, cv2.COLOR_RGB2GRAY, bytes_per_value=2, is_kept=True),
    "rgb16": _Layout("packed", 3, None, bytes_per_value=2),
    "bgr16": _Layout("packed", 3, cv2.COLOR_BGR2RGB, bytes_per_value=2),
    "rgba16": _Layout("packed", 4, cv2.COLOR_RGBA2RGB, bytes_per_value=2),
    "bgra16": _Layout("packed", 4, cv2.COLOR_BGRA2RGB, bytes_per_value=2),
    **{f"bayer_{pattern}8": _Layout("bayer", 1, code) for pattern, code in _BAYER.items()},
    **{
        f"bayer_{pattern}16": _Layout("bayer", 1, code, bytes_per_value=2) for pattern, code in _BAYER.items()
    },
    "uyvy": _UYVY,
    "yuv422": _UYVY,
    "yuyv": _YUYV,
    "yuv422_yuy2": _YUYV,
    "nv12": _Layout("yuv420", 1, cv2.COLOR_YUV2RGB_NV12),
    "nv21": _Layout("yuv420", 1, cv2.COLOR_YUV2RGB_NV21),
}

SUPPORTED_ENCODINGS: tuple[str, ...] = tuple(_LAYOUTS)
"""What ``decode`` reads."""
KEPT_ENCODINGS: tuple[str, ...] = tuple(name for name, layout in _LAYOUTS.items() if layout.is_kept)
"""What ``encode`` and ``merge`` write: the encodings that are published as they came."""


_FILE_FORMATS = ("jpeg", "jpg", "png", "tif", "webp", "bmp", "avif")


def published_encoding(source_encoding: str) -> str:
    """The encoding that a stream of this source encoding is published in, for its whole life.

    Raises:
        UnsupportedEncodingError: not one of ``SUPPORTED_ENCODINGS``.
    """
    return source_encoding if _layout(source_encoding).is_kept else "bgr8"


def published_compressed_encoding(compressed_format: str) -> str:
    """The same for a CompressedImage, from its ``format`` ("jpeg", "rgb8; jpeg compressed bgr8", ...).

    mono8 where the format says that the source was grey, else bgr8.

    Raises:
        UnsupportedEncodingError: not an image file.
    """
    _require_image_file(compressed_format)
    source, separator, _ = compressed_format.partition(";")
    is_mono = bool(separator) and source.strip() in ("mono8", "mono16", "8UC1")
    return "mono8" if is_mono else "bgr8"


def decode(
    encoding: str,
    data: Buffer,
    height: int,
    width: int,
    step: int,
    is_bigendian: bool = False,
    max_pixels: int = MAX_IMAGE_PIXELS,
) -> RgbImage:
    """Pixels of a sensor_msgs/Image as RGB.

    Args:
        encoding: one of ``SUPPORTED_ENCODINGS``.
        data: at least height * step bytes (nv12, nv21: half as much again for the chroma plane).
        height: rows of the image (nv12, nv21: of the luma plane).
        width: pixels in a row.
        step: bytes from one row to the next, padding included; 0, as drivers leave it that do not fill it: no padding.
        is_bigendian: byte order of 16-bit values; no matter for 8 bits.
        max_pixels: larger images are refused.

    Returns:
        uint8 RGB (height, width, 3), C-contiguous; of rgb8 without padding it is a view of ``data``.

    Raises:
        UnsupportedEncodingError: another encoding.
        MalformedImageError: a size of zero or above ``max_pixels``, a step or buffer too small, an odd size that
            4:2:2 or 4:2:0 cannot have.
    """
    layout = _layout(encoding)
    check_pixels(height, width, max_pixels)
    rows = _rows(encoding, layout, data, height, width, step)
    if layout.kind == "yuv420":
        return _cvt(rows[:, :width], layout.to_rgb)
    pixels = _pixels(rows, layout, width, is_bigendian)
    if layout.kind == "bayer":
        return _demosaiced(_native(pixels), layout)
    return np.ascontiguousarray(_cvt(_to_8_bits(_native(pixels)), layout.to_rgb))


def encode(rgb_HWC: RgbImage, encoding: str, is_bigendian: bool = False) -> tuple[npt.NDArray[np.uint8], int]:
    """RGB as the data of a sensor_msgs/Image, without row padding.

    Alpha is opaque, grey is BT.601 luma, mono16 is mono8 times 257.

    Args:
        rgb_HWC: uint8 (height, width, 3).
        encoding: one of ``KEPT_ENCODINGS``.
        is_bigendian: byte order of mono16.

    Returns:
        The bytes as a flat uint8 array (rgb8: a view of ``rgb_HWC`` where that is contiguous), and the step.

    Raises:
        UnsupportedEncodingError: an encoding that is only read.
    """
    layout = _layout(encoding, KEPT_ENCODINGS)
    pixels = np.ascontiguousarray(_cvt(rgb_HWC, layout.from_rgb))
    if encoding == "mono16":
        pixels = (pixels.astype(_big_or_little(is_bigendian)) * 257).view(np.uint8)
    return pixels.reshape(-1), rgb_HWC.shape[1] * layout.bytes_per_pixel


def merge(
    encoding: str,
    data: Buffer,
    height: int,
    width: int,
    step: int,
    restored_HWC: RgbImage,
    is_bigendian: bool = False,
) -> npt.NDArray[np.uint8]:
    """Put a restored image back into a copy of its source's buffer, for the encodings that are kept.

    Where the restored image equals the decoded source, the source's own bytes stay: alpha everywhere, row
    padding, and the low bits of mono16, to which the change in 8 bits times 257 is added.

    Args:
        encoding, data, height, width, step, is_bigendian: the source, as for ``decode``.
        restored_HWC: uint8 RGB (height, width, 3).

    Returns:
        A new flat uint8 array in the source's encoding, step and byte order.

    Raises:
        UnsupportedEncodingError: an encoding that is not in ``KEPT_ENCODINGS``.
        MalformedImageError: as for ``decode``, or a restored image of another size.
    """
    layout = _layout(encoding, KEPT_ENCODINGS)
    if restored_HWC.shape != (height, width, 3):
        raise MalformedImageError(f"restored image is {restored_HWC.shape}, its source {(height, width, 3)}")
    merged = np.array(_rows(encoding, layout, data, height, width, step))
    pixels = _pixels(merged, layout, width, is_bigendian)
    if encoding == "mono16":
        change = _cvt(restored_HWC, layout.from_rgb).astype(np.int32) - _to_8_bits(_native(pixels))
        pixels[...] = np.clip(pixels.astype(np.int32) + 257 * change, 0, 65535)
    elif layout.channels == 4:
        pixels[..., :3] = restored_HWC if encoding == "rgba8" else restored_HWC[..., ::-1]
    else:
        pixels[...] = _cvt(restored_HWC, layout.from_rgb)
    return merged.reshape(-1)


def decode_compressed(compressed_format: str, data: Buffer, max_pixels: int = MAX_IMAGE_PIXELS) -> RgbImage:
    """A JPEG, PNG, TIFF, WebP, BMP or AVIF (8 or 16 bits, grey, colour or with alpha, which is dropped) as RGB.

    A grey file whose format names a Bayer pattern ("bayer_rggb8; jpeg compressed") is a mosaic: it is demosaiced.
    The rotation that EXIF data may ask for is not applied: intrinsics belong to the pixels as stored.

    Args:
        compressed_format: ``format`` of a sensor_msgs/CompressedImage; "", as publishers leave it that do not fill
            it, is any of these.
        data: the file's bytes.
        max_pixels: larger images are refused by their header.

    Returns:
        uint8 RGB (height, width, 3).

    Raises:
        UnsupportedEncodingError: none of these, or a TIFF of other values than 8 or 16 bits.
        MalformedImageError: empty, cut off, too large or not such a file.
    """
    _require_image_file(compressed_format)
    mosaic = mosaic_of(compressed_format)
    channels = cv2.IMREAD_ANYCOLOR if mosaic else cv2.IMREAD_COLOR
    flags = channels | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = decode_file(data, flags, max_pixels)
    except MalformedImageError as error:
        raise MalformedImageError(
            f"{len(data)} bytes of {compressed_format!r} do not decode: {error}"
        ) from error
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnsupportedEncodingError(
            f"{compressed_format!r} of {pixels.dtype} values; supported: 8 or 16 bits"
        )
    if mosaic and pixels.ndim == 2:
        return _demosaiced(pixels, _LAYOUTS[mosaic])
    return _cvt(_to_8_bits(pixels), cv2.COLOR_BGR2RGB)


def mosaic_of(compressed_format: str) -> str:
    """The Bayer encoding that a CompressedImage's ``format`` says its grey file holds; "" for any other."""
    source, _, target = compressed_format.partition(";")
    is_colour = "compressed bgr" in target or "compressed rgb" in target
    layout = _LAYOUTS.get(source.strip())
    return source.strip() if layout and layout.kind == "bayer" and not is_colour else ""


def _demosaiced(mosaic_HW: npt.NDArray[Any], layout: _Layout) -> RgbImage:
    # Interpolated before the bits are dropped, and with a border where the pattern goes on, so that the
    # outermost pixels and the smallest images get colours too.
    padded = cv2.copyMakeBorder(mosaic_HW, 2, 2, 2, 2, cv2.BORDER_REFLECT_101)
    return np.ascontiguousarray(_to_8_bits(_cvt(padded, layout.to_rgb))[2:-2, 2:-2])


def _layout(encoding: str, allowed: tuple[str, ...] = SUPPORTED_ENCODINGS) -> _Layout:
    if encoding not in allowed:
        raise UnsupportedEncodingError(
            f"encoding {encoding!r} is not supported; supported: {', '.join(allowed)}"
        )
    return _LAYOUTS[encoding]


def _require_image_file(compressed_format: str) -> None:
    lowered = compressed_format.lower()
    is_named = not lowered or any(name in lowered for name in _FILE_FORMATS)
    if not is_named or "depth" in lowered:
        raise UnsupportedEncodingError(
            f"compressed format {compressed_format!r} is not supported; supported: jpeg, png, tiff, webp, bmp, avif"
        )


def _rows(
    encoding: str, layout: _Layout, data: Buffer, height: int, width: int, step: int
) -> npt.NDArray[np.uint8]:
    """The buffer as uint8 (rows, step), after every check on the numbers."""
    image = f"{encoding} image of {height}x{width} (height x width)"
    if height <= 0 or width <= 0:
        raise MalformedImageError(f"{image} has no pixels")
    if layout.kind in ("yuv422", "yuv420") and width % 2:
        raise MalformedImageError(f"{image}: width {width} is odd, but two pixels share their colour")
    if layout.kind == "yuv420" and height % 2:
        raise MalformedImageError(f"{image}: height {height} is odd, but two rows share their colour")
    step = step or width * layout.bytes_per_pixel
    if step < width * layout.bytes_per_pixel:
        raise MalformedImageError(
            f"{image}: step is {step}, but a row needs {width} * {layout.bytes_per_pixel}"
            f" = {width * layout.bytes_per_pixel} bytes"
        )
    buffer = np.frombuffer(data, np.uint8) if len(data) else np.empty(0, np.uint8)
    rows = height * 3 // 2 if layout.kind == "yuv420" else height
    if buffer.size < rows * step:
        raise MalformedImageError(
            f"{image}: {buffer.size} bytes, but {rows} rows of {step} need {rows * step}"
        )
    return buffer[: rows * step].reshape(rows, step)


def _big_or_little(is_bigendian: bool) -> np.dtype[Any]:
    return np.dtype(">u2" if is_bigendian else "<u2")


def _pixels(rows: npt.NDArray[np.uint8], layout: _Layout, width: int, is_bigendian: bool) -> npt.NDArray[Any]:
    """A view of the rows without their padding: (height, width) or (height, width, channels)."""
    values: npt.NDArray[Any] = rows[:, : width * layout.bytes_per_pixel]
    if layout.bytes_per_value == 2:
        values = values.view(_big_or_little(is_bigendian))
    return values if layout.channels == 1 else values.reshape(rows.shape[0], width, layout.channels)


def _native(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Contiguous and in this machine's byte order, as OpenCV wants it; no copy where it is already."""
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))


def _to_8_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=255.0 / 65535.0), np.uint8)


def _cvt(pixels: npt.NDArray[Any], code: int | None) -> npt.NDArray[Any]:
    return pixels if code is None else cv2.cvtColor(pixels, code)
