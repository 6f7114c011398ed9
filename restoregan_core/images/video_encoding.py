# SPDX-License-Identifier: Apache-2.0
"""Video files that are written, frame by frame: the codec of each suffix, and who encodes it.

``.mp4`` and ``.webm`` are VP9, which every current browser plays and nobody needs a licence for, where PyAV (the extra
``video``) brings its encoder. OpenCV encodes the others, and ``.mp4`` without PyAV.
"""

import importlib.util
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from restoregan_core.files import check_is_free
from restoregan_core.images.rgb import RgbImage

OPENCV_CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".mkv": "FFV1"}
"""What OpenCV encodes by suffix; FFV1 in .mkv is lossless."""
WRITABLE_SUFFIXES = (*OPENCV_CODECS, ".webm")
_BROWSER_SUFFIXES = (".mp4", ".webm")
_INSTALL = "pip install 'restoregan[video]'"
# Near the speed of OpenCV's MPEG-4, and closer to the frames at two thirds of its size; the usual settings of libvpx
# take a hundred times as long.
_VP9_OPTIONS = {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "crf": "18", "b": "0"}
_BT601, _LIMITED_RANGE = 6, 1  # as FFmpeg numbers them


class VideoEncoder(Protocol):
    """A video file that is being written."""

    note: str
    """What a user should know about its codec; may be empty."""

    def write(self, rgb_HWC: RgbImage) -> None:
        """Append a frame: uint8 RGB (H, W, 3), of the size that the file was opened with."""

    def close(self) -> None:
        """Write what is still held back, and let go of the file."""


def check_can_write_video(path: Path) -> None:
    """Raises ValueError for a suffix that cannot be written here, FileExistsError if the file exists."""
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        raise ValueError(
            f"{path}: cannot write a video {suffix or 'without suffix'}; use {', '.join(WRITABLE_SUFFIXES)}"
        )
    if suffix not in OPENCV_CODECS and not _has_pyav():
        raise ValueError(f"{path}: writing {suffix} needs PyAV: {_INSTALL}")
    check_is_free(path)


def open_encoder(path: Path, rate_hz: float, height: int, width: int) -> VideoEncoder:
    """Open a file for frames of one size, at a steady rate.

    Args:
        path: its suffix decides the codec.
        height: in pixels, even; width likewise.

    Raises:
        OSError: the codec cannot be opened.
    """
    if path.suffix.lower() in _BROWSER_SUFFIXES and _has_pyav():
        return _PyAvEncoder(path, rate_hz, height, width)
    return _OpenCvEncoder(path, rate_hz, height, width)


class _OpenCvEncoder:
    def __init__(self, path: Path, rate_hz: float, height: int, width: int) -> None:
        codec = OPENCV_CODECS[path.suffix.lower()]
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate_hz, (width, height))
        if not self._writer.isOpened():
            raise OSError(f"{path}: this OpenCV cannot encode {codec}")
        self.note = ""
        if path.suffix.lower() in _BROWSER_SUFFIXES:
            self.note = (
                f"written as MPEG-4 part 2, which browsers do not play; {_INSTALL} for VP9, which they do"
            )

    def write(self, rgb_HWC: RgbImage) -> None:
        self._writer.write(cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        self._writer.release()


class _PyAvEncoder:
    def __init__(self, path: Path, rate_hz: float, height: int, width: int) -> None:
        import av

        self.note = ""
        self._container = av.open(str(path), "w")
        try:
            rate = Fraction(rate_hz).limit_denominator(10_000)
            self._stream: Any = self._container.add_stream("libvpx-vp9", rate=rate, options=_VP9_OPTIONS)
        except ValueError as error:  # PyAV's errors for an unknown codec are of this kind
            self._container.close()
            raise OSError(f"{path}: this PyAV cannot encode VP9") from error
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "yuv420p"
        context = self._stream.codec_context
        # Said in the file, since players guess another matrix for large frames than for small ones.
        context.colorspace = context.color_primaries = context.color_trc = _BT601
        context.color_range = _LIMITED_RANGE

    def write(self, rgb_HWC: RgbImage) -> None:
        import av

        self._container.mux(
            self._stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb_HWC), "rgb24"))
        )

    def close(self) -> None:
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


def _has_pyav() -> bool:
    return importlib.util.find_spec("av") is not None
