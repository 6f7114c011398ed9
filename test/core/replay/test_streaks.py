# SPDX-License-Identifier: Apache-2.0
"""Which frames a replay's streak energy is measured on, and that it says what is left of drawn rain."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import clean_clip, rained_on
from replay_bags import IMAGE, START_NS, STEP_NS, image_message, write_bag

from restoregan_core.replay.replay import ReplayOptions, replay
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.streaks import choose_triples, measure_streaks
from restoregan_core.replay.table import Frames, write_rows
from restoregan_core.restoration.output_bounds import OutputLimits


def table(path: Path, rows: list[tuple[str, float, int | None]]) -> Frames:
    """Of (camera, seconds, width); frames without a width did not decode."""
    size = [{"height": 96, "width": width} if width else {} for *_, width in rows]
    write_rows(
        [
            {"camera": camera, "time_ns": round(time_s * 1e9), **known}
            for (camera, time_s, _), known in zip(rows, size, strict=True)
        ],
        path,
    )
    return Frames(path)


def test_frames_in_a_row_are_chosen_camera_by_camera(tmp_path: Path) -> None:
    rows = [(camera, 0.1 * t, 128) for t in range(4) for camera in ("front", "rear")]
    found = choose_triples(table(tmp_path / "frames.parquet", rows))
    assert found == {"front": [(0, 2, 4), (2, 4, 6)], "rear": [(1, 3, 5), (3, 5, 7)]}


def test_gaps_other_sizes_and_frames_that_do_not_decode_break_the_row(tmp_path: Path) -> None:
    widths = [128] * 3 + [None] + [128] * 3 + [192] * 3
    rows = [("front", 0.1 * t, width) for t, width in enumerate(widths)]
    rows += [("front", 10 + t, 192) for t in (0.0, 0.1, 1.2, 1.3, 1.4)]
    found = choose_triples(table(tmp_path / "frames.parquet", rows))
    assert found == {"front": [(0, 1, 2), (4, 5, 6), (7, 8, 9), (12, 13, 14)]}


def test_a_long_drive_is_sampled_evenly_from_end_to_end(tmp_path: Path) -> None:
    rows = [("front", 0.1 * t, 128) for t in range(1000)]
    (triples,) = choose_triples(table(tmp_path / "frames.parquet", rows), most=200).values()
    assert len(triples) == 200
    assert (triples[0][0], triples[-1][2]) == (0, 999)
    assert set(np.diff([first for first, *_ in triples]).tolist()) <= {5, 6}


def drive_of(frames: list[np.ndarray], base: str = "/front") -> list[tuple[str, str, int, Any]]:
    times_ns = [START_NS + number * STEP_NS for number in range(len(frames))]
    return [
        (f"{base}/image_raw", IMAGE, time_ns, image_message(rgb, time_ns))
        for time_ns, rgb in zip(times_ns, frames, strict=True)
    ]


class Dry:
    """Knows what the camera would have seen without rain."""

    name = "dry-000000000000"
    history = 0
    path = recurrent = False

    def __init__(self, rainy: list[np.ndarray], clean: list[np.ndarray]) -> None:
        self._clean = {wet.tobytes(): dry for wet, dry in zip(rainy, clean, strict=True)}

    def windows(self, *_: Any) -> list[Any]:
        return []

    def restore_aligned(
        self, rgb_HWC: np.ndarray, aligned: list[np.ndarray], windows: list[Any]
    ) -> np.ndarray:
        return self._clean[rgb_HWC.tobytes()].copy()

    def describe(self) -> str:
        return "dry"


@pytest.mark.parametrize(("preset", "left"), [("always", (0.0, 0.15)), ("off", (0.95, 1.05))])
def test_what_is_left_of_drawn_rain_is_reported(tmp_path, make_pipeline, preset: str, left: tuple) -> None:
    clean = clean_clip(6)
    rainy = rained_on(clean)
    pipeline = make_pipeline(preset)
    pipeline.restorer = Dry(rainy, clean)
    pipeline.settings = replace(pipeline.settings, output=OutputLimits(max_pixel_change=255))
    folder = ReplayFolder(tmp_path / "out")
    state = replay(write_bag(tmp_path / "bag", drive_of(rainy)), folder, pipeline, ReplayOptions())
    found = measure_streaks(folder, state.settings, Frames(folder.frames))["front"]
    assert found is not None
    assert found.count == 4
    assert found.before > 0.5
    assert found.left == pytest.approx(found.after / found.before)
    assert left[0] <= found.left <= left[1]


def test_a_camera_without_three_frames_in_a_row_has_no_figure(tmp_path, make_pipeline) -> None:
    folder = ReplayFolder(tmp_path / "out")
    bag = write_bag(tmp_path / "bag", [*drive_of(clean_clip(2))])
    state = replay(bag, folder, make_pipeline("off"), ReplayOptions())
    assert measure_streaks(folder, state.settings, Frames(folder.frames)) == {"front": None}
