# SPDX-License-Identifier: Apache-2.0
"""Degrade clean driving frames in known ways: exposure with a shaking camera, and falling rain.

Both work on light, not on pixel values: a pixel holds light ** (1 / 2.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage

GAMMA = 2.2
_TO_LIGHT = (np.arange(256, dtype=np.float32) / 255) ** GAMMA
_LIGHT_STEPS = 4095
_TO_PIXEL = np.round((np.arange(_LIGHT_STEPS + 1) / _LIGHT_STEPS) ** (1 / GAMMA) * 255).astype(np.uint8)

_SKY = np.array((0.72, 0.74, 0.76), np.float32)
_VEIL = 0.05
"""Share of a pixel's light that comes from the rain further away."""

Light = npt.NDArray[Any]
"""float32."""


def to_light(frame_HWC: RgbImage) -> Light:
    """uint8 pixels -> float32 light in [0, 1]."""
    return cv2.LUT(frame_HWC, _TO_LIGHT)


def to_pixels(light_HWC: Light) -> RgbImage:
    """float32 light in [0, 1] -> uint8 pixels."""
    return _TO_PIXEL[np.clip(light_HWC * _LIGHT_STEPS + 0.5, 0, _LIGHT_STEPS).astype(np.uint16)]


def mean_light(frames: Iterable[RgbImage]) -> RgbImage:
    """What a shutter that stays open over all these frames records."""
    total: Light | None = None
    count = 0
    for frame in frames:
        light = to_light(frame)
        total = light if total is None else cv2.add(total, light, dst=total)
        count += 1
    assert total is not None, "an exposure needs at least one frame"
    return to_pixels(total / count)


@dataclass(frozen=True, kw_only=True)
class Shake:
    """How a loosely mounted camera turns, in radians, at ``time_s``."""

    amplitude: float = 1.0
    """1 smears by some 3 to 14 px at 640 px width and an exposure of 30 ms."""

    def angles(self, time_s: float) -> tuple[float, float, float]:
        """(yaw, pitch, roll)."""
        waves = (
            ((0.060, 1.10, 0.0), (0.010, 3.7, 1.0)),
            ((0.022, 1.70, 2.0), (0.006, 4.3, 0.5)),
            ((0.012, 0.8, 1.5),),
        )
        yaw, pitch, roll = (
            sum(size * np.sin(2 * np.pi * hertz * time_s + phase) for size, hertz, phase in wave)
            for wave in waves
        )
        return self.amplitude * float(yaw), self.amplitude * float(pitch), self.amplitude * float(roll)


def turned(frame_HWC: RgbImage, focal_px: float, yaw: float, pitch: float, roll: float) -> RgbImage:
    """The frame that the same camera takes after turning by these angles: exact at any distance."""
    height, width = frame_HWC.shape[:2]
    camera = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
    rotation = cv2.Rodrigues(np.array([-pitch, yaw, roll]))[0]
    # Seen the other way round, pixel of the new frame -> pixel of the old one: rays turn with the camera.
    homography = camera @ rotation @ np.linalg.inv(camera)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned_HWC = cv2.warpPerspective(
        frame_HWC, homography, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(turned_HWC, np.uint8)


def shaken(frame_HWC: RgbImage, shake: Shake, time_s: float, exposure_s: float, steps: int = 24) -> RgbImage:
    """One frame exposed for ``exposure_s`` around ``time_s``, sharp in the middle of the exposure."""
    focal_px = 0.9 * frame_HWC.shape[1]
    middle = np.array(shake.angles(time_s))
    moments = time_s + exposure_s * (np.arange(steps) + 0.5) / steps - exposure_s / 2
    turns = (np.array(shake.angles(moment)) - middle for moment in moments)
    return mean_light(turned(frame_HWC, focal_px, *turn) for turn in turns)


class RainShower:
    """Drops that fall through the space before a moving camera; frames of one size.

    A drop is a streak along its way during the exposure, as bright as the sky that shines through it. Near
    drops are longer, wider and fainter. The same drop is seen in several frames.
    """

    def __init__(
        self, height: int, width: int, density: float = 1.0, speed_mps: float = 8.0, seed: int = 5
    ) -> None:
        rng = np.random.default_rng(seed)
        self.height, self.width = height, width
        self._focal_px = 0.9 * width
        count = int(5200 * density)
        self._room_m = np.array([7.0, 5.0, 11.0])  # width, height and depth of the box of drops
        self._start_m = rng.random((count, 3)) * self._room_m
        fall = rng.normal(8.0, 0.7, count)
        self._velocity_mps = np.stack([rng.normal(1.1, 0.25, count), fall, np.full(count, -speed_mps)], 1)
        self._opacity = rng.uniform(0.35, 1.0, count)

    def streaks(self, time_s: float, exposure_s: float) -> Light:
        """(height, width) share of each pixel's light that drops replace, in [0, 1]."""
        here = (self._start_m + self._velocity_mps * time_s) % self._room_m
        here -= self._room_m * (0.5, 0.5, 0)
        here[:, 2] += 0.9
        middle = (self._velocity_mps * exposure_s) / 2
        start_px, start_scale = self._project(here - middle)
        end_px, end_scale = self._project(here + middle)
        scale = (start_scale + end_scale) / 2
        mask = np.zeros((self.height, self.width), np.uint8)
        seen = np.flatnonzero(
            (start_scale > 0)
            & (end_scale > 0)
            & (np.maximum(start_px, end_px) > -40).all(1)
            & (np.minimum(start_px, end_px) < (self.width + 40, self.height + 40)).all(1)
        )
        drop_px = scale * 0.0022  # drops of 2 mm
        for index in seen[np.argsort(scale[seen])]:
            thickness = max(1, round(drop_px[index]))
            # A streak's light is spread over its length, and over a whole pixel where it is narrower.
            level = 150 * self._opacity[index] * min(1.0, drop_px[index]) ** 0.6
            start, end = (
                (start_px[index] * 16).astype(int).tolist(),
                (end_px[index] * 16).astype(int).tolist(),
            )
            cv2.line(mask, start, end, int(level), thickness, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(mask, (3, 3), 0.7).astype(np.float32) / 255

    def _project(
        self, points_m: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(N, 2) pixels and (N,) pixels per metre; 0 for what is behind the camera."""
        scale = np.where(points_m[:, 2] > 0.3, self._focal_px / np.maximum(points_m[:, 2], 0.3), 0)
        centre = ((self.width - 1) / 2, (self.height - 1) / 2)
        return points_m[:, :2] * scale[:, None] + centre, scale

    def fall_on(self, frame_HWC: RgbImage, time_s: float, exposure_s: float) -> RgbImage:
        """The frame with this moment's streaks, and the slight veil of the rain further away."""
        return _under_sky(frame_HWC, np.clip(self.streaks(time_s, exposure_s) + _VEIL, 0, 1)[..., None])


def veiled(frame_HWC: RgbImage) -> RgbImage:
    """The frame with the veil of the rain further away and without a streak: the ground truth of a rain.

    A veil is weather that one sees, as fog is; restoration takes out what hides the scene and leaves the veil.
    """
    return _under_sky(frame_HWC, _VEIL)


def _under_sky(frame_HWC: RgbImage, share: float | Light) -> RgbImage:
    light = to_light(frame_HWC)
    return to_pixels(light + share * (_SKY - light))
