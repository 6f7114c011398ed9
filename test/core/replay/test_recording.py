# SPDX-License-Identifier: Apache-2.0
"""When a drive was recorded: pauses, a clock that was not yet set, stamps that do not go on."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from replay_bags import START_NS, STEP_NS, drive, write_bag

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import open_bag
from restoregan_core.replay.page import write_replay_report
from restoregan_core.replay.recording import pauses, recorded_s, stamp_lines
from restoregan_core.replay.replay import ReplayOptions, replay
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.summary import summarise_replay

HOUR_NS = 3600 * 10**9


def moved(messages, by_ns) -> list:
    """Messages recorded at other times; their stamps stay."""
    return [(topic, kind, by_ns(time_ns), message) for topic, kind, time_ns, message in messages]


def drive_with_unset_clock() -> list:
    """Ten frames, the first two recorded at time 0."""
    return moved(drive(10), lambda t: t if t >= START_NS + 2 * STEP_NS else 0)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("is_cut", [False, True])
def test_messages_from_before_the_clock_was_set_are_put_aside_with_a_line(tmp_path, storage, is_cut) -> None:
    path = write_bag(tmp_path / "bag", drive_with_unset_clock(), storage)
    if is_cut:  # so that it is read without its index, in the order of recording
        file = next(f for f in path.iterdir() if f.suffix in (".mcap", ".db3"))
        file.write_bytes(file.read_bytes()[: -(2500 if storage == "mcap" else 5000)])
    with open_bag(path) as bag:
        assert bag.start_ns == START_NS + 2 * STEP_NS
        frames = list(FrameReader(bag).frames())
        assert [f.stamp_ns for f in frames[:2]] == [START_NS + 2 * STEP_NS, START_NS + 3 * STEP_NS]
        first_two = list(FrameReader(bag).frames(0.0, 0.07))
        assert [f.stamp_ns for f in first_two] == [f.stamp_ns for f in frames[:2]]
        (line,) = bag.notes
        assert line.startswith("4 messages lie 19676 days before all others")


def test_intrinsics_that_came_before_the_clock_serve_the_images(tmp_path: Path) -> None:
    messages = [m for m in drive(6) if not (m[0].endswith("camera_info") and m[2] > START_NS)]
    early = moved(messages, lambda t: 0 if t == START_NS else t)
    with open_bag(write_bag(tmp_path / "bag", early)) as bag:
        frames = list(FrameReader(bag).frames())
        assert len(frames) == 6
        assert all(frame.info is not None for frame in frames)


@pytest.mark.parametrize("pause_ns", [HOUR_NS, 20 * HOUR_NS, 30 * HOUR_NS])
def test_the_larger_part_and_less_than_a_day_are_never_put_aside(tmp_path: Path, pause_ns: int) -> None:
    late = moved(drive(10), lambda t: t if t < START_NS + 6 * STEP_NS else t + pause_ns)
    with open_bag(write_bag(tmp_path / "bag", late)) as bag:
        assert len(list(FrameReader(bag).frames())) == 10
        assert bag.notes == []


def test_a_drive_lasts_as_long_as_it_was_recorded_and_pauses_are_gaps_in_its_timeline(
    tmp_path, make_pipeline
) -> None:
    messages = moved(drive_with_unset_clock(), lambda t: t + HOUR_NS if t >= START_NS + 6 * STEP_NS else t)
    folder = ReplayFolder(tmp_path / "out")
    state = replay(write_bag(tmp_path / "bag", messages), folder, make_pipeline("off"), ReplayOptions())
    report = summarise_replay(folder, state, deadline_ms=100.0)
    assert report["frames"]["count"] == 8
    assert report["frames"]["duration_s"] == pytest.approx(6 * STEP_NS / 1e9)
    (line,) = report["replay"]["notes"]
    assert "put aside" in line
    write_replay_report(folder, report)
    page = folder.report_html.read_text()
    assert line in page
    data = json.loads(re.search(r'id="report-data"[^>]*>(.*?)</script>', page, re.S)[1])
    assert data["time_s"][0] == 0
    assert data["time_s"][-1] == pytest.approx(3600 + 7 * STEP_NS / 1e9)
    assert data["after_pause"] == [False] * 4 + [True] + [False] * 3


def test_a_slow_camera_does_not_pause() -> None:
    every_ten_seconds = np.arange(10) * 10 * 10**9
    assert not pauses(every_ten_seconds).any()
    assert recorded_s(every_ten_seconds) == 90
    assert recorded_s(np.array([7])) == 0


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([1, 2, 3, 4], None),
        ([5, 6, 1, 2], "front: of 4 stamps 1 go back;"),
        ([1, 1, 1, 2], "front: of 4 stamps 2 repeat the one before;"),
        ([1, 0, 0, 2], "front: of 4 stamps 2 are zero;"),
        ([0, 0, 0, 0], "front: of 4 stamps 4 are zero;"),
        ([3, 0, 1, 1], "front: of 4 stamps 1 go back, 1 repeat the one before, 1 are zero;"),
    ],
)
def test_stamps_that_do_not_go_on_are_said_once_a_camera(stamps: list[int], said: str | None) -> None:
    camera = np.array(["front", "rear"] * len(stamps), object)
    both = np.array([[stamp, number] for number, stamp in enumerate(stamps, 1)]).reshape(-1)
    lines = stamp_lines({"camera": camera, "stamp_ns": both})
    assert len(lines) == (said is not None)
    assert all(line.startswith(str(said)) for line in lines)


def test_a_report_says_of_a_loop_that_its_stamps_go_back(tmp_path, make_pipeline) -> None:
    looped = [*drive(3), *moved(drive(3), lambda t: t + 3 * STEP_NS)]
    folder = ReplayFolder(tmp_path / "out")
    state = replay(write_bag(tmp_path / "bag", looped), folder, make_pipeline("off"), ReplayOptions())
    report = summarise_replay(folder, state, deadline_ms=100.0, clips=0)
    (line,) = report["replay"]["notes"]
    assert line.startswith("front: of 6 stamps 1 go back;")
