# SPDX-License-Identifier: Apache-2.0
"""A camera's message as it came: header and fields at once, pixels when they are asked for.

Pixels are decoded and encoded by ``restoregan_core.images.encodings``; nothing is computed here.
"""

from dataclasses import replace
from functools import cached_property

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from restoregan_core.images import encodings
from restoregan_core.images.decoding import MAX_IMAGE_PIXELS
from restoregan_core.images.rgb import RgbImage
from restoregan_ros.cv_bridge_fallback import cv_bridge_problem, decode_by_cv_bridge
from restoregan_ros.image_cdr import ImageFields, read_compressed_image, read_image, write_image

KEEP_SOURCE = "source"
"""Value of the parameter ``output_encoding`` that publishes each stream in its source's encoding."""


class SourceImage:
    """A serialised Image or CompressedImage: its fields at once, its pixels when they are asked for.

    Args:
        max_pixels: a larger image is not decoded.

    Raises:
        ValueError: the bytes are cut off.
    """

    def __init__(self, cdr: bytes, is_compressed: bool = False, max_pixels: int = MAX_IMAGE_PIXELS) -> None:
        self.cdr = cdr
        self.max_pixels = max_pixels
        self.is_compressed = is_compressed
        self.fields: ImageFields = read_compressed_image(cdr) if is_compressed else read_image(cdr)

    @cached_property
    def header(self) -> Header:
        stamp = Time(sec=self.fields.sec, nanosec=self.fields.nanosec)
        return Header(stamp=stamp, frame_id=self.fields.frame_id)

    @property
    def stamp_s(self) -> float:
        """When the frame was taken, in seconds, from its header."""
        return (self.fields.sec * 10**9 + self.fields.nanosec) / 1e9

    @cached_property
    def rgb_HWC(self) -> RgbImage:  # noqa: N802 - shape suffix
        """uint8 RGB (height, width, 3); not to be written to.

        Raises:
            UnsupportedEncodingError, MalformedImageError: see ``encodings.decode``.
        """
        image = self.fields
        if self.is_compressed:
            return encodings.decode_compressed(image.encoding, image.data, self.max_pixels)
        if image.encoding not in encodings.SUPPORTED_ENCODINGS:
            return decode_by_cv_bridge(image, self.max_pixels)
        return encodings.decode(
            image.encoding,
            image.data,
            image.height,
            image.width,
            image.step,
            image.is_bigendian,
            self.max_pixels,
        )

    def published_encoding(self) -> str:
        """What a stream that keeps its source's encoding publishes this one in.

        Raises:
            UnsupportedEncodingError: it is not decoded.
        """
        if self.is_compressed:
            return encodings.published_compressed_encoding(self.fields.encoding)
        if self.fields.encoding not in encodings.SUPPORTED_ENCODINGS and not cv_bridge_problem():
            return "bgr8"  # if cv_bridge knows it; else its pixels do not decode
        return encodings.published_encoding(self.fields.encoding)

    def keeps(self, encoding: str) -> bool:
        """Whether it can be published in ``encoding`` as it is."""
        return not self.is_compressed and self.fields.encoding == encoding

    def as_published(self, encoding: str) -> bytes:
        """The source frame itself as a serialised Image: its own bytes if it has that encoding.

        Raises:
            UnsupportedEncodingError, MalformedImageError: it has another encoding and does not decode.
        """
        return self.cdr if self.keeps(encoding) else self._encoded(self.rgb_HWC, encoding)

    def restored(self, rgb_HWC: RgbImage, encoding: str) -> bytes:
        """A restored image as a serialised Image with this frame's header.

        What restoration left alone keeps the source's bytes where the source has that encoding: row padding,
        alpha, low bits of mono16.
        """
        image = self.fields
        if not self.keeps(encoding):
            return self._encoded(rgb_HWC, encoding)
        data = encodings.merge(
            encoding, image.data, image.height, image.width, image.step, rgb_HWC, image.is_bigendian
        )
        return write_image(replace(image, data=data.data))

    def _encoded(self, rgb_HWC: RgbImage, encoding: str) -> bytes:
        data, step = encodings.encode(rgb_HWC, encoding)
        height, width = rgb_HWC.shape[:2]
        return write_image(
            replace(
                self.fields, encoding=encoding, height=height, width=width, step=step, is_bigendian=False,
                data=data.data,
            )
        )  # fmt: skip
