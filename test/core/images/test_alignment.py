# SPDX-License-Identifier: Apache-2.0
"""Frames brought over each other."""

import cv2
import numpy as np
import pytest

from restoregan_core.images.alignment import align, compose, find_flow, half_image, warp


def scene(height=200, width=320, seed=0, sigmas=(2, 5, 12)):
    """Blobs of several sizes: something to hold on to everywhere."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)).astype(np.float32), (0, 0), sigma) * sigma
        for sigma in sigmas
    ]
    return (128 + 60 * sum(layers)).clip(0, 255).astype(np.uint8)


def window(image, right, down, height=120, width=200):
    return np.ascontiguousarray(image[30 + down : 30 + down + height, 40 + right : 40 + right + width])


def inner(image):
    return image[24:-24, 24:-24].astype(int)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, -2), (10, 6), (-14, 8)])
def test_a_shifted_frame_comes_to_lie_over_the_current_one(right, down):
    image = scene()
    current, older = window(image, 0, 0), window(image, right, down)
    [aligned] = align(current, [older])[0]
    assert np.abs(inner(aligned) - inner(current)).mean() < 4
    if (right, down) != (0, 0):
        assert np.abs(inner(older) - inner(current)).mean() > 12


def test_older_frames_are_aligned_to_the_current_one_not_to_each_other():
    image = scene()
    frames = [window(image, 5 * k, -3 * k) for k in range(4)]
    for aligned in align(frames[0], frames[1:])[0]:
        assert np.abs(inner(aligned) - inner(frames[0])).mean() < 6


def test_a_road_that_comes_nearer_fast_is_aligned():
    """Ten frames a second from a moving car: all of the image grows, and its texture is fine."""
    current = scene(360, 640, sigmas=(1, 2))
    grown = cv2.getRotationMatrix2D((320, 120), 0, 1 / 1.16)
    older = cv2.warpAffine(current, grown, (640, 360), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    [aligned] = align(current, [older])[0]
    assert np.abs(inner(older) - inner(current)).mean() > 20
    assert np.abs(inner(aligned) - inner(current)).mean() < 5


def test_thin_streaks_do_not_lead_the_flow_astray():
    image = scene()
    current, older = window(image, 0, 0), window(image, 6, 4)
    rng = np.random.default_rng(1)
    for frame in (current, older):
        for _ in range(60):
            x, y = int(rng.integers(200)), int(rng.integers(120))
            cv2.line(frame, (x, y), (x + 2, y + 14), (235, 235, 235), 1)
    clean = align(window(image, 0, 0), [window(image, 6, 4)])[0][0]
    flow = find_flow(half_image(current), half_image(older))
    warped = warp(window(image, 6, 4), flow)
    assert np.abs(inner(warped) - inner(clean)).mean() < 3


def test_alignment_is_the_same_with_any_number_of_threads():
    image = scene(seed=3)
    frames = [window(image, 4 * k, 2 * k) for k in range(3)]
    before = cv2.getNumThreads()
    try:
        results = []
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            results.append(np.stack(align(frames[0], frames[1:])[0]))
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_composed_flows_add_up():
    right = np.zeros((60, 80, 2), np.float32)
    right[..., 0] = 3
    down = np.zeros((60, 80, 2), np.float32)
    down[..., 1] = -2
    np.testing.assert_allclose(compose(right, down), right + down, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 400), (47, 47), (49, 63)])
def test_frames_of_any_size_are_aligned(size):
    image = scene()[: size[0], : size[1]]
    for aligned in align(image, [image, image])[0]:
        np.testing.assert_array_equal(aligned, image)


def test_nothing_is_aligned_to_a_frame_without_history():
    assert align(scene(), []) == ([], [])
