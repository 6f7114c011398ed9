# SPDX-License-Identifier: Apache-2.0
"""One encoded image in memory -> its pixels. What its header says is checked before anything is decoded.

A file of a few hundred bytes can claim to be tens of thousands of pixels a side: to decode it takes gigabytes and
many seconds. Cameras, bags, folders and single files all come through here; videos check the same bound.
"""

import functools
import io
import re
import struct
import warnings
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Buffer = Any
"""Anything with the buffer protocol: bytes, bytearray, memoryview, array.array('B'), a uint8 array."""

MAX_IMAGE_PIXELS = 40_000_000
"""Larger images are refused. 8K has 33 million pixels; decoding this many takes up to half a gigabyte."""

_END_OF_JPEG = re.compile(rb"\xff\xd9")
_PNG_SIGNATURE_BYTES = 8


class MalformedImageError(ValueError):
    """Size, step and buffer of an image contradict each other, or it is too large; the message has the numbers."""


def check_pixels(height: int, width: int, max_pixels: int = MAX_IMAGE_PIXELS) -> None:
    """Refuse an image of more than ``max_pixels``.

    Raises:
        MalformedImageError: it has more; the message names both numbers.
    """
    if height * width > max_pixels:
        raise MalformedImageError(
            f"{height}x{width} (height x width) are {height * width:,} pixels, more than the {max_pixels:,} allowed"
        )


@functools.cache
def _pillow() -> Any:
    """Pillow's ``Image``, imported when a file is first decoded: a camera of raw images needs none."""
    from PIL import Image

    # It warns of sizes that are refused here anyway.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    return Image


def decode_file(data: Buffer, flags: int, max_pixels: int = MAX_IMAGE_PIXELS) -> npt.NDArray[Any]:
    """The pixels of a JPEG, PNG, TIFF, BMP, WebP or other file that both Pillow and OpenCV know.

    Args:
        data: the file's bytes.
        flags: OpenCV's ``IMREAD_*``, which decide on channels and depth of the result.
        max_pixels: larger images are refused by their header.

    Returns:
        As ``cv2.imdecode`` gives it: (height, width) or (height, width, channels), BGR.

    Raises:
        MalformedImageError: too large, cut off, or not an image.
    """
    file = np.frombuffer(data, np.uint8) if len(data) else np.empty(0, np.uint8)
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(file.data)) as header:
            (width, height), kind = header.size, header.format
            # A thumbnail in the metadata has an end of its own; Pillow has read up to the pixels.
            pixels_from = header.fp.tell() if header.fp else 0
    except pillow.DecompressionBombError as error:  # beyond Pillow's own bound, which is above ours
        raise MalformedImageError(f"more than the {max_pixels:,} pixels allowed") from error
    except Exception as error:  # Pillow's readers raise nearly anything for a damaged header
        raise MalformedImageError("not an image, or damaged at its beginning") from error
    check_pixels(height, width, max_pixels)
    is_whole = True
    if kind in ("JPEG", "MPO"):
        is_whole = _END_OF_JPEG.search(file.data, pixels_from) is not None
    elif kind == "PNG":
        is_whole = _is_whole_png(file.data)
    if not is_whole:  # OpenCV would make an image of what is there and leave the rest grey
        raise MalformedImageError("cut off")
    try:
        pixels = cv2.imdecode(file, flags)
    except cv2.error as error:
        raise MalformedImageError(f"damaged: {error.err}") from error
    if pixels is None:
        raise MalformedImageError("damaged")
    return pixels


def _is_whole_png(file: memoryview) -> bool:
    """Whether each chunk is as long as it says, up to the last one.

    OpenCV takes memory for whatever length a chunk claims, up to 4 GB, before it looks for its bytes.
    """
    at = _PNG_SIGNATURE_BYTES
    while at + 12 <= len(file):  # length, name and checksum have four bytes each
        length, name = struct.unpack_from(">I4s", file, at)
        at += 12 + length
        if name == b"IEND":
            return at <= len(file)
    return False
