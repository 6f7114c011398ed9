# SPDX-License-Identifier: Apache-2.0
"""How much of each camera's streaks is left as published, on a sample of its frames."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.video import Streaks, neighbours, streaks
from restoregan_core.replay.published import PublishedFrame, read_published
from restoregan_core.replay.schema import StreakFigures
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames
from restoregan_core.restoration.history import LONGEST_GAP_S

SAMPLED_TRIPLES = 200
"""Of each camera at most so many frames, each with its neighbours, evenly spread."""


@dataclass
class _Camera:
    """The sums of one camera."""

    triples: list[tuple[int, int, int]]
    recent: deque[tuple[int, RgbImage, RgbImage]] = field(default_factory=lambda: deque(maxlen=3))
    count: int = 0
    # Rows: before, after. Columns: energy, excess.
    sums: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 2)))

    def take(self, frame: PublishedFrame) -> None:
        self.recent.append((frame.position, _halved(frame.before), _halved(frame.after)))
        positions, sources, published = zip(*self.recent, strict=True)
        if positions not in self.triples:
            return
        places = neighbours(sources)
        for row, triple in zip(self.sums, (sources, published), strict=True):
            found = streaks(triple, places)
            row += found.energy, found.excess
        self.count += 1

    def figures(self) -> StreakFigures | None:
        if not self.count:
            return None
        before, after = (Streaks(*map(float, row)) for row in self.sums / self.count)
        return StreakFigures(
            count=self.count,
            before=before.energy,
            after=after.energy,
            left=before.energy_left(after),
            excess_before=before.excess,
            excess_after=after.excess,
            excess_left=before.excess_left(after),
        )


def measure_streaks(
    folder: ReplayFolder, settings: dict[str, Any], frames: Frames
) -> dict[str, StreakFigures | None]:
    """Streaks of each camera's frames before and after, at half their size, and the share that is left.

    Args:
        settings: of the replay.

    Returns:
        By camera; None for a camera without three frames in a row.
    """
    cameras = {name: _Camera(triples) for name, triples in choose_triples(frames).items()}
    names = frames.column("camera")
    chosen = {position for camera in cameras.values() for triple in camera.triples for position in triple}
    for frame in read_published(folder, settings, frames, chosen) if chosen else ():
        cameras[names[frame.position]].take(frame)
    return {name: camera.figures() for name, camera in cameras.items()}


def choose_triples(frames: Frames, most: int = SAMPLED_TRIPLES) -> dict[str, list[tuple[int, int, int]]]:
    """For each camera, evenly spread frames with both neighbours, as positions in ``frames``.

    Three frames belong together if they follow one another, have one size, and lie at most a second apart.
    """
    columns = frames.columns("camera", "time_ns", "height", "width")
    chosen = {}
    for name in dict.fromkeys(columns["camera"]):
        positions = np.flatnonzero(columns["camera"] == name)
        height, width = (columns[side][positions].astype(float) for side in ("height", "width"))
        gap_s = np.diff(columns["time_ns"][positions]) / 1e9
        # A frame that does not decode has no size, and NaN equals nothing.
        joined = (np.diff(height) == 0) & (np.diff(width) == 0) & (gap_s >= 0) & (gap_s <= LONGEST_GAP_S)
        starts = np.flatnonzero(joined[:-1] & joined[1:])
        spread = np.linspace(0, len(starts) - 1, min(most, len(starts))).round().astype(int)
        chosen[name] = [
            (int(positions[i]), int(positions[i + 1]), int(positions[i + 2])) for i in starts[spread]
        ]
    return chosen


def _halved(rgb_HWC: RgbImage) -> RgbImage:
    height, width = rgb_HWC.shape[:2]
    size = (max(width // 2, 1), max(height // 2, 1))
    return np.asarray(cv2.resize(rgb_HWC, size, interpolation=cv2.INTER_AREA), np.uint8)
