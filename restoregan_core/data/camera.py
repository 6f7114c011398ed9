# SPDX-License-Identifier: Apache-2.0
"""What degraded and clean images of the assessor get alike: fences, shadows, lens, sharpening, light, sensor.

None of it is an event: it is what the assessor must learn to look through.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from restoregan_core.data.ranges import Range, check_range, check_share, draw
from restoregan_core.data.sensor import GAMMA, Sensor, SensorConfig, apply_sensor, draw_sensor
from restoregan_core.images.rgb import FloatImage


@dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """How cameras are drawn.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    soft_share: float = 0.6
    """FloatImages through a soft lens: a Gaussian of ``soft_px``."""
    soft_px: Range = (0.3, 1.2)
    defocus_share: float = 0.12
    """FloatImages out of focus: a disc of ``defocus_px`` radius, which is not motion."""
    defocus_px: Range = (1.0, 4.0)
    sharpen_share: float = 0.2
    """FloatImages that the camera sharpens: an unsharp mask of ``sharpen_amount``, as action cameras do."""
    sharpen_amount: Range = (0.3, 1.5)
    tone_share: float = 0.4
    """FloatImages of another contrast and brightness."""
    dark_share: float = 0.15
    """FloatImages at night: a fifth to three fifths of the light's pixel values."""
    grey_share: float = 0.1
    """FloatImages without colour."""
    fence_share: float = 0.06
    """FloatImages with thin parallel bars before them, upright or leaning: no rain."""
    shadow_share: float = 0.2
    """FloatImages across which a shadow with a soft edge falls: a smooth gradient that is not blur."""
    shadow_edge_px: Range = (3.0, 48.0)
    sensor: SensorConfig = field(
        default_factory=lambda: SensorConfig(
            noise_share=0.5, shot=(0, 0.02), read=(0, 0.012), jpeg_share=0.5, jpeg_quality=(60, 97)
        )
    )

    def __post_init__(self) -> None:
        for name in ("soft", "defocus", "sharpen", "tone", "dark", "grey", "fence", "shadow"):
            check_share(f"{name}_share", getattr(self, f"{name}_share"))
        for name, lowest, highest in (
            ("soft_px", 0.1, 20),
            ("defocus_px", 0.5, 50),
            ("sharpen_amount", 0, 10),
            ("shadow_edge_px", 1, 500),
        ):
            object.__setattr__(self, name, check_range(name, getattr(self, name), lowest, highest))


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One drawn camera. 0: none of it."""

    defocus_px: float
    soft_px: float
    sharpen_amount: float
    contrast: float
    offset: float
    is_grey: bool
    sensor: Sensor

    def lens(self, image: FloatImage) -> FloatImage:
        """The image out of focus, or through a soft lens."""
        if self.defocus_px:
            return _defocused(image, self.defocus_px)
        if self.soft_px:
            return np.asarray(cv2.GaussianBlur(image, (0, 0), self.soft_px), np.float32)
        return image

    def record(self, rgb_HWC: FloatImage) -> Tensor:
        """The image in the file, float32 RGB (3, H, W), multiples of 1/255 in [0, 1]."""
        rgb = self.lens(rgb_HWC)
        if self.sharpen_amount:
            edges = rgb - cv2.GaussianBlur(rgb, (0, 0), 1.0)
            rgb = np.asarray(rgb + self.sharpen_amount * edges, np.float32)
        rgb = np.clip(rgb * self.contrast + self.offset, 0, 1)
        if self.is_grey:
            rgb = np.repeat(rgb.mean(2, keepdims=True), 3, 2)
        seen_CHW = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32))
        return apply_sensor(seen_CHW, self.sensor).clamp(0, 1)


def draw_camera(config: CameraConfig, rng: np.random.Generator, has_lens: bool = True) -> Camera:
    """Draw one.

    Args:
        has_lens: False for an image that went through a real lens: no softness, no sharpening.
    """
    is_defocused = has_lens and rng.random() < config.defocus_share
    is_soft = has_lens and not is_defocused and rng.random() < config.soft_share
    is_sharpened = has_lens and rng.random() < config.sharpen_share
    contrast, offset = 1.0, 0.0
    if rng.random() < config.tone_share:
        contrast = rng.uniform(0.5, 1.1)
        offset = 0.5 - 0.5 * contrast + rng.uniform(-0.2, 0.2)
    if rng.random() < config.dark_share:
        light = rng.uniform(0.2, 0.6)
        contrast, offset = contrast * light, offset * light
    return Camera(
        defocus_px=draw(rng, config.defocus_px) if is_defocused else 0.0,
        soft_px=draw(rng, config.soft_px) if is_soft else 0.0,
        sharpen_amount=draw(rng, config.sharpen_amount) if is_sharpened else 0.0,
        contrast=float(contrast),
        offset=float(offset),
        is_grey=bool(rng.random() < config.grey_share),
        sensor=draw_sensor(config.sensor, rng),
    )


def fenced(rgb_HWC: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Bars at equal distances, all through the image or its lower part."""
    y, x = np.mgrid[: rgb_HWC.shape[0], : rgb_HWC.shape[1]].astype(np.float32)
    angle = np.deg2rad(rng.normal(0, 12))
    period, width = rng.uniform(6, 40), rng.uniform(1, 4)
    phase = (x * np.cos(angle) - y * np.sin(angle)) % period
    bars = np.clip((width - np.abs(phase - period / 2) * 2) / 2 + 0.5, 0, 1)[..., None]
    rows = (y > rng.uniform(-0.5, 0.6) * rgb_HWC.shape[0])[..., None]
    shade = np.float32(rng.uniform(0, 1))
    return (rgb_HWC + bars * rows * (shade - rgb_HWC)).astype(np.float32)


def shadowed(rgb_HWC: FloatImage, edge_px: float, rng: np.random.Generator) -> FloatImage:
    """A part of the image in shadow; from light to shade it is ``edge_px`` wide."""
    height, width = rgb_HWC.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    x, y = x - rng.uniform(0.1, 0.9) * width, y - rng.uniform(0.1, 0.9) * height
    across, along = x * np.cos(angle) + y * np.sin(angle), x * np.sin(angle) - y * np.cos(angle)
    across += rng.uniform(0, 12) * np.sin(along / rng.uniform(15, 80))
    lit = np.clip(across / edge_px + 0.5, 0, 1)
    lit = (lit * lit * (3 - 2 * lit))[..., None]
    light = np.float32(rng.uniform(0.08, 0.6))
    return np.asarray(rgb_HWC * (light + (1 - light) * lit) ** np.float32(1 / GAMMA), np.float32)


def _defocused(image: FloatImage, radius_px: float) -> FloatImage:
    reach = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1)
    seen = cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(seen, np.float32)
