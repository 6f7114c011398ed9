# SPDX-License-Identifier: Apache-2.0
"""Videos: frame by frame through a function, into a new file. Sound is not kept."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.images.decoding import MAX_IMAGE_PIXELS, MalformedImageError, check_pixels
from restoregan_core.images.rgb import RgbImage

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".mkv": "FFV1"}
"""Codec of the output by its suffix; FFV1 in .mkv is lossless."""


def is_video(path: Path) -> bool:
    """Whether the suffix is that of a video."""
    return path.suffix.lower() in (*CODECS, ".m4v", ".webm", ".mpg", ".mpeg", ".wmv")


def open_video(path: Path, max_pixels: int = MAX_IMAGE_PIXELS) -> cv2.VideoCapture:
    """A video to read frames from, BGR; to be released by the caller.

    Raises:
        ValueError: not a readable video, or one of larger frames than ``max_pixels``.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise ValueError(f"{path} is not a readable video")
    height, width = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
    try:
        check_pixels(height, width, max_pixels)
    except MalformedImageError as error:
        capture.release()
        raise ValueError(f"{path}: frames of {error}") from error
    return capture


def count_frames(path: Path) -> int:
    """Number of frames by the file's header: now and then off by one or two, 0 if it does not say.

    Raises:
        ValueError: not a readable video.
    """
    capture = open_video(path)
    count = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    capture.release()
    return count


def check_can_write_video(path: Path) -> None:
    """Raises ValueError for a suffix that no codec is known for, FileExistsError if the file exists."""
    if path.suffix.lower() not in CODECS:
        raise ValueError(
            f"{path}: cannot write a video {path.suffix or 'without suffix'}; use {', '.join(CODECS)}"
        )
    if path.exists():
        raise FileExistsError(f"{path} exists; nothing is overwritten")


def restore_video(
    source: Path,
    output: Path,
    restore: Callable[[RgbImage], RgbImage],
    on_frame: Callable[[], None] = lambda: None,
) -> int:
    """Restore every frame, at the source's frame rate; the file appears when it is whole.

    Args:
        restore: uint8 RGB (height, width, 3) -> the same.
        on_frame: called after each frame, for a progress bar.

    Returns:
        The number of frames written.

    Raises:
        ValueError: not a readable video, or a suffix that cannot be written.
        FileExistsError: there is something at ``output``.
        OSError: the video could not be encoded.
    """
    check_can_write_video(output)
    capture = open_video(source)
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    if not 0 < rate_hz < 1000:
        raise ValueError(f"{source} does not say its frame rate: convert it to .mp4 first")
    temporary = output.with_name(f".{output.stem}.part{output.suffix}")
    writer: cv2.VideoWriter | None = None
    count = 0
    try:
        while True:
            is_frame, bgr_HWC = capture.read()
            if not is_frame:
                break
            restored_HWC = restore(np.ascontiguousarray(bgr_HWC[..., ::-1]).astype(np.uint8, copy=False))
            if writer is None:
                height, width = restored_HWC.shape[:2]
                codec = cv2.VideoWriter.fourcc(*CODECS[output.suffix.lower()])
                writer = cv2.VideoWriter(str(temporary), codec, rate_hz, (width, height))
                if not writer.isOpened():
                    raise OSError(f"{output}: this OpenCV cannot encode {CODECS[output.suffix.lower()]}")
            writer.write(np.ascontiguousarray(restored_HWC[..., ::-1]))
            count += 1
            on_frame()
        if writer is None:
            raise ValueError(f"{source} does not hold a frame that can be decoded")
        writer.release()
        if output.exists():
            raise FileExistsError(f"{output} exists; nothing is overwritten")
        temporary.replace(output)
    finally:
        if writer is not None:
            writer.release()
        capture.release()
        temporary.unlink(missing_ok=True)
    return count
