# SPDX-License-Identifier: Apache-2.0
"""What the gate would have done at other thresholds, from the grids of frames.parquet: no network is run."""

from dataclasses import dataclass

import numpy as np

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.replay.table import Frames, grid_of
from restoregan_core.restoration.gate import PRESETS, Gate, GateThresholds

_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class SweepPoint:
    """One setting of the gate over a whole replay."""

    name: str
    """A preset's name, or the ``on`` threshold."""
    frames_share: float
    """Frames with at least one tile selected: those that cost a run of the network."""
    tiles_share: float
    """Tiles selected, of all."""
    network_ms_per_frame: float
    """Mean time that the network would take of every frame, by the measured time per restored frame."""


def sweep_thresholds(frames: Frames) -> list[SweepPoint]:
    """Presets first, then thresholds from 0.1 to 0.9 (``off`` two thirds of ``on``), with hysteresis."""
    settings = {name: limits for name, limits in PRESETS.items() if name != "off"} | {
        f"{on:g}": GateThresholds(blur_on=on, blur_off=on * 2 / 3, rain_on=on, rain_off=on * 2 / 3)
        for on in _STEPS
    }
    gates = {name: Gate(limits) for name, limits in settings.items()}
    restored_frames = dict.fromkeys(settings, 0)
    restored_tiles = dict.fromkeys(settings, 0)
    frame_count = tile_count = 0
    network_ms: list[float] = []
    columns = ("camera", "grid_rows", "grid_columns", "restoration_ms",
               "blur_grid", "rain_grid", "blur_probability", "rain_probability")  # fmt: skip
    for row in frames.rows(*columns):
        if not row["grid_rows"]:
            continue
        blur, rain = grid_of(row, "blur_grid"), grid_of(row, "rain_grid")
        assessment = Assessment(
            row["blur_probability"], row["rain_probability"], blur_grid=blur, rain_grid=rain
        )
        frame_count += 1
        tile_count += blur.size
        if row["restoration_ms"] is not None and np.isfinite(row["restoration_ms"]):
            network_ms.append(row["restoration_ms"])
        for name, gate in gates.items():
            selected = gate.select(row["camera"], assessment)
            restored_frames[name] += bool(selected.any())
            restored_tiles[name] += int(selected.sum())
    if not frame_count:
        return []
    each_ms = float(np.median(network_ms)) if network_ms else float("nan")
    return [
        SweepPoint(
            name,
            restored_frames[name] / frame_count,
            restored_tiles[name] / tile_count,
            each_ms * restored_frames[name] / frame_count,
        )
        for name in settings
    ]
