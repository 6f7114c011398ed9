# SPDX-License-Identifier: Apache-2.0
"""A camera that moves before a still image: consecutive frames, and the blur of their exposures, from photographs.

The scene slides, grows, turns and tips (a homography a moment, as a plane is seen from a moving car); before it an
object cut out of another image may go its own way. A frame is the mean of the scene over its exposure, in linear
light or in pixel values, so blur and the motion between frames come from one path.

Time counts in frames: 0 is the middle of the current frame's exposure, -1 that of the frame before.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.data.ranges import Range, check_range, check_share, draw_log
from restoregan_core.data.sensor import GAMMA
from restoregan_core.images.rgb import FloatImage, RgbImage

_STEP_PX = 1.5
"""Between two moments of an exposure the scene moves at most so far: a longer step shows edges twice."""
_MOST_MOMENTS = 25


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """How the virtual camera and what crosses its way are drawn.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    still_share: float = 0.12
    """Cameras that stand."""
    speed_px: Range = (0.3, 24.0)
    """Slide from frame to frame, px; small values as often as large."""
    zoom: float = 0.012
    """Standard deviation of the growth from frame to frame."""
    turn_deg: float = 0.4
    """Standard deviation of the turn from frame to frame."""
    tip: float = 0.03
    """Standard deviation of how the near side grows against the far side from frame to frame: parallax."""
    jerk: float = 0.15
    """Standard deviation of the change of speed from frame to frame, in units of the speed."""
    object_share: float = 0.35
    """Clips with something that moves on its own before the scene."""
    object_speed_px: Range = (0.5, 20.0)
    """Motion of that object against the scene from frame to frame."""
    exposure: Range = (0.35, 0.95)
    """Share of a frame's time that the shutter is open, in blurred clips."""
    linear_light_share: float = 0.5
    """Blurred clips whose light adds up; in the others pixel values do, as in GOPRO's plain average."""

    def __post_init__(self) -> None:
        for name in ("still_share", "object_share", "linear_light_share"):
            check_share(name, getattr(self, name))
        for name, lowest, highest in (
            ("speed_px", 0.01, 200),
            ("object_speed_px", 0.01, 200),
            ("exposure", 0.01, 1),
        ):
            object.__setattr__(self, name, check_range(name, getattr(self, name), lowest, highest))
        for name in ("zoom", "turn_deg", "tip", "jerk"):
            if not 0 <= getattr(self, name) <= 10:
                raise ValueError(f"{name}={getattr(self, name)} must lie in [0, 10]")


@dataclass(frozen=True, kw_only=True)
class Path:
    """Where something is at a time, seen from where it is at time 0."""

    slide: tuple[float, float]
    """px a frame, right and down."""
    acceleration: tuple[float, float]
    """px a frame and frame."""
    zoom: float = 0.0
    turn: float = 0.0
    """Radians a frame."""
    tip: tuple[float, float] = (0.0, 0.0)

    def matrix(self, time: float, side: float) -> npt.NDArray[np.float64]:
        """Homography from places at time 0 to places at ``time``, px from the middle of a square of this side."""
        size, angle = math.exp(self.zoom * time), self.turn * time
        right, down = (
            v * time + 0.5 * a * time * time for v, a in zip(self.slide, self.acceleration, strict=True)
        )
        cosine, sine = size * math.cos(angle), size * math.sin(angle)
        tip_x, tip_y = (t * time / side for t in self.tip)
        return np.array([[cosine, -sine, right], [sine, cosine, down], [tip_x, tip_y, 1.0]])

    def reach_px(self, first_time: float, side: float) -> float:
        """How far the corners of the square get from where they are at time 0, px, by ``first_time``."""
        half = side / 2
        corners = np.array([[x, y, 1.0] for x in (-half, half) for y in (-half, half)]).T
        reach = 0.0
        for time in (first_time, first_time / 2, 0.5):
            moved = self.matrix(time, side) @ corners
            reach = max(reach, float(np.abs(moved[:2] / moved[2] - corners[:2]).max()))
        return reach


@dataclass(frozen=True, kw_only=True)
class Motion:
    """One drawn motion of a camera, complete."""

    camera: Path
    exposure: float
    """Share of a frame's time; 0: the frames are sharp."""
    linear_light: bool
    object_path: Path | None = None
    """On top of the camera's."""
    object_shape: tuple[float, float, float, float, float, float] = (0, 0, 0, 0, 0, 1)
    """Middle and half axes in units of the side from the middle, exponent of the outline, softness in px."""

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        return asdict(self)

    def margin_px(self, frames: int, side: int) -> int:
        """What must be known of the scene around a square of this side, px, so that nothing is mirrored."""
        return math.ceil(self.camera.reach_px(-(frames - 1) - 0.5, side)) + 2


def draw_motion(config: MotionConfig, rng: np.random.Generator, blur_px: float = 0.0) -> Motion:
    """Draw one.

    Args:
        blur_px: 0 for sharp frames; otherwise how far the camera slides during an exposure.
    """
    exposure = float(rng.uniform(*config.exposure)) if blur_px else 0.0
    speed = draw_log(rng, config.speed_px) * float(rng.random() >= config.still_share)
    if blur_px:
        speed = blur_px / exposure
    camera = _draw_path(config, rng, speed)
    object_path, shape = None, (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    if rng.random() < config.object_share:
        object_path = _draw_path(config, rng, draw_log(rng, config.object_speed_px))
        x, y = rng.uniform(-0.35, 0.35, 2)
        wide, high = rng.uniform(0.06, 0.28, 2)
        shape = (x, y, wide, high, rng.uniform(1.5, 6), rng.uniform(0.6, 2))
    return Motion(
        camera=camera,
        exposure=exposure,
        linear_light=bool(rng.random() < config.linear_light_share),
        object_path=object_path,
        object_shape=tuple(float(v) for v in shape),  # type: ignore[arg-type]
    )


def film(
    scene_HWC: RgbImage,
    motion: Motion,
    times: list[float],
    side: int,
    object_HWC: RgbImage | None = None,
    sharp: int = 1,
) -> tuple[list[FloatImage], list[FloatImage]]:
    """Frames of a square window.

    Args:
        scene_HWC: uint8 RGB, square, the window in its middle with ``motion.margin_px`` around.
        times: of the frames, the first one the current one's.
        side: of the window, px.
        object_HWC: uint8 RGB (side, side, 3), where ``motion.object_path`` is set.
        sharp: of so many frames, from the first on, what they show is returned without blur as well.

    Returns:
        The frames, float32 (side, side, 3) in [0, 1], and the first ones without blur.
    """
    scene, thing = _light(scene_HWC, motion), None
    if motion.object_path is not None and object_HWC is not None:
        thing = np.dstack((_light(object_HWC, motion), _outline(motion.object_shape, side)))
    frames = []
    for time in times:
        moments = _moments(motion, time, side)
        total = np.zeros((side, side, 3), np.float32)
        for moment in moments:
            total += _seen(scene, thing, motion, moment, side)
        frames.append(_shown(total / np.float32(len(moments)), motion))
    if not motion.exposure:
        return frames, frames[:sharp]
    return frames, [_shown(_seen(scene, thing, motion, time, side), motion) for time in times[:sharp]]


def _draw_path(config: MotionConfig, rng: np.random.Generator, speed: float) -> Path:
    direction = rng.uniform(0, 2 * math.pi)
    moves = float(speed > 0)
    slide = (speed * math.cos(direction), speed * math.sin(direction))
    change = rng.normal(0, config.jerk, 2) * min(speed, 12.0)
    return Path(
        slide=slide,
        acceleration=(float(change[0]), float(change[1])),
        zoom=float(rng.normal(0, config.zoom)) * moves,
        turn=float(np.deg2rad(rng.normal(0, config.turn_deg))) * moves,
        tip=tuple(float(v) for v in rng.normal(0, config.tip, 2) * moves),  # type: ignore[arg-type]
    )


def _moments(motion: Motion, time: float, side: int) -> list[float]:
    if not motion.exposure:
        return [time]
    half = motion.exposure / 2
    reach = max(
        np.hypot(*motion.camera.slide) + np.hypot(*motion.camera.acceleration) * abs(time),
        motion.camera.reach_px(1.0, side) if time == 0 else 0.0,
    )
    count = int(np.clip(math.ceil(motion.exposure * reach / _STEP_PX) + 1, 3, _MOST_MOMENTS))
    return [float(t) for t in np.linspace(time - half, time + half, count)]


def _seen(scene: FloatImage, thing: FloatImage | None, motion: Motion, time: float, side: int) -> FloatImage:
    camera = motion.camera.matrix(time, side)
    seen = _warped(scene, camera, side)
    if thing is not None and motion.object_path is not None:
        moved = _warped(thing, camera @ motion.object_path.matrix(time, side), side)
        cover = np.clip(moved[..., 3:], 0, 1)
        seen = seen * (1 - cover) + moved[..., :3] * cover
    return seen


def _warped(image: FloatImage, matrix: npt.NDArray[np.float64], side: int) -> FloatImage:
    """The window's view of an image whose middle is the window's at time 0; a fourth channel is 0 outside."""
    middle = np.array([[1, 0, -(image.shape[1] - 1) / 2], [0, 1, -(image.shape[0] - 1) / 2], [0, 0, 1]])
    to_window = np.array([[1, 0, (side - 1) / 2], [0, 1, (side - 1) / 2], [0, 0, 1]])
    # Cubic: a linear look-up would soften every frame but the current one, which lies on whole pixels.
    return np.asarray(
        cv2.warpPerspective(
            image,
            to_window @ matrix @ middle,
            (side, side),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101 if image.shape[2] == 3 else cv2.BORDER_CONSTANT,
        ),
        np.float32,
    )


def _outline(shape: tuple[float, float, float, float, float, float], side: int) -> FloatImage:
    x0, y0, wide, high, power, soft = shape
    place = ((np.arange(side, dtype=np.float32) + 0.5) / side) - 0.5
    x, y = np.abs(place[None, :] - x0) / wide, np.abs(place[:, None] - y0) / high
    radius = (x**power + y**power) ** (1 / power)
    return np.clip((1 - radius) * min(wide, high) * side / soft + 0.5, 0, 1).astype(np.float32)


def _light(rgb_HWC: RgbImage, motion: Motion) -> FloatImage:
    image = np.asarray(rgb_HWC / np.float32(255), np.float32)
    return (
        np.asarray(np.power(image, GAMMA), np.float32) if motion.exposure and motion.linear_light else image
    )


def _shown(light: FloatImage, motion: Motion) -> FloatImage:
    image = np.asarray(np.clip(light, 0, 1), np.float32)
    return (
        np.asarray(np.power(image, 1 / GAMMA), np.float32)
        if motion.exposure and motion.linear_light
        else image
    )
