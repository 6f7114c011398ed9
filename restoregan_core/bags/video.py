# SPDX-License-Identifier: Apache-2.0
"""Streams of packets, where PyAV is installed: H.264 and its kin decode only in order.

They come as foxglove_msgs/CompressedVideo, and from hardware encoders as sensor_msgs/CompressedImage.
"""

from typing import Any

import numpy as np

from restoregan_core.images.decoding import MAX_IMAGE_PIXELS, MalformedImageError
from restoregan_core.images.encodings import UnsupportedEncodingError
from restoregan_core.images.rgb import RgbImage

VIDEO_TYPE = "foxglove_msgs/msg/CompressedVideo"
_CODECS = {"h264": "h264", "h265": "hevc", "hevc": "hevc", "vp9": "vp9", "av1": "av1"}


def is_codec(compressed_format: str) -> bool:
    """Whether the ``format`` of a message names a codec of videos."""
    return compressed_format.lower() in _CODECS


class VideoDecoder:
    """Decodes one stream, one packet a message, as the message's definition has it (no B frames).

    Args:
        max_pixels: larger frames are refused before memory is taken for them.
    """

    def __init__(self, max_pixels: int = MAX_IMAGE_PIXELS) -> None:
        self._max_pixels = max_pixels
        self._context: Any = None

    def decode(self, codec: str, packet: bytes) -> RgbImage | Exception:
        """The image as uint8 RGB (height, width, 3), or why there is none, for its frame to raise."""
        try:
            import av
        except ModuleNotFoundError:
            return UnsupportedEncodingError(f"{codec} video needs PyAV (pip install av)")
        codec = codec.lower()
        if codec not in _CODECS:
            return UnsupportedEncodingError(f"video format {codec!r}; supported: {', '.join(_CODECS)}")
        try:
            if self._context is None:
                self._context = av.CodecContext.create(_CODECS[codec], "r")
                self._context.thread_type = "NONE"  # threads would hold frames back
                self._context.options = {"max_pixels": str(self._max_pixels)}
                self._context.flags |= av.codec.context.Flags.low_delay
            images = self._context.decode(av.Packet(packet))
        except Exception as error:  # av's exceptions follow ffmpeg's error codes
            if has_length_prefixes(packet):
                return MalformedImageError(
                    f"{codec} packet of {len(packet)} bytes has lengths where start codes belong, as in .mp4 files:"
                    f" record what the bitstream filter {_CODECS[codec]}_mp4toannexb makes of it"
                )
            return MalformedImageError(
                f"{codec} packet of {len(packet)} bytes is damaged, or of more than {self._max_pixels:,} pixels:"
                f" {error}"
            )
        if not images:
            return MalformedImageError(
                f"{codec} packet of {len(packet)} bytes does not give an image of its own"
            )
        return np.ascontiguousarray(images[-1].to_ndarray(format="rgb24"))


def has_length_prefixes(packet: bytes) -> bool:
    """Whether a packet is a chain of units, each behind its length in four bytes, instead of Annex B."""
    at = 0
    while len(packet) - at > 0:
        at += 4 + int.from_bytes(packet[at : at + 4], "big")
    return at == len(packet) > 0
