# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from restoregan_core.images.tile_grid import grid_shape
from restoregan_core.restoration.blending import FEATHER_PX, blend_tiles

TILE = 64


@st.composite
def blends(draw):
    height, width = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    source, restored = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    tiles = draw(hnp.arrays(bool, grid_shape(height, width, TILE)))
    return source, restored, tiles


def pixels_of(tiles, shape):
    return np.kron(tiles, np.ones((TILE, TILE), bool))[: shape[0], : shape[1]]


@given(blends())
def test_unselected_pixels_keep_their_bits_and_the_rest_lies_between_the_two(case):
    source, restored, tiles = case
    before = source.copy(), restored.copy()
    image, changed = blend_tiles(source, restored, tiles, TILE)
    np.testing.assert_array_equal(changed, pixels_of(tiles, source.shape))
    np.testing.assert_array_equal(image[~changed], source[~changed])
    assert (image >= np.minimum(source, restored)).all()
    assert (image <= np.maximum(source, restored)).all()
    np.testing.assert_array_equal(source, before[0])
    np.testing.assert_array_equal(restored, before[1])


@given(blends())
def test_whole_frame_selected_gives_the_restored_image_exactly(case):
    source, restored, tiles = case
    image, changed = blend_tiles(source, restored, np.ones_like(tiles), TILE)
    np.testing.assert_array_equal(image, restored)
    assert changed.all()


def test_seam_is_soft_and_the_tiles_middle_fully_restored():
    source, restored = np.zeros((64, 128, 3), np.uint8), np.full((64, 128, 3), 200, np.uint8)
    image, _ = blend_tiles(source, restored, np.array([[False, True]]), TILE)
    row = image[32, :, 0].astype(int)
    assert (row[:64] == 0).all()
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() <= -(-200 // FEATHER_PX)
    assert (row[64 + FEATHER_PX :] == 200).all()
    assert row[-1] == 200, "the border of the frame is not a seam"


def test_blending_refuses_what_does_not_fit_together():
    source = np.zeros((64, 128, 3), np.uint8)
    with pytest.raises(ValueError, match="restored image is"):
        blend_tiles(source, source[:, :64], np.array([[True, False]]), TILE)
    with pytest.raises(ValueError, match="does not fit a 64x128 frame"):
        blend_tiles(source, source, np.ones((2, 2), bool), TILE)
