# SPDX-License-Identifier: Apache-2.0
"""Videos restored with the frames before: streaks, steadiness and ghosts, on clips whose truth is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from clips import clean_clip, rained_on, write_frames

from restoregan_core.evaluation.baselines import TemporalMedian
from restoregan_core.evaluation.clips import VideoSet, find_clips
from restoregan_core.evaluation.video import VideoScores, measure_video
from restoregan_core.metrics.protocols import score
from restoregan_core.metrics.video import neighbours, streaks


def write_pairs(root: Path, clean: list[np.ndarray], degraded: list[np.ndarray]) -> VideoSet:
    write_frames(root / "input", degraded)
    write_frames(root / "target", clean)
    return VideoSet(root.name, find_clips(root))


def measure_rain(root: Path, *restorers: object) -> VideoScores:
    clean = clean_clip(5)
    return measure_video(write_pairs(root, clean, rained_on(clean)), restorers)  # type: ignore[arg-type]


class Sluggish:
    """Publishes the frame before as it was: whatever moves is where it was."""

    history = 1
    path = recurrent = False

    def __call__(self, rgb_HWC: np.ndarray) -> np.ndarray:
        return rgb_HWC.copy()

    def restore_aligned(self, rgb_HWC: np.ndarray, aligned: Sequence[np.ndarray]) -> np.ndarray:
        return np.roll(aligned[0], -8, axis=1) if aligned else rgb_HWC.copy()


def test_every_frame_is_scored_in_order_as_by_hand(tmp_path: Path):
    clean = clean_clip(5)
    found = measure_rain(tmp_path / "rain", np.copy)
    assert found.count == 5
    assert found.scores is not None
    assert [image.file for image in found.scores.images] == [f"input/{t:04d}.png" for t in range(5)]
    for image, wet, dry in zip(found.scores.images, rained_on(clean), clean, strict=True):
        assert image.input == score(wet, dry) == image.outputs[0]


def test_a_restorer_that_does_nothing_leaves_all_streaks_and_steadiness_as_it_was(tmp_path: Path):
    found = measure_rain(tmp_path / "rain", np.copy)
    source, same = found.input.streaks, found.outputs[0].streaks
    assert source.energy_left(same) == source.excess_left(same) == 1
    assert found.outputs[0] == found.input
    assert found.target is not None
    assert found.target.streaks.energy < 0.1 * found.input.streaks.energy
    assert found.target.frame_change < found.input.frame_change


def test_energies_are_means_over_the_triples_by_the_truths_motion(tmp_path: Path):
    clean = clean_clip(5)
    rainy = rained_on(clean)
    by_hand = [streaks(rainy[t - 1 : t + 2], neighbours(clean[t - 1 : t + 2])).energy for t in range(1, 4)]
    assert measure_rain(tmp_path / "rain", np.copy).input.streaks.energy == pytest.approx(np.mean(by_hand))


def test_the_median_over_time_takes_drawn_rain_away(tmp_path: Path):
    found = measure_rain(tmp_path / "rain", TemporalMedian(), np.copy)
    assert found.scores is not None
    gains = found.scores.gains()
    assert gains[:2] == [0, 0]  # no two frames before
    assert min(gains[2:]) > 5
    assert found.outputs[0].frame_change < found.outputs[1].frame_change


def test_history_starts_anew_with_each_clip(tmp_path: Path):
    clean = clean_clip(4)
    for scene in ("a", "b"):
        write_frames(tmp_path / "input" / scene, rained_on(clean))
        write_frames(tmp_path / "target" / scene, clean)
    found = measure_video(VideoSet("both", find_clips(tmp_path)), [TemporalMedian()])
    assert found.scores is not None
    gains = found.scores.gains()
    assert gains[:4] == gains[4:]


def test_a_ghost_shows_as_a_ratio_above_one_and_no_ghost_as_one(tmp_path: Path):
    clean = clean_clip(5, step_px=2, object_step_px=4)
    rainy = rained_on(clean)
    found = measure_video(write_pairs(tmp_path / "cross", clean, rainy), [Sluggish(), np.copy])
    assert found.moving_share is not None
    assert 0.03 < found.moving_share < 0.2  # the object covers a twelfth
    ghostly, alone = found.ghosts
    assert ghostly is not None
    assert alone is not None
    assert ghostly.ratio is not None
    assert ghostly.ratio > 3
    assert ghostly.without_history == alone.with_history == alone.without_history


def test_nothing_moves_on_its_own_before_a_camera_that_only_turns(tmp_path: Path):
    found = measure_rain(tmp_path / "rain", np.copy)
    assert found.moving_share == 0
    assert found.ghosts == (None,)


def test_real_video_has_streaks_and_steadiness_and_no_scores(tmp_path: Path):
    folder = write_frames(tmp_path / "real", rained_on(clean_clip(5)))
    found = measure_video(VideoSet("real", find_clips(folder)), [TemporalMedian()])
    assert (found.scores, found.target, found.moving_share, found.ghosts) == (None, None, None, (None,))
    source, restored = found.input.streaks, found.outputs[0].streaks
    for left in (source.energy_left(restored), source.excess_left(restored)):
        assert left is not None
        assert left < 0.8  # the median's first two frames are as they came: one of three triples is clean
    assert found.outputs[0].frame_change < found.input.frame_change


def test_a_still_clean_clip_has_no_streaks_that_could_be_left(tmp_path: Path):
    folder = write_frames(tmp_path / "still", [np.full((48, 48, 3), 90, np.uint8)] * 3)
    still = measure_video(VideoSet("still", find_clips(folder)), [np.copy]).input.streaks
    assert still.energy_left(still) is still.excess_left(still) is None


def test_a_restorer_that_changes_the_size_is_named_with_the_file(tmp_path: Path):
    folder = write_frames(tmp_path / "real", clean_clip(3))
    with pytest.raises(ValueError, match=r"0000\.png: .*differ in size"):
        measure_video(VideoSet("real", find_clips(folder)), [lambda image: image[:-1]])
