"""Tiles cover a frame exactly once, begin where the strides allow, and see far enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restoregan_core.frame_tiles import spans, tile_margin, tile_size
from restoregan_core.zoo import CONFIGS


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
