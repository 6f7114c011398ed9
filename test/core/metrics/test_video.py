# SPDX-License-Identifier: Apache-2.0
"""What consecutive frames show, on clips whose truth is known."""

import cv2
import numpy as np
import pytest

from restoregan_core.metrics.video import (
    Neighbours,
    RgbImage,
    Triple,
    frame_change,
    moving_mask,
    neighbours,
    streaks,
)

HEIGHT, WIDTH, SIDE = 144, 192, 32


def texture(height: int, width: int, seed: int) -> RgbImage:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    return np.clip((smooth - 127) * 4 + 110, 0, 200).astype(np.uint8)


def clip(step_px: int = 3, object_step_px: int = 0) -> list[RgbImage]:
    """Three frames of a camera that moves to the right; with an object that goes the other way, if it goes."""
    world = texture(HEIGHT, WIDTH + 40, seed=0)
    frames = [world[:, 10 + step_px * t : 10 + step_px * t + WIDTH].copy() for t in range(3)]
    if object_step_px:
        for t, frame in enumerate(frames):
            frame[object_box(t, object_step_px)] = texture(SIDE, SIDE, seed=1)
    return frames


def object_box(t: int, step_px: int) -> tuple[slice, slice]:
    left = 80 + step_px * t
    return slice(56, 56 + SIDE), slice(left, left + SIDE)


def rained_on(frames: Triple) -> list[RgbImage]:
    """Thin bright streaks, anew in each frame."""
    rainy = []
    for t, frame in enumerate(frames):
        rng, wet = np.random.default_rng(100 + t), frame.copy()
        for x, y in rng.integers(0, (WIDTH, HEIGHT), (40, 2)).tolist():
            cv2.line(wet, (x, y), (x + 2, y + 14), (235, 235, 235), 1)
        rainy.append(wet)
    return rainy


def test_places_follow_the_camera():
    places = neighbours(clip(step_px=3))
    inner = (slice(20, -20), slice(20, -20))
    here = np.dstack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)))
    for there, way in ((places.before, (3, 0)), (places.after, (-3, 0))):
        assert np.abs(there - here - way)[inner].mean() < 0.2


def test_rain_that_is_taken_out_leaves_no_streak_energy():
    clean = clip()
    rainy = rained_on(clean)
    places = neighbours(rainy)
    source = streaks(rainy, places).energy
    assert source > 1
    assert streaks(clean, places).energy < 0.1 * source


def test_rain_that_is_halved_leaves_about_half_of_its_energy():
    clean = clip()
    rainy = rained_on(clean)
    places = neighbours(clean)
    half = [cv2.addWeighted(a, 0.5, b, 0.5, 0) for a, b in zip(clean, rainy, strict=True)]
    assert 0.4 < streaks(half, places).energy / streaks(rainy, places).energy < 0.55


def test_the_energy_of_drawn_streaks_is_what_was_drawn():
    still = [np.full((HEIGHT, WIDTH, 3), 100, np.uint8) for _ in range(3)]
    still[1][:, 50] = 150  # one column of the middle frame
    still[1][:, 60] = 102  # too faint to count
    assert streaks(still, neighbours([still[0]] * 3)).energy == pytest.approx(50 / WIDTH)


def noisy(frames: Triple) -> list[RgbImage]:
    noise = [np.random.default_rng(t).normal(0, 6, frame.shape) for t, frame in enumerate(frames)]
    return [(frame + own).clip(0, 255).astype(np.uint8) for frame, own in zip(frames, noise, strict=True)]


def test_noise_has_energy_and_no_excess():
    clean = clip()
    found = streaks(noisy(clean), neighbours(clean))
    assert found.energy > 0.5
    assert abs(found.excess) < 0.05 * found.energy
    assert found.excess_left(found) is None


def test_rain_that_is_taken_out_of_a_noisy_clip_leaves_nothing_of_its_excess():
    clean = clip()
    places = neighbours(clean)
    rainy = streaks(noisy(rained_on(clean)), places)
    left, nothing_done = rainy.excess_left(streaks(noisy(clean), places)), rainy.excess_left(rainy)
    assert left is not None
    assert abs(left) < 0.05
    assert nothing_done == 1


def test_half_of_the_rain_leaves_about_half_of_its_excess():
    clean = clip()
    rainy = rained_on(clean)
    half = [cv2.addWeighted(a, 0.5, b, 0.5, 0) for a, b in zip(clean, rainy, strict=True)]
    places = neighbours(clean)
    left = streaks(rainy, places).excess_left(streaks(half, places))
    assert left is not None
    assert 0.4 < left < 0.55


def test_a_clean_clip_has_hardly_any_energy_that_could_fall():
    clean = clip()
    places = neighbours(clean)
    assert streaks(clean, places).energy < 0.1
    assert streaks(clean, places).energy == streaks([frame.copy() for frame in clean], places).energy


def test_what_hangs_still_before_the_camera_is_not_a_streak():
    fence = [frame.copy() for frame in clip(step_px=0)]
    for frame in fence:
        frame[:, ::16] = 235
    assert streaks(fence, neighbours(fence)).energy < 0.1


def test_flicker_shows_as_change_and_the_cameras_motion_does_not():
    clean = clip()
    places = neighbours(clean)
    flickering = [clean[0], np.clip(clean[1].astype(int) + 10, 0, 255).astype(np.uint8), clean[2]]
    steady = frame_change(clean, places)
    assert steady < 1.5
    assert frame_change(flickering, places) == pytest.approx(10, abs=2)


def test_an_object_that_crosses_the_cameras_way_is_found():
    mask = moving_mask(neighbours(clip(step_px=3, object_step_px=5)))
    box = object_box(1, 5)
    assert mask[box].mean() > 0.8
    outside = mask.copy()
    outside[box[0].start - 16 : box[0].stop + 16, box[1].start - 16 : box[1].stop + 16] = False
    assert outside.mean() < 0.01


@pytest.mark.parametrize("step_px", [0, 3, 7])
def test_a_camera_that_only_moves_itself_sees_nothing_else_move(step_px: int):
    assert moving_mask(neighbours(clip(step_px=step_px))).mean() < 0.01


def test_a_ghost_raises_the_error_where_something_moves():
    frames = clip(step_px=0, object_step_px=8)
    mask = moving_mask(neighbours(frames))
    ghostly = np.median(np.stack(frames), axis=0)  # nobody followed the object
    assert np.abs(ghostly - frames[1])[mask].mean() > 20 * np.abs(ghostly - frames[1])[~mask].mean()


def test_measuring_twice_gives_the_same():
    first, second = (neighbours(clip(object_step_px=5)) for _ in range(2))
    np.testing.assert_array_equal(first.before, second.before)
    np.testing.assert_array_equal(moving_mask(first), moving_mask(second))


@pytest.mark.parametrize("side", [1, 11, 23])
def test_frames_too_small_for_flow_are_taken_not_to_move(side: int):
    tiny = [texture(side, side, seed=t) for t in range(3)]
    places = neighbours(tiny)
    np.testing.assert_array_equal(places.before, places.after)
    assert not moving_mask(places).any()
    assert np.isfinite([streaks(tiny, places).energy, frame_change(tiny, places)]).all()


@pytest.mark.parametrize("count", [0, 2, 4])
def test_only_triples_of_one_size_are_measured(count: int):
    frames = [np.zeros((32, 32, 3), np.uint8)] * count
    with pytest.raises(ValueError, match="three frames of one size"):
        neighbours(frames)
    odd = [np.zeros((32, 32 + t, 3), np.uint8) for t in range(3)]
    empty = np.zeros((32, 32, 2), np.float32)
    with pytest.raises(ValueError, match=r"\(32, 33, 3\)"):
        streaks(odd, Neighbours(empty, empty))
