# SPDX-License-Identifier: Apache-2.0
"""Which tiles of a frame are worth restoring (two thresholds with hysteresis, per camera).

A camera that moves, and rain, degrade whole frames: a single tile that looks degraded in a frame that does not is
rarely either. So a tile is judged by its own probability together with its frame's (``tile_evidence``).
It is switched on when that reaches the ``on`` threshold for blur or for rain, and off again when both have
fallen below their ``off`` thresholds and it has been on for some frames. That keeps a tile whose
probability wavers around one threshold from flickering between the source and the network's output.
The neighbours of a tile that is on are restored with it, so that fewer objects are cut by a seam between
source and output: detectors lose such objects.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.assessment.log_odds import log_odds_of, probability_of

FRAME_SHARE = 0.6
"""Weight of the frame's log-odds in what is held against a tile's threshold; the rest is the tile's own."""

_LOWEST = 1e-6
"""Probabilities are held this far from 0 and 1, whose log-odds are infinite."""


@dataclass(frozen=True, kw_only=True)
class GateThresholds:
    """When to switch a tile on and off, as probabilities in [0, 1] (``tile_evidence``).

    An ``on`` threshold of 1 means never, one of 0 means always.

    Raises:
        ValueError: a value outside [0, 1], or an ``off`` above its ``on``.
    """

    blur_on: float = 0.75
    blur_off: float = 0.5
    rain_on: float = 0.45
    rain_off: float = 0.3

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:  # NaN fails too
                raise ValueError(f"{name} is {value}; a threshold is a probability from 0 to 1")
        for kind in ("blur", "rain"):
            on, off = getattr(self, f"{kind}_on"), getattr(self, f"{kind}_off")
            if off > on:
                raise ValueError(
                    f"{kind}_off ({off}) is above {kind}_on ({on}): lower it or the tiles never stay on"
                )


PRESETS: dict[str, GateThresholds] = {
    "rain": GateThresholds(blur_on=1.0),
    "cautious": GateThresholds(blur_on=1.0, blur_off=0.6, rain_on=0.7, rain_off=0.5),
    "balanced": GateThresholds(),
    "always": GateThresholds(blur_on=0.0, blur_off=0.0, rain_on=0.0, rain_off=0.0),
    "off": GateThresholds(blur_on=1.0, blur_off=1.0, rain_on=1.0, rain_off=1.0),
}
"""What each one costs:

- ``rain``: the default; blur is reported and left as it is. For detectors: rain costs them most, and taking it out
  helps them; undoing blur alone has not been shown to (``docs/benchmarks/detection.md``).
- ``cautious``: rain alone, too, and only where it is quite sure.
- ``balanced``: rain and blur, for people who look at the images; of 100 clean frames about one has tiles restored
  needlessly, of 100 strongly degraded ones about 90 have tiles restored, see ``docs/benchmarks/assessor.md``.
- ``always``: every tile of every frame, clean ones too: for measuring the network, and the most expensive.
- ``off``: no tile; frames are assessed and passed through.
"""

DEFAULT_PRESET = "rain"
"""Whatever could not be shown to do detectors no harm is not done unless it is asked for."""


class Gate:
    """Selects tiles; remembers for each camera which ones are on.

    Args:
        thresholds: may be replaced between frames by assigning ``gate.thresholds``.
        dwell_frames: a tile that was switched on stays on for at least so many frames, at least 1.

    Raises:
        ValueError: ``dwell_frames`` below 1.
    """

    def __init__(self, thresholds: GateThresholds | None = None, dwell_frames: int = 2) -> None:
        if dwell_frames < 1:
            raise ValueError(f"dwell_frames is {dwell_frames}; a tile stays on for at least 1 frame")
        self.thresholds = GateThresholds() if thresholds is None else thresholds
        self.dwell_frames = dwell_frames
        # Per camera and tile: for how many frames it has been on, 0 = off.
        self._frames_on: dict[str, npt.NDArray[np.int64]] = {}

    @property
    def is_off(self) -> bool:
        """Whether no tile can ever be selected."""
        return self.thresholds.blur_on >= 1.0 and self.thresholds.rain_on >= 1.0

    def select(self, camera: str, assessment: Assessment) -> npt.NDArray[np.bool_]:
        """Decide for the next frame of a camera.

        Returns:
            bool (rows, columns), true where the tile is to be restored: those that are on, and the eight
            neighbours of each. A camera whose grid changes its shape (another resolution) starts over.
            NaN counts as probability 0.
        """
        blur = tile_evidence(assessment.blur_grid, assessment.blur_probability)
        rain = tile_evidence(assessment.rain_grid, assessment.rain_probability)
        limits = self.thresholds
        frames_on = self._frames_on.get(camera)
        if frames_on is None or frames_on.shape != blur.shape:
            frames_on = np.zeros(blur.shape, np.int64)

        switch_on = _reaches(blur, limits.blur_on) | _reaches(rain, limits.rain_on)
        keep_on = _stays(blur, limits.blur_on, limits.blur_off) | _stays(
            rain, limits.rain_on, limits.rain_off
        )
        dwelling = frames_on < self.dwell_frames
        selected = switch_on | ((frames_on > 0) & (keep_on | dwelling))
        if self.is_off:
            selected = np.zeros_like(selected)
        self._frames_on[camera] = np.where(selected, frames_on + 1, 0)
        return _with_neighbours(selected)

    def state(self) -> dict[str, npt.NDArray[np.int64]]:
        """Per camera, for how many frames each tile has been on, for ``load_state``; later frames do not change it."""
        return dict(self._frames_on)

    def load_state(self, frames_on: dict[str, npt.NDArray[np.int64]]) -> None:
        """Go on where another gate's ``state`` was taken."""
        self._frames_on = dict(frames_on)

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's state, or all of it."""
        if camera is None:
            self._frames_on.clear()
        else:
            self._frames_on.pop(camera, None)


def tile_evidence(grid: npt.NDArray[np.float32], frame_probability: float) -> npt.NDArray[np.float32]:
    """A tile's probability and its frame's as one: their log-odds' mean, ``FRAME_SHARE`` of it the frame's.

    Args:
        grid: probability per tile, (rows, columns); NaN counts as 0.
        frame_probability: NaN where only tiles were judged; then the tiles' own come back.

    Returns:
        float32 in [0, 1], (rows, columns).
    """
    tiles = np.nan_to_num(grid, nan=0.0).astype(np.float32)
    if np.isnan(frame_probability):
        return tiles
    frame = min(max(frame_probability, _LOWEST), 1 - _LOWEST)
    mean = (1 - FRAME_SHARE) * log_odds_of(tiles, _LOWEST) + FRAME_SHARE * np.log(frame / (1 - frame))
    return probability_of(mean)


def _with_neighbours(tiles: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    if not tiles.any():
        return tiles
    return np.asarray(cv2.dilate(tiles.astype(np.uint8), np.ones((3, 3), np.uint8)), bool)


def _reaches(grid: npt.NDArray[np.float32], on: float) -> npt.NDArray[np.bool_]:
    return (grid >= on) & (on < 1.0)


def _stays(grid: npt.NDArray[np.float32], on: float, off: float) -> npt.NDArray[np.bool_]:
    return (grid >= off) & (on < 1.0)
