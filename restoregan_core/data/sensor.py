# SPDX-License-Identifier: Apache-2.0
"""What camera and file do to the light: shot and read noise, quantisation, JPEG."""

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from restoregan_core.data.ranges import Range, check_range, check_share, draw

GAMMA = 2.2
"""Exponent of the camera response, as in the paper: a pixel holds light ** (1 / GAMMA)."""


@dataclass(frozen=True, kw_only=True)
class SensorConfig:
    """How noise and compression are drawn.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    noise_share: float = 0.3
    """Samples with noise."""
    shot: Range = (0.0, 0.01)
    """Standard deviation of shot noise at white; it grows with the root of the light."""
    read: Range = (0.0, 0.006)
    """Standard deviation of read noise."""
    jpeg_share: float = 0.25
    """Samples that go through JPEG."""
    jpeg_quality: tuple[int, int] = (75, 98)

    def __post_init__(self) -> None:
        check_share("noise_share", self.noise_share)
        check_share("jpeg_share", self.jpeg_share)
        object.__setattr__(self, "shot", check_range("shot", self.shot, 0, 1))
        object.__setattr__(self, "read", check_range("read", self.read, 0, 1))
        low, high = check_range("jpeg_quality", self.jpeg_quality, 1, 100)
        object.__setattr__(self, "jpeg_quality", (int(low), int(high)))


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """One drawn sensor: standard deviations in [0, 1] units; JPEG quality or None."""

    shot: float
    read: float
    jpeg_quality: int | None
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        return asdict(self)


def draw_sensor(config: SensorConfig, rng: np.random.Generator) -> Sensor:
    """Draw one sensor; all zero and None where there is neither noise nor JPEG."""
    noisy = rng.uniform() < config.noise_share
    packed = rng.uniform() < config.jpeg_share
    return Sensor(
        shot=draw(rng, config.shot) if noisy else 0.0,
        read=draw(rng, config.read) if noisy else 0.0,
        jpeg_quality=int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        if packed
        else None,
        seed=int(rng.integers(2**62)),
    )


def apply_sensor(image_CHW: Tensor, sensor: Sensor) -> Tensor:
    """The image as its file holds it: float32 (3, H, W), multiples of 1/255 in [0, 1], on the same device.

    JPEG runs on the CPU. Noise is drawn there too, so that every device gets the same.
    """
    image = image_CHW
    if sensor.shot or sensor.read:
        generator = torch.Generator().manual_seed(sensor.seed)
        noise = torch.randn(image.shape, generator=generator).to(image.device)
        image = image + noise * (sensor.shot**2 * image + sensor.read**2).sqrt()
    eight_bit = image.mul(255).round_().clamp_(0, 255)
    if sensor.jpeg_quality is not None:
        eight_bit = _through_jpeg(eight_bit, sensor.jpeg_quality)
    return eight_bit / 255


def _through_jpeg(eight_bit_CHW: Tensor, quality: int) -> Tensor:
    rgb_HWC = eight_bit_CHW.to("cpu", torch.uint8).permute(1, 2, 0).numpy()
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(rgb_HWC[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done, "OpenCV encodes any 8-bit image as JPEG"
    bgr_HWC = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert bgr_HWC is not None, "OpenCV decodes what it has just encoded"
    back_HWC = bgr_HWC[..., ::-1]
    back = torch.from_numpy(np.ascontiguousarray(back_HWC)).permute(2, 0, 1)
    return back.to(eight_bit_CHW.device, torch.float32)
