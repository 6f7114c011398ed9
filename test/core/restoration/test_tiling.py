# SPDX-License-Identifier: Apache-2.0
"""Tiles cover a frame exactly once, begin where the strides allow, and see far enough."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.tiling import spans, tile_margin, tile_size
from restoregan_core.zoo import CONFIGS, load_generator


@given(
    length=st.integers(1, 3000),
    tiles=st.integers(1, 40),
    margin=st.integers(1, 12),
    multiple=st.sampled_from([1, 4, 8]),
)
def test_every_pixel_is_kept_once_from_a_tile_that_sees_its_neighbours(length, tiles, margin, multiple):
    margin *= multiple
    tile = 2 * margin + tiles * multiple
    covered = 0
    for span in spans(length, tile, margin, multiple):
        assert span.start % multiple == 0
        assert span.stop - span.start <= tile
        assert span.keep_start == covered
        covered = span.keep_stop
        assert span.start == 0 or span.keep_start - span.start >= margin
        assert span.stop == length or span.stop - span.keep_stop >= margin
    assert covered == length


@given(height=st.integers(1, 5000), width=st.integers(1, 5000))
@pytest.mark.parametrize("name", CONFIGS)
def test_tiles_stay_within_the_budget_and_leave_a_middle(name, height, width):
    config = CONFIGS[name]
    tall, wide = tile_size(height, width, 2_100_000, config)
    assert tall * wide <= 2_100_000
    assert tall % config.size_multiple == wide % config.size_multiple == 0
    for side, tile in ((height, tall), (width, wide)):
        assert tile >= side or tile > 2 * tile_margin(config)


@pytest.mark.parametrize("size", [(600, 800), (433, 1001), (1025, 389)])
def test_tiled_equals_whole_within_one_grey_level_with_the_shipped_weights(size):
    """On a textured image, degraded so that the network has something to do everywhere."""
    height, width = size
    rgb_HWC = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_CUBIC)
    rain = np.random.default_rng(0).normal(0, 25, (height, width, 1)).clip(0)
    rgb_HWC = (rgb_HWC + cv2.blur(rain, (1, 15))[..., None]).clip(0, 255).astype(np.uint8)
    loaded = load_generator("lite")
    whole = Restorer(loaded, "torch", "cpu")(rgb_HWC).astype(int)
    least = 2 * tile_margin(loaded.generator.config) + 48
    tiled = Restorer(loaded, "torch", "cpu", max_pixels=least * least)(rgb_HWC).astype(int)
    assert np.abs(whole - rgb_HWC).max() > 2, "the network must do something"
    assert np.abs(tiled - whole).max() <= 1
