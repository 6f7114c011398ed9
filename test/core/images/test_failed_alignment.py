# SPDX-License-Identifier: Apache-2.0
"""Where alignment fails, and what older frames show there."""

import cv2
import numpy as np
import pytest

from restoregan_core.images.alignment import align, half_image
from restoregan_core.images.failed_alignment import Alignment, find_alignment, where_alignment_holds


def scene(height=240, width=400, seed=0):
    rng = np.random.default_rng(seed)
    layers = [
        cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)).astype(np.float32), (0, 0), sigma) * sigma
        for sigma in (2, 5, 12)
    ]
    return (128 + 60 * sum(layers)).clip(0, 255).astype(np.uint8)


def window(image, right, down=0, height=160, width=280):
    return np.ascontiguousarray(image[30 + down : 30 + down + height, 40 + right : 40 + right + width])


def with_streaks(image, seed):
    rng = np.random.default_rng(seed)
    seen = image.copy()
    for _ in range(120):
        x, y = int(rng.integers(image.shape[1])), int(rng.integers(image.shape[0]))
        cv2.line(seen, (x, y), (x + 2, y + 16), (230, 230, 230), 1)
    return seen


def with_twigs(image, seed):
    """On the left third: thin dark and bright lines that are elsewhere in each frame, as twigs that pass by."""
    rng = np.random.default_rng(seed)
    seen, width = image.copy(), image.shape[1] // 3
    for _ in range(160):
        x, y, dx, dy = (int(n) for n in rng.integers((0, 0, -9, -9), (width - 9, image.shape[0], 9, 9)))
        level = int(rng.choice((20, 235)))
        cv2.line(seen, (x, y), (x + dx, y + dy), (level, level, level), 2)
    return seen


def shown(current, older, holds, parts=()):
    """Frames that lie over the current one as they are."""
    still = np.zeros((current.shape[0] // 2, current.shape[1] // 2, 2), np.float32)
    return Alignment((current, half_image(current)), [still] * len(older), holds, parts).show(older)


def test_rain_does_not_count_as_failed():
    image = scene()
    frames = [with_streaks(window(image, 4 * k), seed=k) for k in range(3)]
    both = zip(
        find_alignment(frames[0], frames[1:]).show(frames[1:]), align(frames[0], frames[1:])[0], strict=True
    )
    for shown, aligned in both:
        np.testing.assert_array_equal(shown, aligned)


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_an_exposure_that_jumps_does_not_count_as_failed(gain):
    image = scene(seed=3) // 2 + 20
    frames = [window(image, 4 * k) for k in range(3)]
    frames[0] = (frames[0] * gain).astype(np.uint8)
    for shown, older in zip(
        find_alignment(frames[0], frames[1:]).show(frames[1:]), align(frames[0], frames[1:])[0], strict=True
    ):
        np.testing.assert_array_equal(shown, older)


def test_what_cannot_be_followed_shows_the_current_frame_and_the_rest_the_older_ones():
    image = scene()
    frames = [with_twigs(window(image, 4 * k), seed=k) for k in range(3)]
    both = zip(
        find_alignment(frames[0], frames[1:]).show(frames[1:]), align(frames[0], frames[1:])[0], strict=True
    )
    for shown, aligned in both:
        left, right = np.s_[30:-30, 10:60], np.s_[:, 160:]
        assert np.abs(aligned[left].astype(int) - frames[0][left]).mean() > 30
        assert np.abs(shown[left].astype(int) - frames[0][left]).mean() < 5
        np.testing.assert_array_equal(shown[right], aligned[right])


def test_of_one_older_frame_nothing_is_said():
    image = scene()
    current, older = with_twigs(window(image, 0), 0), with_twigs(window(image, 4), 1)
    assert where_alignment_holds(half_image(current), [half_image(older)]) is None
    [shown] = find_alignment(current, [older]).show([older])
    np.testing.assert_array_equal(shown, align(current, [older])[0][0])


@pytest.mark.parametrize("size", [(160, 280), (161, 279)])
def test_parts_become_what_they_are_in_the_whole_also_where_they_overlap(size):
    current, *aligned = (scene(*size, seed=k) for k in range(3))
    holds = np.random.default_rng(0).random((size[0] // 2, size[1] // 2), np.float32)
    whole = shown(current, aligned, holds)
    parts = [(slice(16, 80), slice(32, 96)), (slice(60, size[0]), slice(80, size[1]))]
    some = shown(current, aligned, holds, parts)
    for k, older in enumerate(aligned):
        for part in parts:
            np.testing.assert_array_equal(some[k][part], whole[k][part])
        np.testing.assert_array_equal(some[k][:16], older[:16])
        np.testing.assert_array_equal(older, scene(*size, seed=k + 1))


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 1), (1.0, 2)])
def test_a_weight_shows_one_or_the_other(weight, expected):
    holds = np.full((120, 200), weight, np.float32)
    [found] = shown(scene(seed=1), [scene(seed=2)], holds)
    np.testing.assert_array_equal(found, scene(seed=expected))


def test_failures_far_apart_all_show_the_current_frame():
    current, older = scene(seed=1), scene(seed=2)
    holds = np.ones((120, 200), np.float32)
    failures = [np.s_[0:6, 0:8], np.s_[40:52, 150:170], np.s_[114:120, 190:200]]
    for where in failures:
        holds[where] = 0
    [found] = shown(current, [older], holds)
    for rows, columns in failures:
        inside = np.s_[2 * rows.start + 1 : 2 * rows.stop - 1, 2 * columns.start + 1 : 2 * columns.stop - 1]
        np.testing.assert_array_equal(found[inside], current[inside])
    np.testing.assert_array_equal(found[140:200, :280], older[140:200, :280])


def test_broad_smooth_differences_as_of_blur_do_not_count_as_failed():
    older = cv2.blur(scene(seed=5), (25, 25))
    current = older.copy()
    current[80:160, 100:240] -= np.minimum(current[80:160, 100:240], 25)
    current = cv2.blur(current, (25, 25))

    halves = [half_image(image) for image in (current, older, older)]
    assert (halves[1].astype(int) - halves[0]).max() > 15  # it is darker than both older ones
    assert where_alignment_holds(halves[0], halves[1:]) is None
