# SPDX-License-Identifier: Apache-2.0
"""Streaks from images that show nothing else: rendered photorealistically, or cut out of rain that was filmed.

Real streaks are uneven along their way, since drops oscillate, and differ in focus and light; the lines that ``rain``
draws are not. The streaks of Garg and Nayar (Photorealistic Rendering of Rain Streaks, SIGGRAPH 2006) hold all that.
"""

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.data.ranges import Range, check_range, check_share, draw, draw_log
from restoregan_core.images.folders import find_images, read_rgb

_BORDER_PX = 4
"""Rendered and cut-out images often end in a line that is not rain."""


@dataclass(frozen=True, kw_only=True)
class OverlayRanges:
    """How images of streaks are laid over a scene.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    images: tuple[int, int] = (1, 2)
    """So many over each other."""
    scale: Range = (0.5, 1.7)
    turn_deg: float = 14
    """Each is turned by up to so much, to both sides."""
    brightness: Range = (0.25, 1.2)
    """What the image's values in [0, 1] are multiplied by."""
    fall_px: Range = (15, 120)
    """What the drops fall between two frames of a video."""
    transparent_share: float = 0.4
    light_share: float = 0.5
    """Both as in ``rain_config.StreakRanges``."""
    haze_share: float = 0.3
    haze: Range = (0.02, 0.2)

    def __post_init__(self) -> None:
        low, high = check_range("images", self.images, 1, 10)
        object.__setattr__(self, "images", (int(low), int(high)))
        for name, bounds in (
            ("scale", (0.1, 10)),
            ("brightness", (0.001, 5)),
            ("fall_px", (0, 1000)),
            ("haze", (0, 1)),
        ):
            object.__setattr__(self, name, check_range(name, getattr(self, name), *bounds))
        if not 0 <= self.turn_deg <= 90:
            raise ValueError(f"turn_deg={self.turn_deg} must lie in [0, 90]")
        for name in ("transparent_share", "light_share", "haze_share"):
            check_share(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class StreakImage:
    """One image of streaks, and how it lies."""

    file: str
    scale: float
    turn_deg: float
    """Counterclockwise."""
    mirrored: bool
    brightness: float
    fall_px: float
    """Between two frames of a video, along the upright of the image."""


def draw_overlays(
    folder: str, ranges: OverlayRanges, rng: np.random.Generator, severity: float | None = None
) -> tuple[StreakImage, ...]:
    """Draw images of a folder, and how they lie; they share their turn but for a few degrees.

    Args:
        severity: as for ``rain.draw_rain``.

    Raises:
        ValueError: no such folder, or no image in it.
    """
    files = _images(folder)
    turn_deg = rng.uniform(-ranges.turn_deg, ranges.turn_deg)
    low, high = ranges.brightness
    return tuple(
        StreakImage(
            file=files[int(rng.integers(len(files)))],
            scale=draw_log(rng, ranges.scale),
            turn_deg=float(turn_deg + rng.normal(0, 2)),
            mirrored=bool(rng.uniform() < 0.5),
            brightness=draw(rng, ranges.brightness) if severity is None else low + severity * (high - low),
            fall_px=draw(rng, ranges.fall_px),
        )
        for _ in range(int(rng.integers(ranges.images[0], ranges.images[1] + 1)))
    )


def overlay(
    image: StreakImage, rng: np.random.Generator, height: int, width: int, frame: int = 0
) -> npt.NDArray[np.float32]:
    """The streaks of one image, repeated to the sides: float32 (height, width), not negative.

    Args:
        rng: where the image lies.
        frame: number of the frame in a video.

    Raises:
        ValueError: the file is not an image.
    """
    grey_HW = _streaks(image.file)
    x, y = rng.uniform(0, 1, 2) * grey_HW.shape[::-1]
    # From a place in the frame to one in the image; what has fallen is looked up further up.
    cosine, sine = (f(math.radians(image.turn_deg)) / image.scale for f in (math.cos, math.sin))
    mirror = -1.0 if image.mirrored else 1.0
    fallen = round(image.fall_px * frame) / image.scale
    to_image = np.array([[mirror * cosine, -mirror * sine, x], [sine, cosine, y - fallen]])
    to_image[:, 2] %= grey_HW.shape[::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(grey_HW, to_image, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP)
    return np.asarray(seen, np.float32) * np.float32(image.brightness / 255)


@functools.cache
def _images(folder: str) -> list[str]:
    return [str(path) for path in find_images(folder)]


@functools.lru_cache(maxsize=64)
def _streaks(file: str) -> npt.NDArray[np.uint8]:
    grey_HW = cv2.cvtColor(read_rgb(Path(file)), cv2.COLOR_RGB2GRAY)
    inner = slice(_BORDER_PX, -_BORDER_PX or None)
    return np.ascontiguousarray(
        grey_HW[inner, inner] if min(grey_HW.shape) > 4 * _BORDER_PX else grey_HW, np.uint8
    )
