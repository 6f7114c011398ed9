# SPDX-License-Identifier: Apache-2.0
"""What the frames before add to the judgement of a frame."""

import numpy as np
import pytest
import torch
from street_scene import rained_on, street

from restoregan_core import load_assessor
from restoregan_core.assessment.temporal import TemporalJudge
from restoregan_core.assessment.temporal_measures import TEMPORAL_MEASURES, measure_change
from restoregan_core.images.tile_grid import grid_shape
from restoregan_core.models.lazy_network import weights_of
from restoregan_core.models.temporal_head import MEASURES, TemporalHead
from restoregan_core.restoration.gate import Gate
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.zoo import load_assessor_network, save_assessor


def before(*frames):
    history = FrameHistory(2)
    for frame in frames:
        history.take("front", frame)
    return history.before("front")


def measured(*frames):
    measures = measure_change(before(*frames), *grid_shape(*frames[-1].shape[:2]))
    return dict(zip(TEMPORAL_MEASURES, measures.mean((0, 1)), strict=True))


@pytest.fixture(scope="module")
def scene():
    return street()


def drive(scene, count=3, step_px=4):
    """The scene slides past, ``step_px`` a frame."""
    return [np.roll(scene, -step_px * number, axis=1) for number in range(count)]


def test_every_measure_has_a_name():
    assert len(TEMPORAL_MEASURES) == MEASURES


def test_streaks_make_the_frame_brighter_than_its_neighbours_and_motion_does_not(scene):
    dry = measured(*drive(scene))
    wet = measured(*(rained_on(frame, seed=number) for number, frame in enumerate(drive(scene))))
    assert abs(dry["brighter"] - dry["darker"]) < 0.4
    assert wet["much_brighter"] - wet["much_darker"] > dry["much_brighter"] - dry["much_darker"] + 0.5


def test_speed_is_that_of_the_scene(scene):
    slow, fast = (measured(*drive(scene, step_px=px))["speed_right"] for px in (1, 8))
    assert fast > slow + 0.5


@pytest.mark.parametrize(("height", "width"), [(1, 1), (70, 130), (64, 64)])
def test_frames_of_any_size_can_be_measured(height, width):
    frames = [np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)] * 3
    measures = measure_change(before(*frames), *grid_shape(height, width))
    assert measures.shape == (*grid_shape(height, width), MEASURES)
    assert np.isfinite(measures).all()


def test_numpy_and_torch_judge_alike(scene):
    torch.manual_seed(0)
    head = TemporalHead(8).eval()
    head.mean.normal_()
    seen = before(*drive(scene))
    rng = np.random.default_rng(0)
    rows, columns = grid_shape(*scene.shape[:2])
    tiles, frame = rng.normal(0, 6, (3, rows, columns)), rng.normal(0, 6, 3)
    found = TemporalJudge(weights_of(head)).log_odds(seen, tiles.astype(np.float32), frame.astype(np.float32))
    single = np.concatenate([tiles.reshape(3, -1).T, np.broadcast_to(frame, (rows * columns, 3))], 1)
    measures = torch.from_numpy(measure_change(seen, rows, columns)).flatten(0, 1)[None]
    there = torch.ones(1, rows * columns, dtype=torch.bool)
    with torch.no_grad():
        expected = head(measures, torch.from_numpy(single.astype(np.float32))[None], there)
    np.testing.assert_allclose(found[0].reshape(2, -1).T, expected[0][0], atol=1e-4)
    np.testing.assert_allclose(found[1], expected[1][0], atol=1e-4)


def test_falling_rain_is_seen_and_a_drive_without_it_is_not(scene):
    assessor = load_assessor()
    wet = [rained_on(frame, seed=number) for number, frame in enumerate(drive(scene))]
    assert assessor.assess_video(wet[-1], before(*wet)).rain_probability > 0.6
    dry = drive(scene)
    found = assessor.assess_video(dry[-1], before(*dry))
    assert found.rain_probability < 0.5
    assert not Gate().select("camera", found).any()


def test_a_single_image_is_judged_by_the_same_weights_as_without_the_part_for_videos(tmp_path, scene):
    shipped = load_assessor_network()
    assert shipped.temporal is not None
    calibration = {"tile": shipped.tile_calibration, "frame": shipped.frame_calibration}
    save_assessor(shipped.network, calibration, tmp_path / "alone.safetensors", {})
    save_assessor(shipped.network, calibration, tmp_path / "both.safetensors", {}, shipped.temporal)
    alone, both = (load_assessor(tmp_path / f"{name}.safetensors") for name in ("alone", "both"))
    np.testing.assert_array_equal(alone.assess(scene).rain_grid, both.assess(scene).rain_grid)
    wet = [rained_on(frame, seed=number) for number, frame in enumerate(drive(scene))]
    one, other = (assessor.assess_video(wet[-1], before(*wet)) for assessor in (alone, both))
    assert one.rain_probability == alone.assess(wet[-1]).rain_probability != other.rain_probability


def test_temperatures_are_for_what_is_said_over_time_alone(tmp_path, scene):
    shipped = load_assessor_network()
    calibration = {"tile": shipped.tile_calibration, "frame": shipped.frame_calibration}
    for name, temperature in (("plain", [1, 1]), ("tempered", [0.5, 2])):
        file = tmp_path / f"{name}.safetensors"
        save_assessor(
            shipped.network, {**calibration, "temperature": temperature}, file, {}, shipped.temporal
        )
    plain, tempered = (load_assessor(tmp_path / f"{name}.safetensors") for name in ("plain", "tempered"))
    assert plain.assess(scene).blur_probability == tempered.assess(scene).blur_probability
    frames = drive(scene)
    one, other = (assessor.assess_video(frames[-1], before(*frames)) for assessor in (plain, tempered))
    np.testing.assert_allclose(log_odds(other.rain_grid), log_odds(one.rain_grid) / 2, atol=0.01)
    assert log_odds(other.blur_probability) == pytest.approx(log_odds(one.blur_probability) * 2, abs=0.01)


def log_odds(p):
    return np.log(p) - np.log1p(-np.float64(p))
