# SPDX-License-Identifier: Apache-2.0
"""The figures of the verdict: objects, live latency, sweep, rules, comparison."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay_bags import IMAGE, START_NS, STEP_NS, drive, image_message, rgb_image, write_bag

from restoregan_core.detection.detector import Detections, Detector, DetectorOptions, iou_matrix
from restoregan_core.detection.object_changes import compare_objects, flicker, from_flat, to_flat
from restoregan_core.metrics.psnr_ssim import psnr_rgb
from restoregan_core.replay.compare import compare_replays
from restoregan_core.replay.live_simulation import simulate_live
from restoregan_core.replay.replay import ReplayOptions, replay
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.summary import summarise_replay
from restoregan_core.replay.table import Frames
from restoregan_core.replay.threshold_sweep import sweep_thresholds
from restoregan_core.report.rules import Rule, check_rules, read_rules


def found(*objects: tuple[float, float, int]) -> Detections:
    """(left, score, class) of squares of 20 px."""
    boxes = np.array([(left, 10, left + 20, 30) for left, _, _ in objects], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in objects], np.float32)
    return Detections(boxes, scores, np.array([c for *_, c in objects], np.int64))


def test_an_object_that_merely_wavers_around_the_threshold_is_neither_lost_nor_gained() -> None:
    change = compare_objects(found((0, 0.36, 2)), found((1, 0.34, 2)))
    assert (change.before, change.after, change.gained, change.lost) == (1, 0, 0, 0)


def test_objects_that_vanish_change_their_class_or_appear_are_counted() -> None:
    before = found((0, 0.9, 2), (100, 0.9, 2), (200, 0.9, 2))
    after = found((0, 0.9, 2), (100, 0.9, 0), (300, 0.9, 2))
    change = compare_objects(before, after)
    assert (change.before, change.after, change.gained, change.lost) == (3, 3, 2, 2)


def test_flicker_counts_what_only_the_middle_frame_lacks() -> None:
    steady, gap = found((0, 0.9, 2), (100, 0.9, 2)), found((5, 0.9, 2))
    assert flicker(steady, gap, steady) == 1
    assert flicker(steady, steady, steady) == 0
    assert flicker(steady, gap, gap) == 0  # it left


@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0.25, 1, width=32), st.integers(0, 3)), max_size=8))
def test_a_frame_compared_with_itself_changes_nothing(objects: list) -> None:
    same = from_flat(to_flat(found(*objects)))
    change = compare_objects(same, same)
    assert change.lost == change.gained == 0


def test_overlap_of_boxes() -> None:
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10]], np.float32)
    np.testing.assert_allclose(iou_matrix(a, b), [[1 / 3, 0, 1]], rtol=1e-6)


def test_the_detector_finds_the_cars_that_people_marked(detector_file: Path) -> None:
    folder = detector_file.parents[1] / "eval/kitti_boxes"
    if not folder.is_dir():
        pytest.skip("no eval/kitti_boxes in ../shared/data")
    detector = Detector(detector_file, DetectorOptions(min_score=0.3, classes=("car",)))
    hits = cars = 0
    for file in sorted((folder / "images").glob("*.png"))[:10]:
        rgb = np.ascontiguousarray(cv2.imread(str(file))[..., ::-1])
        lines = (folder / "labels" / f"{file.stem}.txt").read_text().splitlines()
        boxes = [[float(v) for v in line.split()[4:8]] for line in lines if line.startswith("Car ")]
        truth = np.array([b for b in boxes if b[3] - b[1] >= 25], np.float32).reshape(-1, 4)
        boxes_px = detector(rgb).boxes_px
        cars += len(truth)
        hits += int((iou_matrix(truth, boxes_px).max(axis=1, initial=0) >= 0.5).sum())
    assert hits / cars > 0.7


def test_a_worker_that_is_fast_enough_supersedes_nothing() -> None:
    outcome = simulate_live(["front"] * 10, [i * 0.1 for i in range(10)], [0.03] * 10, [0.02] * 10)["front"]
    assert outcome.superseded == 0
    np.testing.assert_allclose(outcome.latencies_ms, 30)


def test_a_frame_waits_for_the_judgement_of_the_one_before_and_not_for_its_own() -> None:
    outcome = simulate_live(["front"] * 3, [0.0, 0.1, 0.2], [0.08] * 3, [0.04] * 3)["front"]
    np.testing.assert_allclose(outcome.latencies_ms, [80, 100, 120])


def test_a_slow_worker_takes_the_newest_frame_and_cameras_take_turns() -> None:
    cameras = ["front", "rear"] * 20
    arrivals = [i // 2 * 0.05 for i in range(40)]
    outcomes = simulate_live(cameras, arrivals, [0.06] * 40, [0.04] * 40)
    counts = [len(outcomes[c].latencies_ms) for c in ("front", "rear")]
    assert abs(counts[0] - counts[1]) <= 1
    for outcome in outcomes.values():
        assert len(outcome.latencies_ms) + outcome.superseded == 20
        assert (
            max(outcome.latencies_ms) <= 100 + 100 + 50 + 1e-6
        )  # own turn, the other's, and less than a period


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40), st.floats(0.001, 2))
def test_every_frame_is_accepted_or_superseded(arrivals: list[float], busy_s: float) -> None:
    outcome = simulate_live(["c"] * len(arrivals), arrivals, [busy_s] * len(arrivals), [0.0] * len(arrivals))[
        "c"
    ]
    assert len(outcome.latencies_ms) + outcome.superseded == len(arrivals)
    assert min(outcome.latencies_ms) >= busy_s * 1e3 - 1e-6


@pytest.fixture(scope="module")
def drives(tmp_path_factory, weights) -> dict[str, ReplayFolder]:
    """One bag, of which the second half has nothing in it to restore, replayed with two presets."""
    from restoregan_core import load_pipeline

    root = tmp_path_factory.mktemp("figures")
    messages = list(drive(60))
    for _, _, _, message in messages[60:]:
        if hasattr(message, "encoding"):
            message.data = np.full_like(message.data, 128)
    bag = write_bag(root / "bag", messages)
    folders = {}
    for preset in ("balanced", "always"):
        folders[preset] = ReplayFolder(root / preset)
        pipeline = load_pipeline(
            weights, preset=preset, runtime="torch", assessor="classical", circuit_breaker=False
        )
        replay(bag, folders[preset], pipeline, ReplayOptions(checkpoint_frames=25))
    return folders


def test_the_sweep_says_of_its_own_preset_what_was_done(drives) -> None:
    frames = Frames(drives["balanced"].frames)
    points = {point.name: point for point in sweep_thresholds(frames)}
    restored = (frames.column("action") == "RESTORED").mean()
    assert 0 < restored < 1
    assert points["balanced"].frames_share == pytest.approx(restored)
    assert points["always"].tiles_share == 1
    shares = [points[f"{i / 10:g}"].tiles_share for i in range(1, 10)]
    assert shares == sorted(shares, reverse=True)


def test_frames_that_equal_their_ground_truth_do_not_drown_the_others(tmp_path, make_pipeline) -> None:
    messages = []
    for number in range(4):
        stamp_ns, clean = START_NS + number * STEP_NS, rgb_image(number)
        seen = clean if number < 2 else cv2.blur(clean, (9, 9))
        messages.append(("/front/image_raw", IMAGE, stamp_ns, image_message(seen, stamp_ns)))
        messages.append(("/truth/image_raw", IMAGE, stamp_ns, image_message(clean, stamp_ns)))
    folder = ReplayFolder(tmp_path / "out")
    options = ReplayOptions(ground_truth_topic="/truth/image_raw")
    state = replay(write_bag(tmp_path / "bag", messages), folder, make_pipeline("off"), options)
    report = summarise_replay(folder, state, deadline_ms=100.0)
    truth = report["ground_truth"]
    blurred = np.mean([psnr_rgb(cv2.blur(rgb_image(n), (9, 9)), rgb_image(n)) for n in (2, 3)])
    assert truth["unequal"] == {
        "count": 2, "psnr_before": pytest.approx(blurred), "psnr_after": pytest.approx(blurred),
        "psnr_gain": pytest.approx(0.0),
    }  # fmt: skip
    assert truth["psnr_before"] == pytest.approx((200 + 2 * blurred) / 4)
    (line,) = (text for _, text in report["verdict"]["findings"] if "ground truth" in text)
    assert f"PSNR {blurred:.2f} dB before" in line
    assert "2 frames that came equal to it are not in these means" in line


def test_the_report_counts_every_frame_once(drives) -> None:
    import json

    folder = drives["balanced"]
    state_file = json.loads(folder.checkpoint.read_text())
    from restoregan_core.replay.state import ReplayState

    report = summarise_replay(folder, ReplayState(**state_file), deadline_ms=50.0, clips=2)
    frames = report["frames"]
    assert frames["count"] == 60 == frames["restored"] + frames["passed_through"] + frames["failed_open"]
    assert report == json.loads(folder.report_json.read_text())
    assert report["objects"] is None
    assert report["ground_truth"] is None
    streaks = report["cameras"]["front"]["streak_energy"]
    assert streaks["count"] == 58  # each frame with both its neighbours
    assert streaks["left"] == pytest.approx(streaks["after"] / streaks["before"])
    assert streaks["excess_before"] < streaks["before"]
    assert report["latency"]["live_ms"]["p99"] >= report["latency"]["live_ms"]["p50"] > 0
    assert sorted(p.name for p in folder.clips.iterdir()) == [
        f"worst_{i}" for i in range(len(report["segments"]))
    ]


def test_the_judgement_of_a_restored_image_is_timed_where_there_is_one(drives) -> None:
    columns = Frames(drives["balanced"].frames).columns("action", "residual_ms")
    restored = columns["action"] == "RESTORED"
    assert (columns["residual_ms"][restored] > 0).all()
    assert np.isnan(columns["residual_ms"][~restored]).all()


def test_clips_hold_source_and_restored_frames_of_their_segment(drives) -> None:
    from restoregan_core.bags.reader import open_bag
    from restoregan_core.replay.segments import export_clips, worst_segments

    folder = drives["always"]
    segments = worst_segments(Frames(folder.frames), 1, length_s=0.4)
    bag_path = folder.path.parent / "bag"
    (clip,) = export_clips(bag_path, folder.bag, (), segments, folder.path / "clip")
    with open_bag(clip) as bag:
        counts = {name: topic.count for name, topic in bag.topics.items()}
        assert not bag.damage
    assert counts["/front/image_raw"] == counts["/front/restored/image_raw/compressed"] == 10
    assert counts["/front/restored/report"] == 10


def test_a_replay_compared_with_itself_differs_nowhere(drives) -> None:
    comparison = compare_replays(drives["always"].path, drives["always"].path)
    assert comparison.frames == 60
    assert all(d.difference == d.low == d.high == 0 for d in comparison.differences)
    assert comparison.most_different == []


def test_two_presets_differ_where_frames_were_restored(drives) -> None:
    comparison = compare_replays(drives["balanced"].path, drives["always"].path)
    differences = {d.name: d for d in comparison.differences}
    restored = differences["frames restored"]
    assert restored.b == 1
    assert restored.low > 0
    assert restored.verdict == "differs"
    assert differences["frames failed open"].verdict == "no clear difference"
    assert comparison.segments == 2


REPORT = {
    "frames": {"failed_open": 1, "count": 10},
    "latency": {"live_ms": {"p99": 80.0}, "deadline_ms": 100.0},
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("frames.failed_open == 0", False),
        ("frames.failed_open / frames.count <= 0.1", True),
        ("latency.live_ms.p99 < latency.deadline_ms", True),
        ("latency.live_ms.p99 < latency.deadline_ms - 30", False),
        ("objects.lost <= objects.gained", False),
        ("frames.count / frames.nothing > 0", False),
        ("-1 < frames.count", True),
    ],
)
def test_rules(text: str, holds: bool) -> None:
    (outcome,) = check_rules([Rule(text, text)], REPORT)
    assert outcome.holds is holds


@pytest.mark.parametrize(
    "text", ["frames.count", "1 < 2 < 3", "f(1) == 1", "frames['count'] == 1", "a = 3", "'x' == 1"]
)
def test_rules_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    import yaml

    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"rules": [text]}))
    with pytest.raises(ValueError, match="rule"):
        read_rules(file)
