# SPDX-License-Identifier: Apache-2.0
"""What rains look like: the ranges that rain.py draws from, one set for each kind of rain."""

from dataclasses import dataclass, field

from restoregan_core.data.rain_overlays import OverlayRanges
from restoregan_core.data.ranges import Range, check_range, check_share

_KINDS = ("sparse", "dense", "video", "driving", "near", "thin", "far", "opaque", "overlay")


@dataclass(frozen=True, kw_only=True)
class StreakRanges:
    """What the streak layers of one kind of rain look like, for images 320 to 720 px high.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    layers: tuple[int, int]
    """Number of directions."""
    lean_deg: float
    """The rain's direction is drawn this far from the vertical, to both sides."""
    spread_deg: float
    """Standard deviation of the layers' directions around the rain's."""
    length_px: Range
    width_px: Range
    coverage: Range
    """Streak area in units of the image's, overlaps counted twice: of all layers together."""
    brightness: Range
    """Brightness of a streak's core, added to pixel values in [0, 1]."""
    hard_share: float
    """Layers of flat, hard-edged streaks; the rest fades to the sides and ends."""
    transparent_share: float
    """Images whose streaks cover instead of adding: W is multiplied with (1 - X)."""
    light_share: float = 0.0
    """Images whose streaks replace that share of the light behind them by the sky's, in linear light, as a
    real drop does. It takes the place of both ways above."""
    fan: float = 0.0
    """Streaks of a moving camera fan out from a vanishing point, longer and wider the further from it: up to
    (1 + fan) / (1 - fan) times across the image."""
    haze_share: float = 0.1
    haze: Range = (0.05, 0.35)
    """Share of airlight in the image, where there is haze."""

    def __post_init__(self) -> None:
        low, high = check_range("layers", self.layers, 1, 10)
        object.__setattr__(self, "layers", (int(low), int(high)))
        for name, bounds in (
            ("length_px", (1, 500)),
            ("width_px", (0.5, 50)),
            ("coverage", (0.001, 10)),
            ("brightness", (0.001, 1)),
        ):
            object.__setattr__(self, name, check_range(name, getattr(self, name), *bounds))
        for name in ("lean_deg", "spread_deg"):
            if not 0 <= getattr(self, name) <= 90:
                raise ValueError(f"{name}={getattr(self, name)} must lie in [0, 90]")
        if not 0 <= self.fan <= 0.8:
            raise ValueError(f"fan={self.fan} must lie in [0, 0.8]")
        object.__setattr__(self, "haze", check_range("haze", self.haze, 0, 1))
        for name in ("hard_share", "transparent_share", "light_share", "haze_share"):
            check_share(name, getattr(self, name))


def _sparse() -> StreakRanges:
    return StreakRanges(
        layers=(1, 1),
        lean_deg=40,
        spread_deg=0,
        length_px=(16, 75),
        width_px=(1.2, 3.5),
        coverage=(0.03, 0.27),
        brightness=(0.12, 0.55),
        hard_share=0.1,
        transparent_share=0.0,
    )


def _dense() -> StreakRanges:
    return StreakRanges(
        layers=(1, 5),
        lean_deg=35,
        spread_deg=14,
        length_px=(28, 160),
        width_px=(1.2, 4.5),
        coverage=(0.8, 2.2),
        brightness=(0.1, 0.38),
        hard_share=0.4,
        transparent_share=0.0,
    )


def _video() -> StreakRanges:
    return StreakRanges(
        layers=(1, 3),
        lean_deg=14,
        spread_deg=2,
        length_px=(8, 55),
        width_px=(0.7, 1.9),
        coverage=(0.02, 0.25),
        brightness=(0.12, 0.7),
        hard_share=0.3,
        transparent_share=0.5,
        light_share=0.2,
    )


def _driving() -> StreakRanges:
    return StreakRanges(
        layers=(1, 4),
        lean_deg=50,
        spread_deg=12,
        length_px=(6, 80),
        width_px=(0.8, 5),
        coverage=(0.1, 1.2),
        brightness=(0.04, 0.35),
        hard_share=0.5,
        transparent_share=0,
        light_share=1,
        fan=0.4,
        haze_share=0.6,
        haze=(0.02, 0.2),
    )


def _near() -> StreakRanges:
    return StreakRanges(
        layers=(1, 3),
        lean_deg=30,
        spread_deg=8,
        length_px=(6, 28),
        width_px=(2, 7),
        coverage=(0.02, 0.35),
        brightness=(0.08, 0.55),
        hard_share=0.2,
        transparent_share=0.5,
        light_share=0.5,
        haze_share=0.2,
        haze=(0.02, 0.2),
    )


def _thin() -> StreakRanges:
    return StreakRanges(
        layers=(1, 3),
        lean_deg=45,
        spread_deg=6,
        length_px=(20, 110),
        width_px=(0.8, 2.2),
        coverage=(0.02, 0.35),
        brightness=(0.08, 0.6),
        hard_share=0.3,
        transparent_share=0.5,
        light_share=0.4,
        haze_share=0.2,
        haze=(0.02, 0.2),
    )


def _far() -> StreakRanges:
    return StreakRanges(
        layers=(1, 2),
        lean_deg=25,
        spread_deg=4,
        length_px=(6, 45),
        width_px=(0.7, 1.6),
        coverage=(0.25, 1.5),
        brightness=(0.02, 0.16),
        hard_share=0.1,
        transparent_share=0.4,
        light_share=0.5,
        haze_share=0.5,
        haze=(0.02, 0.25),
    )


def _opaque() -> StreakRanges:
    return StreakRanges(
        layers=(1, 2),
        lean_deg=25,
        spread_deg=1,
        length_px=(8, 65),
        width_px=(0.9, 4.5),
        coverage=(0.02, 0.25),
        brightness=(0.3, 1.0),
        hard_share=0.75,
        transparent_share=0.7,
        light_share=0.6,
        haze_share=0.0,
    )


@dataclass(frozen=True, kw_only=True)
class RainConfig:
    """How rain is drawn: how often of each kind, and what each looks like.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    sparse_weight: float = 0.3
    """One direction, few streaks, as Rain100L."""
    dense_weight: float = 0.25
    """Up to five directions, bright, most of the image covered, as Rain100H."""
    video_weight: float = 0.25
    """Thin, nearly vertical, partly transparent, as NTURain."""
    driving_weight: float = 0.2
    """Grey see-through streaks that fan out before a moving camera, and the veil of those further away."""
    near_weight: float = 0.0
    """Short, wide, soft and see-through, as drops close to the lens are filmed."""
    thin_weight: float = 0.0
    """Long, thin and leaning, as rain in wind."""
    far_weight: float = 0.0
    """Faint, fine and many, as the rain between the near drops and the haze is filmed."""
    opaque_weight: float = 0.0
    """Flat strokes up to wholly opaque, as image editors, augmentation libraries and simulators draw them."""
    overlay_weight: float = 0.0
    """Streaks from the images of ``overlays``."""
    overlays: str = ""
    """Folder of images that show streaks before black, and nothing else."""
    sparse: StreakRanges = field(default_factory=_sparse)
    dense: StreakRanges = field(default_factory=_dense)
    video: StreakRanges = field(default_factory=_video)
    driving: StreakRanges = field(default_factory=_driving)
    near: StreakRanges = field(default_factory=_near)
    thin: StreakRanges = field(default_factory=_thin)
    far: StreakRanges = field(default_factory=_far)
    opaque: StreakRanges = field(default_factory=_opaque)
    overlay: OverlayRanges = field(default_factory=OverlayRanges)
    tint: float = 0.03
    """Standard deviation of a transparent streak's colour from grey."""

    def __post_init__(self) -> None:
        weights = self.weights
        if min(weights.values()) < 0 or sum(weights.values()) == 0:
            raise ValueError(
                f"{', '.join(f'{kind}_weight={weight}' for kind, weight in weights.items())} must not be "
                "negative nor all 0"
            )
        if self.overlay_weight and not self.overlays:
            raise ValueError(f"overlay_weight={self.overlay_weight} needs a folder of streaks in overlays")
        check_share("tint", self.tint)

    @property
    def weights(self) -> dict[str, float]:
        """How often each kind comes, relative to the others."""
        return {kind: getattr(self, f"{kind}_weight") for kind in _KINDS}
