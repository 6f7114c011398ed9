# SPDX-License-Identifier: Apache-2.0
"""Two replays of one bag, frame by frame: what differs, how surely, and where.

Frames of one drive resemble their neighbours, so the bootstrap draws whole segments, not frames: an interval
over frames would be far too narrow.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.metrics.bootstrap import bootstrap_interval
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames

SEGMENT_S = 2.0
DRAWS = 2000

_TEXTS = ("camera", "action")
_NUMBERS = (
    "stamp_ns", "time_ns", "residual_blur_probability", "residual_rain_probability", "changed_share",
    "mean_change", "sharpness_after", "restoration_ms", "objects_gained", "objects_lost", "objects_after",
    "psnr_after", "ssim_after",
)  # fmt: skip

_MEASURES: dict[str, tuple[str, int, Callable[[dict[str, np.ndarray]], np.ndarray]]] = {
    # name -> unit, whether more is better (1), worse (-1) or neither (0), value of each frame
    "blur left": ("probability", -1, lambda c: c["residual_blur_probability"]),
    "rain left": ("probability", -1, lambda c: c["residual_rain_probability"]),
    "objects gained less lost": ("objects", 1, lambda c: c["objects_gained"] - c["objects_lost"]),
    "objects": ("objects", 0, lambda c: c["objects_after"]),
    "PSNR against ground truth": ("dB", 1, lambda c: c["psnr_after"]),
    "SSIM against ground truth": ("", 1, lambda c: c["ssim_after"]),
    "frames restored": ("share", 0, lambda c: (c["action"] == "RESTORED").astype(float)),
    "frames failed open": ("share", -1, lambda c: (c["action"] == "FAILED_OPEN").astype(float)),
    "pixels changed": ("share", 0, lambda c: c["changed_share"]),
    "mean change": ("grey levels", 0, lambda c: c["mean_change"]),
    "restoration": ("ms", -1, lambda c: c["restoration_ms"]),
}


@dataclass(frozen=True)
class Difference:
    """B less A, over the frames that both have."""

    name: str
    unit: str
    a: float
    b: float
    difference: float
    low: float
    """95 % interval, bootstrapped over segments."""
    high: float
    verdict: str
    """``B better``, ``A better``, ``differs`` or ``no clear difference``."""


@dataclass(frozen=True)
class Comparison:
    """How two replays of one bag differ."""

    frames: int
    segments: int
    only_in_a: int
    only_in_b: int
    differences: list[Difference]
    most_different: list[dict[str, Any]]
    """Segments by the size of their difference: camera, start in seconds, what it is made of."""

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)


def compare_replays(a: Path, b: Path, seed: int = 0) -> Comparison:
    """Pair the frames of two replays by camera and stamp.

    Raises:
        ValueError: a folder without a replay, or no frame in common.
    """
    tables = [_read(ReplayFolder(folder)) for folder in (a, b)]
    keys = [list(zip(t["camera"], t["stamp_ns"].astype(np.int64), strict=True)) for t in tables]
    places = [{key: i for i, key in enumerate(each)} for each in keys]
    common = [key for key in keys[0] if key in places[1]]
    if not common:
        raise ValueError(f"{a} and {b} have no frame in common: replay the same bag twice")
    paired = [
        {name: values[[place[key] for key in common]] for name, values in table.items()}
        for table, place in zip(tables, places, strict=True)
    ]
    segment_ids = _segments(paired[0])
    differences, per_segment = [], {}
    for name, (unit, sign, measure) in _MEASURES.items():
        values_a, values_b = (np.asarray(measure(table), float) for table in paired)
        known = np.isfinite(values_a) & np.isfinite(values_b)
        if not known.any():
            continue
        change = np.where(known, values_b - values_a, 0.0)
        low, high = _interval(change, known, segment_ids, seed)
        mean_a, mean_b = float(values_a[known].mean()), float(values_b[known].mean())
        verdict = _verdict(low, high, sign)
        differences.append(Difference(name, unit, mean_a, mean_b, mean_b - mean_a, low, high, verdict))
        if sign and name != "restoration":
            per_segment[name] = _segment_means(change, known, segment_ids)
    return Comparison(
        frames=len(common),
        segments=int(segment_ids.max()) + 1,
        only_in_a=len(keys[0]) - len(common),
        only_in_b=len(keys[1]) - len(common),
        differences=differences,
        most_different=_most_different(per_segment, paired[0], segment_ids),
    )


def _read(folder: ReplayFolder) -> dict[str, np.ndarray]:
    if not folder.frames.is_file():
        raise ValueError(f"{folder.path} does not hold a replay: {folder.frames.name} is missing")
    columns = Frames(folder.frames).columns(*_TEXTS, *_NUMBERS)
    return {
        name: v if name in (*_TEXTS, "stamp_ns", "time_ns") else np.asarray(v, float)
        for name, v in columns.items()
    }


def _segments(table: dict[str, np.ndarray]) -> np.ndarray:
    """A number for each frame: stretches of ``SEGMENT_S`` of one camera."""
    slots = (table["time_ns"] - table["time_ns"].min()) // int(SEGMENT_S * 1e9)
    names = np.char.add(np.char.add(table["camera"].astype(str), " "), slots.astype(int).astype(str))
    return np.unique(names, return_inverse=True)[1]


def _interval(
    change: np.ndarray, known: np.ndarray, segment_ids: np.ndarray, seed: int
) -> tuple[float, float]:
    """95 % interval of the mean change over segments drawn with replacement."""
    sums = np.bincount(segment_ids, change)
    counts = np.bincount(segment_ids, known.astype(float))
    sums, counts = sums[counts > 0], counts[counts > 0]
    interval = bootstrap_interval(
        len(sums), lambda drawn: float(sums[drawn].sum() / counts[drawn].sum()), resamples=DRAWS, seed=seed
    )
    return interval.low, interval.high


def _verdict(low: float, high: float, sign: int) -> str:
    if low <= 0 <= high:
        return "no clear difference"
    if sign == 0:
        return "differs"
    return "B better" if (low > 0) == (sign > 0) else "A better"


def _segment_means(change: np.ndarray, known: np.ndarray, segment_ids: np.ndarray) -> np.ndarray:
    return np.bincount(segment_ids, change) / np.maximum(1, np.bincount(segment_ids, known.astype(float)))


def _most_different(
    per_segment: dict[str, np.ndarray], table: dict[str, np.ndarray], segment_ids: np.ndarray, count: int = 12
) -> list[dict[str, Any]]:
    if not per_segment:
        return []
    names = list(per_segment)
    changes = np.stack([per_segment[name] for name in names])
    spread = np.maximum(np.abs(changes).max(axis=1, keepdims=True), 1e-9)
    order = np.argsort(-np.abs(changes / spread).sum(axis=0), kind="stable")[:count]
    start_ns = int(table["time_ns"].min())
    listed = []
    for segment in order:
        if not np.abs(changes[:, segment]).any():
            break
        rows = np.flatnonzero(segment_ids == segment)
        middle = rows[len(rows) // 2]
        listed.append(
            {
                "camera": str(table["camera"][middle]),
                "start_s": (int(table["time_ns"][rows[0]]) - start_ns) / 1e9,
                "stamp_ns": int(table["stamp_ns"][middle]),
                "time_ns": int(table["time_ns"][middle]),
                "changes": {name: float(changes[i, segment]) for i, name in enumerate(names)},
            }
        )
    return listed
