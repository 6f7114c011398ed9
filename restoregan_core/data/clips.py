# SPDX-License-Identifier: Apache-2.0
"""Training samples with history: the current frame, and the frames before it aligned to it as at run time.

Clips come from stills by a virtual camera, degraded frame by frame, or from recordings: real pairs whose files are
consecutive frames. What goes wrong on a vehicle goes wrong here too: frames are dropped, repeated, or missing after
a start, exposure jumps, and alignment fails.

Streaks are to go, a veil is to stay: the ground truth of rain keeps its haze, and clean clips have veils of their own.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restoregan_core.data.degrade import DegradeConfig
from restoregan_core.data.drops import Drops, apply_drops, draw_drops
from restoregan_core.data.rain import Rain, apply_rain, apply_veil, draw_rain
from restoregan_core.data.ranges import Range, check_range, check_share, draw, draw_log
from restoregan_core.data.sensor import Sensor, apply_sensor, draw_sensor
from restoregan_core.data.virtual_camera import Motion, MotionConfig, draw_motion
from restoregan_core.images.alignment import align, filled_up
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.rgb import RgbImage


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """How samples with history are made.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    history: int = 2
    """Frames before the current one; the generator's own number."""
    path: bool = False
    """Give the current frame along its own motion, too; the generator's own choice."""
    video_share: float = 0.4
    """Share of the clips without blur whose frames were recorded (``data.videos``), if there are any; the others are
    filmed from stills."""
    single_share: float = 0.3
    """Samples that are single images: each frame of their history is a copy of the current one."""
    motion: MotionConfig = field(default_factory=MotionConfig)
    blur_px: Range = (2.0, 24.0)
    """How far the camera of a blurred clip slides during an exposure; small values as often as large."""
    new_rain_share: float = 0.4
    """Rain whose streaks are drawn independently in every frame; the rest falls on from frame to frame."""
    veil_share: float = 0.3
    """Clips with a veil of their own, which belongs to the ground truth."""
    veil: Range = (0.05, 0.45)
    dropped_share: float = 0.15
    """Clips from which frames are missing: the time between two of them is up to ``dropped_frames`` + 1 frames."""
    dropped_frames: int = 8
    repeated_share: float = 0.03
    """Clips in which the camera sent a frame twice."""
    missing_share: float = 0.05
    """Clips whose oldest frames are missing: the oldest one that there is stands for them, or the current one."""
    failed_share: float = 0.06
    """Clips whose alignment fails: a frame of the history is displaced by 4 to 40 px, or of another scene."""
    jump_share: float = 0.05
    """Clips whose exposure jumps between two frames."""
    unrolled: int = 1
    """So many consecutive frames of a clip are restored one after another, and each answer is judged: for a recurrent
    generator, which sees its own answer to the frame before. A single image's sample is as many single images.
    1: the current frame alone."""
    spared_share: float = 0.25
    """Unrolled clips in which the gate lets a run of frames pass, so that these stand for their own answers."""

    def __post_init__(self) -> None:
        if not 1 <= self.history <= 8:
            raise ValueError(f"history={self.history} must lie in [1, 8]")
        if not 1 <= self.unrolled <= 9:
            raise ValueError(f"unrolled={self.unrolled} must lie in [1, 9]")
        if self.unrolled > 1 and self.history != 2:
            raise ValueError(f"unrolled={self.unrolled} is for history=2, not history={self.history}")
        for name in (
            "video",
            "single",
            "new_rain",
            "veil",
            "dropped",
            "repeated",
            "missing",
            "failed",
            "jump",
            "spared",
        ):
            check_share(f"{name}_share", getattr(self, f"{name}_share"))
        if not 1 <= self.dropped_frames <= 60:
            raise ValueError(f"dropped_frames={self.dropped_frames} must lie in [1, 60]")
        object.__setattr__(self, "blur_px", check_range("blur_px", self.blur_px, 0.1, 200))
        object.__setattr__(self, "veil", check_range("veil", self.veil, 0, 0.9))

    @property
    def frames_before(self) -> int:
        """Frames of a clip before its newest one."""
        return self.unrolled - 1 if self.unrolled > 1 else self.history


@dataclass(frozen=True, kw_only=True)
class Accidents:
    """What went wrong between a camera and the network, in one clip."""

    displaced_px: tuple[int, int] = (0, 0)
    """The first frame of the history, right and down, after alignment."""
    is_other_scene: bool = False
    """The history is mirrored: nothing of it belongs to the current frame."""
    missing: int = 0
    """So many of the oldest frames are copies of the next newer one."""
    gains: tuple[float, ...] = ()
    """Brightness of the current and each older frame; empty: all 1."""


@dataclass(frozen=True, kw_only=True)
class ClipDegradation:
    """One drawn clip: what its frames went through. With the source image it gives the same sample again."""

    kind: str
    times: tuple[float, ...]
    """When each frame was taken, counted in frames; the current one is 0 and first."""
    motion: Motion
    accidents: Accidents
    veil: float
    airlight: float
    rain: Rain | None = None
    rain_steps: tuple[int, ...] = ()
    drops: Drops | None = None
    sensor: Sensor | None = None

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        record: dict[str, Any] = {
            "kind": self.kind,
            "times": list(self.times),
            "motion": self.motion.to_dict(),
            "accidents": asdict(self.accidents),
            "veil": self.veil,
        }
        for name in ("rain", "drops", "sensor"):
            part = getattr(self, name)
            if part is not None:
                record[name] = part.to_dict()
        return record

    def degrade(self, frames: Sequence[npt.NDArray[np.float32]]) -> list[RgbImage]:
        """Each filmed frame as the camera delivers it: float32 (H, W, 3) in [0, 1] -> uint8 RGB."""
        degraded = []
        for number, frame in enumerate(frames):
            seen_CHW = _to_chw(frame)
            if self.veil:
                seen_CHW = self._veiled(seen_CHW)
            if self.rain is not None:
                seen_CHW = apply_rain(seen_CHW, self._rain_of(number), self.rain_steps[number])
            if self.drops is not None:
                seen_CHW = apply_drops(seen_CHW, self.drops)
            if self.accidents.gains:
                seen_CHW = (seen_CHW * self.accidents.gains[number]).clamp(0, 1)
            if self.sensor is not None:
                seen_CHW = apply_sensor(seen_CHW, self._sensor_of(number))
            degraded.append(_to_bytes(seen_CHW))
        return degraded

    def ground_truth(self, frame: npt.NDArray[np.float32], number: int = 0) -> RgbImage:
        """A sharp frame, that of this number, without streaks, drops and noise; with its veil and brightness.

        A clean clip's is what the camera delivers: nothing is to be done to it, noise included.
        """
        target_CHW = _to_chw(frame)
        if self.veil:
            target_CHW = self._veiled(target_CHW)
        if self.rain is not None:
            target_CHW = apply_veil(target_CHW, self.rain)
        if self.accidents.gains:
            target_CHW = (target_CHW * self.accidents.gains[number]).clamp(0, 1)
        if self.kind == "clean" and self.sensor is not None:
            target_CHW = apply_sensor(target_CHW, self._sensor_of(number))
        return _to_bytes(target_CHW)

    def _sensor_of(self, number: int) -> Sensor:
        assert self.sensor is not None
        return replace(self.sensor, seed=self.sensor.seed + number)

    def _rain_of(self, number: int) -> Rain:
        assert self.rain is not None
        is_new = len(set(self.rain_steps)) == 1
        return replace(self.rain, seed=self.rain.seed + number) if is_new else self.rain

    def _veiled(self, image_CHW: Tensor) -> Tensor:
        return image_CHW * (1 - self.veil) + self.airlight * self.veil


def draw_clip(
    kind: str, config: ClipConfig, degrade: DegradeConfig, rng: np.random.Generator, side: int
) -> ClipDegradation:
    """Draw everything that one clip of this kind needs: blur, rain, blur_rain, drops or clean."""
    before = config.frames_before
    blurred = kind in ("blur", "blur_rain")
    motion = draw_motion(config.motion, rng, draw_log(rng, config.blur_px) if blurred else 0.0)
    gaps = np.ones(before)
    if rng.random() < config.dropped_share:
        gaps[rng.integers(before) :] += rng.integers(1, config.dropped_frames + 1)
        # A slow camera, or the frames would have nothing in common.
        motion = motion if blurred else draw_motion(_slowed(config.motion, float(gaps.max())), rng)
    if rng.random() < config.repeated_share:
        gaps[rng.integers(before)] = 0
    times = (0.0, *(float(-t) for t in np.cumsum(gaps)))
    rain: Rain | None = None
    steps: tuple[int, ...] = ()
    if kind in ("rain", "blur_rain"):
        rain = draw_rain(degrade.rain, rng)
        falls_on = rng.random() >= config.new_rain_share
        steps = tuple(int(t) for t in times) if falls_on else (0,) * (before + 1)
    return ClipDegradation(
        kind=kind,
        times=times,
        motion=motion,
        accidents=draw_accidents(config, rng),
        veil=draw(rng, config.veil) if rng.random() < config.veil_share else 0.0,
        airlight=float(rng.uniform(0.55, 0.97)),
        rain=rain,
        rain_steps=steps,
        drops=draw_drops(degrade.drops, rng, side, side) if kind == "drops" else None,
        sensor=draw_sensor(degrade.sensor, rng),
    )


def draw_accidents(config: ClipConfig, rng: np.random.Generator, is_recorded: bool = False) -> Accidents:
    """Draw what goes wrong with one clip; recorded clips keep the brightness that they were filmed with.

    What goes wrong along an unrolled clip is drawn with each sample that is cut from it (``sequences.draw_mishaps``).
    """
    accidents = Accidents()
    if config.unrolled == 1:
        displaced, is_other_scene = (0, 0), False
        if rng.random() < config.failed_share:
            displaced, is_other_scene = draw_failure(rng)
        missing = int(rng.integers(1, config.history + 1)) if rng.random() < config.missing_share else 0
        accidents = Accidents(displaced_px=displaced, is_other_scene=is_other_scene, missing=missing)
    if not is_recorded and rng.random() < config.jump_share:
        gains = tuple(float(g) for g in rng.uniform(0.75, 1.15, config.frames_before + 1))
        accidents = replace(accidents, gains=gains)
    return accidents


def draw_failure(rng: np.random.Generator) -> tuple[tuple[int, int], bool]:
    """How alignment fails: displaced, px right and down; whether the other frame is of another scene instead."""
    is_other_scene = bool(rng.random() < 0.3)
    distance, direction = rng.uniform(4, 40), rng.uniform(0, 2 * np.pi)
    return (round(distance * np.cos(direction)), round(distance * np.sin(direction))), is_other_scene


def with_history(frames: Sequence[RgbImage], accidents: Accidents, path: bool = False) -> RgbImage:
    """The network's input: the first frame and the others aligned to it, uint8 (H, W, 3 x frames).

    Args:
        path: add the first frame's ``images.blur_path``, three channels more.
    """
    present = len(frames) - accidents.missing
    # Also where alignment fails, which `images.failed_alignment` hides at run time: it does not find all of it, and a
    # network that never met such places trusts them.
    aligned, ways = align(frames[0], frames[1:present])
    if aligned and accidents.is_other_scene:
        aligned = [np.ascontiguousarray(image[::-1, ::-1]) for image in aligned]
    elif aligned and accidents.displaced_px != (0, 0):
        right, down = accidents.displaced_px
        aligned[0] = np.roll(aligned[0], (down, right), (0, 1))
    images = filled_up([frames[0], *aligned], len(frames))
    if path:
        images.append(path_image(frames[0], ways[0] if ways else None))
    return np.concatenate(images, axis=2)


def _slowed(config: MotionConfig, gap: float) -> MotionConfig:
    low, high = config.speed_px
    return replace(config, speed_px=(min(low, high / gap), max(high / gap, 0.02)))


def _to_chw(image_HWC: npt.NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image_HWC.transpose(2, 0, 1), np.float32))


def _to_bytes(image_CHW: Tensor) -> RgbImage:
    eight_bit = image_CHW.mul(255).round_().clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(eight_bit.permute(1, 2, 0).numpy())
