# SPDX-License-Identifier: Apache-2.0
"""Videos: their frames, each with its own time; frame by frame through a function, into a new file without sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.files import atomic_write, check_is_free
from restoregan_core.images.decoding import MAX_IMAGE_PIXELS, MalformedImageError, check_pixels
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.video_encoding import (
    WRITABLE_SUFFIXES,
    VideoEncoder,
    check_can_write_video,
    open_encoder,
)


def is_video(path: Path) -> bool:
    """Whether the suffix is that of a video."""
    return path.suffix.lower() in (*WRITABLE_SUFFIXES, ".m4v", ".mpg", ".mpeg", ".wmv")


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video."""

    rgb_HWC: RgbImage  # noqa: N815 - shape suffix
    time_s: float
    """When it is shown, in seconds since the first frame: frames need not be evenly spaced."""


class VideoReader:
    """The frames of a video file, in their order, to be gone through once; closed by its ``with`` block.

    Args:
        path: the file.
        max_pixels: larger frames are refused.

    Attributes:
        rate_hz: frames per second by the file's header, an average or a guess; 0 if it does not say.
        count: number of frames by the header, now and then off, and far off if frames are not evenly spaced; 0 if
            it does not say.

    Raises:
        ValueError: not a readable video, or one of larger frames.
    """

    def __init__(self, path: Path, max_pixels: int = MAX_IMAGE_PIXELS) -> None:
        if not path.is_file():
            raise ValueError(f"{path} is not a file")
        self.path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise ValueError(f"{path} is not a readable video")
        height, width, rate_hz, count = (
            self._capture.get(what)
            for what in (
                cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT
            )
        )  # fmt: skip
        try:
            check_pixels(int(height), int(width), max_pixels)
        except MalformedImageError as error:
            self.close()
            raise ValueError(f"{path}: frames of {error}") from error
        self.rate_hz = rate_hz if 0 < rate_hz < 1000 else 0.0
        self.count = max(int(count), 0)

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def __iter__(self) -> Iterator[VideoFrame]:
        """Raises ValueError if there is no frame that can be decoded."""
        for time_s in self.times():
            is_frame, bgr_HWC = self._capture.retrieve()
            if not is_frame:
                return
            yield VideoFrame(np.asarray(cv2.cvtColor(bgr_HWC, cv2.COLOR_BGR2RGB), np.uint8), time_s)

    def times(self) -> Iterator[float]:
        """``time_s`` of each frame, without its pixels; otherwise as iteration."""
        first_s = time_s = None
        while self._capture.grab():
            clock_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if first_s is None or time_s is None:
                first_s, time_s = clock_s, 0.0
            elif clock_s - first_s > time_s:
                time_s = clock_s - first_s
            elif self.rate_hz:  # a container that keeps no times
                time_s += 1 / self.rate_hz
            yield time_s
        if time_s is None:
            raise ValueError(f"{self.path} does not hold a frame that can be decoded")


@dataclass(frozen=True)
class Timing:
    """When the frames of a video are shown, and how they are shown at a steady rate instead."""

    count: int
    rate_hz: float
    """The steady rate at which the whole takes as long as it does by the frames' own times."""
    largest_shift_s: float
    """The furthest that a frame moves from its own time then."""
    missing_s: float
    """By how much the file's header promises more than could be decoded."""

    def notes(self) -> tuple[str, ...]:
        """What a user should know, one line each."""
        notes = []
        if self.largest_shift_s > 0.5 / self.rate_hz:
            notes.append(
                f"frames are not evenly spaced; written at their mean rate of {self.rate_hz:.3g} per second, which"
                f" moves some of them by up to {self.largest_shift_s:.2f} s"
            )
        if self.missing_s > max(2 / self.rate_hz, 0.02 * self.count / self.rate_hz):
            notes.append(f"only {self.count} frames could be decoded; {self.missing_s:.1f} s are missing")
        return tuple(notes)


def read_timing(path: Path) -> Timing:
    """Go through a video once for the times of its frames.

    Raises:
        ValueError: not a readable video, or one that says neither times nor a rate.
    """
    with VideoReader(path) as video:
        times_s = np.array(list(video.times()))
        rate_hz, count, announced_s = video.rate_hz, len(times_s), 0.0
        if rate_hz:
            announced_s = video.count / rate_hz
    if not rate_hz or np.abs(times_s - np.arange(count) / rate_hz).max() > 0.5 / rate_hz:
        if not times_s[-1]:
            raise ValueError(f"{path} does not say its frame rate: convert it to .mp4 first")
        rate_hz = (count - 1) / times_s[-1]
    shift_s = float(np.abs(times_s - np.arange(count) / rate_hz).max())
    return Timing(count, rate_hz, shift_s, announced_s - (times_s[-1] + 1 / rate_hz))


def restore_video(
    source: Path,
    output: Path,
    restore: Callable[[VideoFrame], RgbImage],
    on_frame: Callable[[int], None] = lambda count: None,
) -> tuple[str, ...]:
    """Restore every frame; the file appears when it is whole, at a steady rate (``Timing``).

    An odd width or height grows by one, its last column or row repeated: the usual codecs want even ones.

    Args:
        restore: gives an image of the frame's size.
        on_frame: called after each frame with the number of all, for a progress bar.

    Returns:
        What a user should know, one line each.

    Raises:
        ValueError: not a readable video, or a suffix that cannot be written.
        FileExistsError: there is something at ``output``.
        OSError: the video could not be encoded.
    """
    check_can_write_video(output)
    timing = read_timing(source)
    notes = list(timing.notes())
    with VideoReader(source) as video, atomic_write(output, keep_suffix=True) as temporary:
        encoder: VideoEncoder | None = None
        try:
            for frame in video:
                restored_HWC = _with_even_sides(restore(frame))
                if encoder is None:
                    encoder = open_encoder(temporary, timing.rate_hz, *restored_HWC.shape[:2])
                    notes += [encoder.note] if encoder.note else []
                encoder.write(restored_HWC)
                on_frame(timing.count)
        finally:
            if encoder is not None:
                encoder.close()
        check_is_free(output)
    return tuple(notes)


def _with_even_sides(rgb_HWC: RgbImage) -> RgbImage:
    height, width = rgb_HWC.shape[:2]
    return np.pad(rgb_HWC, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
