# SPDX-License-Identifier: Apache-2.0
"""Driving clips for the demo: the built-in street with known ground truth, a video, a folder or a bag's camera."""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from restoregan_core.concurrency import mapped
from restoregan_core.demo.degrade import RainShower, Shake, mean_light, shaken, turned, veiled
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.video_files import VideoReader

Item = TypeVar("Item")
TimedImage = tuple[float, RgbImage]
"""Seconds since the first frame, and the frame."""

WORKERS = 2
DEGRADATIONS = ("blur", "rain")
STREET_HEIGHT, STREET_WIDTH, STREET_RATE_HZ, STREET_SECONDS = 360, 640, 10.0, 20.0
BLUR_EXPOSURE_S, RAIN_EXPOSURE_S = 0.030, 0.012
_DRIVING_MPS = 8.0
_KEYS, _TURNS_PER_KEY = 4, 5
_ACTS: tuple[tuple[str, ...], ...] = ((), ("blur",), ("rain",), ("blur", "rain"))


@dataclass(frozen=True)
class ClipFrame:
    """One frame as the camera sends it, what it should look like (None: nobody knows), and what was done."""

    time_s: float
    image: RgbImage
    truth: RgbImage | None
    condition: str
    """``clean``, ``blur``, ``rain``, ``blur and rain``; empty: not known."""


@dataclass(frozen=True)
class Clip:
    """Frames of one size; ``frames`` can be gone through once."""

    name: str
    count: int
    """How many frames come, as far as is known beforehand."""
    frames: Iterator[ClipFrame]


def condition_of(degradations: Collection[str]) -> str:
    """``("blur", "rain")`` -> ``blur and rain``; nothing -> ``clean``."""
    return " and ".join(name for name in DEGRADATIONS if name in degradations) or "clean"


def street_clip(
    seconds: float = STREET_SECONDS,
    rate_hz: float = STREET_RATE_HZ,
    height: int = STREET_HEIGHT,
    width: int = STREET_WIDTH,
) -> Clip:
    """The built-in drive: a quarter of it clean, then blurred, rainy, and both; its ground truth is exact."""
    from restoregan_core.demo.street import Pose, Street

    street, shower = Street(height, width), RainShower(height, width, speed_mps=_DRIVING_MPS)
    shake = Shake()
    count = round(seconds * rate_hz)

    def act(index: int) -> tuple[str, ...]:
        return _ACTS[min(index * len(_ACTS) // count, len(_ACTS) - 1)]

    def angles(time_s: float, strength: float) -> npt.NDArray[np.float64]:
        return np.array(shake.angles(time_s)) * strength

    def see(time_s: float, strength: float) -> RgbImage:
        yaw, pitch, roll = angles(time_s, strength)
        return street.render(
            Pose(
                z_m=_DRIVING_MPS * time_s,
                x_m=1.9 + 0.15 * np.sin(0.7 * time_s),
                yaw=float(yaw), pitch=float(pitch), roll=float(roll),
                lead_car_m=15 + 3 * np.sin(0.4 * time_s),
            )
        )  # fmt: skip

    def expose(time_s: float) -> Iterator[RgbImage]:
        # Rendered at a few moments, and turned, which is exact and cheap, to those between.
        step_s = BLUR_EXPOSURE_S / (_KEYS * _TURNS_PER_KEY)
        for key in range(_KEYS):
            key_s = time_s + (key - (_KEYS - 1) / 2) * step_s * _TURNS_PER_KEY
            frame = see(key_s, 1.0)
            for turn in range(_TURNS_PER_KEY):
                moment_s = key_s + (turn - (_TURNS_PER_KEY - 1) / 2) * step_s
                yaw, pitch, roll = angles(moment_s, 1.0) - angles(key_s, 1.0)
                yield turned(frame, street.focal_px, float(yaw), float(pitch), float(roll))

    def make(index: int) -> ClipFrame:
        time_s, degradations = index / rate_hz, act(index)
        truth = see(time_s, 1.0 if "blur" in degradations else 0.05)
        image = mean_light(expose(time_s)) if "blur" in degradations else truth
        if "rain" in degradations:
            exposure_s = BLUR_EXPOSURE_S if "blur" in degradations else RAIN_EXPOSURE_S
            image, truth = shower.fall_on(image, time_s, exposure_s), veiled(truth)
        return ClipFrame(time_s, image, truth, condition_of(degradations))

    return Clip("built-in street", count, in_threads(make, range(count)))


def video_clip(path: Path, degradations: Collection[str] = (), max_seconds: float = 30.0) -> Clip:
    """A video file, from its start.

    Raises:
        ValueError: not a video that OpenCV can read.
    """
    video = VideoReader(path)
    count = min(video.count, int(max_seconds * video.rate_hz)) if video.rate_hz else video.count

    def timed() -> Iterator[TimedImage]:
        with video:
            for frame in video:
                if frame.time_s >= max_seconds:
                    return
                yield frame.time_s, frame.rgb_HWC

    return given_clip(path.name, count, timed(), degradations)


def folder_clip(
    folder: Path, degradations: Collection[str] = (), rate_hz: float = 10.0, max_seconds: float = 30.0
) -> Clip:
    """Images of a folder in the order of their names, all of the first one's size.

    Raises:
        ValueError: no images in it, or one of another size.
    """
    from restoregan_core.images.folders import find_frames, read_rgb

    files = find_frames(folder)[: int(max_seconds * rate_hz)]
    timed = ((index / rate_hz, read_rgb(file)) for index, file in enumerate(files))
    return given_clip(folder.name, len(files), timed, degradations)


def given_clip(
    name: str, count: int, timed: Iterable[TimedImage], degradations: Collection[str] = ()
) -> Clip:
    """A clip of frames that somebody else took, degraded if that is asked for.

    Args:
        count: how many frames come, as far as is known.
        timed: each frame's own time and the frame.
        degradations: of ``DEGRADATIONS``, what to degrade them by.
    """
    if not degradations:
        return Clip(name, count, (ClipFrame(time_s, image, None, "") for time_s, image in timed))
    shake = Shake()

    def degrade(timed_image: TimedImage) -> ClipFrame:
        time_s, truth = timed_image
        image = truth
        if "blur" in degradations:
            image = shaken(image, shake, time_s, BLUR_EXPOSURE_S, steps=16)
        if "rain" in degradations:
            shower = RainShower(truth.shape[0], truth.shape[1], speed_mps=_DRIVING_MPS)
            exposure_s = BLUR_EXPOSURE_S if "blur" in degradations else RAIN_EXPOSURE_S
            image, truth = shower.fall_on(image, time_s, exposure_s), veiled(truth)
        return ClipFrame(time_s, image, truth, condition_of(degradations))

    return Clip(f"{name}, degraded by {condition_of(degradations)}", count, in_threads(degrade, timed))


def in_threads(make: Callable[[Item], ClipFrame], items: Iterable[Item]) -> Iterator[ClipFrame]:
    """``make`` of each item, in order, by a few threads."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from mapped(pool, make, items, 2 * WORKERS)


def parse_degradations(text: str) -> tuple[str, ...]:
    """``blur,rain`` -> ("blur", "rain"); empty -> ().

    Raises:
        ValueError: something else in it.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in DEGRADATIONS:
            raise ValueError(f"cannot degrade by {name!r}; there are: {', '.join(DEGRADATIONS)}")
    return names
