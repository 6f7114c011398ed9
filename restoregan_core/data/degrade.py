# SPDX-License-Identifier: Apache-2.0
"""From a clean image to what a vehicle's camera would have delivered, every parameter drawn and recorded.

The order is that of the light: the scene moves (blur), rain falls between it and the lens, drops sit on the
lens, the sensor adds noise, the file is compressed.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restoregan_core.data.blur import Blur, BlurConfig, apply_blur, draw_blur, extent_map, margin_px
from restoregan_core.data.camera_motion import Window, whole_frame
from restoregan_core.data.drops import Drops, DropsConfig, apply_drops, draw_drops
from restoregan_core.data.rain import Rain, RainConfig, apply_rain, draw_rain
from restoregan_core.data.ranges import draw_choice
from restoregan_core.data.sensor import Sensor, SensorConfig, apply_sensor, draw_sensor


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How often each kind of sample comes; they need not add up to 1.

    Raises:
        ValueError: a share is negative, or all are 0.
    """

    blur: float = 0.35
    rain: float = 0.35
    blur_rain: float = 0.05
    drops: float = 0.02
    clean: float = 0.08
    pair: float = 0.15
    """Real pairs; left out where no folder of pairs is given."""

    def __post_init__(self) -> None:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        if min(values.values()) < 0 or sum(values.values()) <= 0:
            raise ValueError(f"shares {values} must not be negative nor all 0")

    def of(self, kinds: tuple[str, ...]) -> dict[str, float]:
        """The shares of these kinds alone.

        Raises:
            ValueError: all of them are 0.
        """
        chosen = {kind: getattr(self, kind) for kind in kinds}
        if sum(chosen.values()) <= 0:
            raise ValueError(f"shares of {', '.join(kinds)} are all 0: nothing to draw")
        return chosen


SYNTHETIC_KINDS = ("blur", "rain", "blur_rain", "drops", "clean")
"""What is drawn."""
DEGRADED_KINDS = (*(kind for kind in SYNTHETIC_KINDS if kind != "clean"), "pair")
"""What there is to restore in; ``pair`` is real."""


@dataclass(frozen=True, kw_only=True)
class DegradeConfig:
    """What the degradations look like; how often each comes stands in ``Shares``."""

    blur: BlurConfig = field(default_factory=BlurConfig)
    rain: RainConfig = field(default_factory=RainConfig)
    drops: DropsConfig = field(default_factory=DropsConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """One drawn degradation of one window of a frame. ``apply`` is a pure function of it and the image."""

    kind: str
    window: Window
    blur: Blur | None = None
    rain: Rain | None = None
    drops: Drops | None = None
    sensor: Sensor | None = None

    @cached_property
    def margin(self) -> int:
        """Surroundings, px on each side, that ``apply`` wants beside the window."""
        return margin_px(self.blur, self.window) if self.blur else 0

    @property
    def wants_object(self) -> bool:
        """Whether ``apply`` wants a second image, of what moves before the camera."""
        return self.blur is not None and self.blur.object_path is not None

    def apply(self, sharp_CHW: Tensor, object_CHW: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Degrade a window.

        Args:
            sharp_CHW: float32 (3, window.height + 2 margin, window.width + 2 margin) RGB in [0, 1].
            object_CHW: a second image of that shape, see ``wants_object``.

        Returns:
            Degraded and clean window, (3, window.height, window.width) each, in [0, 1] on the same device.
        """
        if self.blur:
            degraded, target = apply_blur(sharp_CHW, self.blur, self.window, self.margin, object_CHW)
        else:
            degraded = target = sharp_CHW
        if self.rain:
            degraded = apply_rain(degraded, self.rain)
        if self.drops:
            degraded = apply_drops(degraded, self.drops)
        if self.sensor:
            degraded = apply_sensor(degraded, self.sensor)
        return degraded, target

    @property
    def blur_extent_tiles_px(self) -> np.ndarray:
        """True extent of the camera's blur in each 64 px tile, float32 (rows, columns); 0 without blur."""
        return extent_map(self.blur, self.window)

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record, with the true extent of the blur in px (mean, and per 64 px tile)."""
        tiles = self.blur_extent_tiles_px
        record: dict[str, Any] = {
            "kind": self.kind,
            "blur_extent_px": round(float(tiles.mean()), 3),
            "blur_extent_tiles_px": tiles.round(2).tolist(),
        }
        for name in ("blur", "rain", "drops", "sensor"):
            part = getattr(self, name)
            if part is not None:
                record[name] = part.to_dict()
        return record


def draw_degradation(
    kind: str,
    config: DegradeConfig,
    rng: np.random.Generator,
    window: Window,
    severity: float | None = None,
) -> Degradation:
    """Draw everything that one sample of this kind needs.

    Args:
        severity: 0 to 1 fixes how strong it is within the config's ranges; None draws it.

    Raises:
        ValueError: no such kind.
    """
    if kind not in SYNTHETIC_KINDS:
        raise ValueError(f"no degradation {kind!r}; there are: {', '.join(SYNTHETIC_KINDS)}")
    return Degradation(
        kind=kind,
        window=window,
        blur=draw_blur(config.blur, rng, window, severity) if kind in ("blur", "blur_rain") else None,
        rain=draw_rain(config.rain, rng, severity) if kind in ("rain", "blur_rain") else None,
        drops=draw_drops(config.drops, rng, window.height, window.width, severity)
        if kind == "drops"
        else None,
        sensor=draw_sensor(config.sensor, rng) if kind != "clean" else None,
    )


class Degrader:
    """Degrades batches that are in memory already, on whatever device they lie."""

    def __init__(self, config: DegradeConfig, shares: Shares) -> None:
        self.config = config
        self.weights = shares.of(SYNTHETIC_KINDS)

    def __call__(
        self, sharp_BCHW: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, list[Degradation]]:
        """Degrade each image of a batch on its own.

        Args:
            sharp_BCHW: float32 RGB in [0, 1]; each image counts as a whole frame. What moves before the
                camera is taken from the batch's next image.

        Returns:
            Degraded and clean batch, and what was drawn.
        """
        degraded, targets, drawn = [], [], []
        for index, sharp_CHW in enumerate(sharp_BCHW):
            window = whole_frame(*sharp_CHW.shape[1:])
            degradation = draw_degradation(draw_choice(rng, self.weights), self.config, rng, window)
            padded_CHW = mirrored(sharp_CHW, degradation.margin)
            other_CHW = mirrored(sharp_BCHW[(index + 1) % len(sharp_BCHW)], degradation.margin)
            one, target = degradation.apply(padded_CHW, other_CHW if degradation.wants_object else None)
            degraded.append(one)
            targets.append(target)
            drawn.append(degradation)
        return torch.stack(degraded), torch.stack(targets), drawn


def mirrored(image_CHW: Tensor, margin: int) -> Tensor:
    """An image (C, H, W) with ``margin`` px of its mirror image around it, as far as it reaches."""
    if margin == 0:
        return image_CHW
    reach = min(margin, min(image_CHW.shape[1:]) - 1)
    mirrored = torch.nn.functional.pad(image_CHW[None], (reach,) * 4, mode="reflect")
    return torch.nn.functional.pad(mirrored, (margin - reach,) * 4, mode="replicate")[0]
