# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from restoregan_core.data.augment import flipped_path
from restoregan_core.images.alignment import find_flow, half_image
from restoregan_core.images.blur_path import OFFSETS, SAMPLES, STILL, path_image


def planes_of(image_HWC):
    return F.pixel_unshuffle(torch.from_numpy(image_HWC.copy()).permute(2, 0, 1).float(), 2).numpy()


def blobs(height=96, width=128, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def test_what_does_not_move_is_its_own_brightness_everywhere():
    frame = blobs()
    planes = planes_of(path_image(frame, None))
    assert (planes[:SAMPLES] == half_image(frame)).all()
    assert (planes[SAMPLES:] == STILL).all()


def test_no_motion_found_is_the_same_as_none_given():
    frame = blobs()
    still = np.zeros((48, 64, 2), np.float32)
    np.testing.assert_array_equal(path_image(frame, still), path_image(frame, None))


def test_each_sample_lies_its_share_of_the_way_from_the_pixel_to_both_sides():
    frame = np.repeat(np.arange(128, dtype=np.uint8)[np.newaxis, :, np.newaxis], 96, 0).repeat(3, 2)
    way = np.zeros((48, 64, 2), np.float32)
    way[..., 0] = 16  # of the half-size image, whose brightness rises by two a pixel
    planes = planes_of(path_image(frame, way))[:, :, 20:40]
    here = half_image(frame)[:, 20:40].astype(float)
    for number, offset in enumerate(OFFSETS):
        assert np.abs(planes[2 * number] - here - 32 * offset).max() <= 1
        assert np.abs(planes[2 * number + 1] - here + 32 * offset).max() <= 1


def test_the_motion_points_to_where_the_pixel_was():
    frame = blobs()
    moved = np.roll(frame, (4, 10), (0, 1))  # 10 px to the right and 4 down since then
    planes = planes_of(path_image(moved, find_flow(half_image(moved), half_image(frame))))
    right, down = (np.median(plane) - STILL for plane in planes[SAMPLES:])
    assert (right, down) == (pytest.approx(-10, abs=1), pytest.approx(-4, abs=1))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (5, 9), (31, 64)])
def test_an_image_of_any_size_has_one_of_its_size(size):
    frame = blobs(*size)
    half = half_image(frame).shape
    for flow in (None, np.ones((*half, 2), np.float32)):
        path = path_image(frame, flow)
        assert (path.shape, path.dtype) == (frame.shape, np.uint8)


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True), (True, True)])
def test_it_can_be_flipped_with_its_frame(flips):
    frame = blobs()
    flow = np.random.default_rng(1).normal(size=(48, 64, 2)).astype(np.float32) * 3
    axes = [axis for axis, is_flipped in zip((1, 0), flips, strict=True) if is_flipped]
    turned = np.flip(flow, axes) * np.where(flips, -1, 1).astype(np.float32)
    expected = path_image(np.ascontiguousarray(np.flip(frame, axes)), np.ascontiguousarray(turned))
    image = torch.from_numpy(np.flip(path_image(frame, flow), axes).copy()).permute(2, 0, 1).float() / 255
    got = flipped_path(image, flips).mul(255).round().permute(1, 2, 0).numpy()
    assert np.abs(got - expected.astype(float)).max() <= 1
