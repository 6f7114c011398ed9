# SPDX-License-Identifier: Apache-2.0
"""A camera that moves before a still image."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from restoregan_core.data.virtual_camera import Motion, MotionConfig, Path, draw_motion, film

SIDE = 64


def scene(margin):
    side = SIDE + 2 * margin
    noise = np.random.default_rng(0).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    return cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)


def sliding(right, down, **options):
    return Motion(
        camera=Path(slide=(right, down), acceleration=(0.0, 0.0)),
        exposure=0.0,
        linear_light=False,
        **options,
    )


def test_the_current_frame_is_the_middle_of_the_scene_bit_for_bit():
    image = scene(20)
    frames, [sharp] = film(image, sliding(5.0, 3.0), [0.0, -1.0], SIDE)
    expected = image[20:-20, 20:-20]
    np.testing.assert_array_equal(np.rint(frames[0] * 255), expected)
    np.testing.assert_array_equal(frames[0], sharp)


def test_the_scene_slides_by_its_speed_from_frame_to_frame():
    frames, _ = film(scene(20), sliding(5.0, -3.0), [0.0, -1.0, -2.0], SIDE)
    now, before, long_before = (np.rint(frame * 255).astype(int) for frame in frames)
    # What is at x now was at x - 5 a frame ago.
    np.testing.assert_allclose(before[10:50, 5:50], now[7:47, 10:55], atol=1)
    np.testing.assert_allclose(long_before[10:50, 5:50], now[4:44, 15:60], atol=1)


def test_blur_is_as_long_as_the_way_during_the_exposure():
    image = np.zeros((SIDE + 40, SIDE + 40, 3), np.uint8)
    image[:, SIDE // 2 + 20] = 255
    motion = replace(sliding(16.0, 0.0), exposure=0.5)
    [frame], [sharp] = film(image, motion, [0.0], SIDE)
    assert (sharp[SIDE // 2, :, 0] > 0.5).sum() == 1
    assert (frame[SIDE // 2, :, 0] > 0.02).sum() == pytest.approx(8, abs=2)


def test_sharp_frames_are_what_a_camera_without_blur_films():
    image, blurred = scene(20), replace(sliding(4.0, 2.0), exposure=0.5)
    frames, sharp = film(image, blurred, [0.0, -1.0, -2.0], SIDE, sharp=2)
    expected, _ = film(image, replace(blurred, exposure=0), [0.0, -1.0, -2.0], SIDE)
    assert len(sharp) == 2
    for found, wanted, seen in zip(sharp, expected, frames, strict=False):
        np.testing.assert_allclose(found, wanted, atol=1e-3)
        assert np.abs(seen - wanted).mean() > 0.01


def test_an_object_goes_its_own_way_before_the_scene():
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    black = np.zeros((SIDE + 40, SIDE + 40, 3), np.uint8)
    motion = sliding(
        2.0, 0.0, object_path=Path(slide=(8.0, 0.0), acceleration=(0, 0)), object_shape=(0, 0, 0.1, 0.1, 4, 1)
    )
    frames, [sharp] = film(black, motion, [0.0, -1.0], SIDE, white)
    middles = [float((frame[..., 0] * np.arange(SIDE)).sum() / frame[..., 0].sum()) for frame in frames]
    assert middles[0] - middles[1] == pytest.approx(10, abs=0.7)  # its own way on top of the camera's
    assert sharp.max() > 0.9


@pytest.mark.parametrize("blur_px", [0.0, 6.0, 20.0])
def test_the_margin_holds_all_that_the_frames_show(blur_px):
    config = MotionConfig(zoom=0.02, turn_deg=1.0, tip=0.05, object_share=0)
    for seed in range(40):
        motion = draw_motion(config, np.random.default_rng(seed), blur_px)
        margin = motion.margin_px(3, SIDE)
        # A scene that is bright around the margin: where it shows, something was looked up outside.
        image = np.zeros((SIDE + 2 * margin + 2, SIDE + 2 * margin + 2, 3), np.uint8)
        image[[0, -1]] = image[:, [0, -1]] = 255
        frames, _ = film(image, motion, [0.0, -1.0, -2.0], SIDE)
        assert max(float(frame.max()) for frame in frames) < 0.35, (seed, motion)


def test_the_same_seed_draws_the_same_motion():
    draws = [draw_motion(MotionConfig(), np.random.default_rng(7), 5.0) for _ in range(2)]
    assert draws[0] == draws[1]
    assert draws[0].to_dict()["exposure"] == draws[0].exposure


@pytest.mark.parametrize(
    ("setting", "value"), [("speed_px", (5, 1)), ("object_share", 1.5), ("exposure", (0, 2)), ("zoom", -1)]
)
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=setting):
        MotionConfig(**{setting: value})
