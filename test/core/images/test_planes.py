# SPDX-License-Identifier: Apache-2.0
"""Planes against PyTorch's pixel_unshuffle, and back."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from restoregan_core.images.planes import from_planes, merged, to_planes


@pytest.mark.parametrize("block", [1, 2, 4])
@pytest.mark.parametrize("channels", [3, 9])
def test_planes_are_pixel_unshuffles_and_give_the_image_back(block, channels):
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 12, channels), np.uint8)
    expected = F.pixel_unshuffle(torch.from_numpy(images).permute(0, 3, 1, 2), block).numpy()
    planes = to_planes(images, block)
    assert (planes == expected).all()
    assert (from_planes(planes, block) == images).all()


def test_a_view_of_a_larger_image_is_taken_as_it_is():
    larger = np.random.default_rng(1).integers(0, 256, (1, 10, 20, 3), np.uint8)
    part = larger[:, 1:9, 4:16]
    assert (to_planes(part, 2) == to_planes(part.copy(), 2)).all()


@pytest.mark.parametrize("batch", [1, 2])
def test_several_images_are_taken_as_if_they_were_merged(batch):
    images = np.random.default_rng(2).integers(0, 256, (batch, 8, 12, 9), np.uint8)
    current, *older = np.split(images, 3, axis=3)
    assert (merged(current, older) == images).all()
    assert (to_planes(current, 2, *older) == to_planes(images, 2)).all()
    assert merged(current, []) is current
