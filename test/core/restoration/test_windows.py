# SPDX-License-Identifier: Apache-2.0
"""Windows show the network every selected tile with its context, in few sizes, and cost less than the frame."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import astronaut
from tiny_generator import TINY, difference, image, loaded

from restoregan_core.images.tile_grid import TILE_SIZE_PX, grid_shape, pixels_of
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.tiling import tile_margin
from restoregan_core.restoration.windows import MOST_PLACES, WORTH, WindowPlanner
from restoregan_core.zoo import CONTEXT_PX, SHA256, load_generator

ANY = 10**9


def planner(height, width, context=32, multiple=16, max_pixels=ANY):
    return WindowPlanner(height, width, TILE_SIZE_PX, context, multiple, max_pixels)


def masks(height, width):
    """Any tiles, or a few: of any tiles, windows rarely come."""
    shape = grid_shape(height, width)
    few = st.sets(st.integers(0, shape[0] * shape[1] - 1), min_size=1, max_size=4)
    return st.one_of(
        arrays(bool, shape),
        few.map(lambda k: np.isin(np.arange(shape[0] * shape[1]), list(k)).reshape(shape)),
    )


@settings(max_examples=300)
@given(st.data())
def test_every_selected_tile_is_kept_once_or_more_from_a_window_that_reads_its_context(data):
    height, width = (data.draw(st.integers(1, 1400)) for _ in range(2))
    context = 16 * data.draw(st.integers(0, 12))
    tiles = data.draw(masks(height, width))
    plan = planner(height, width, context)
    found = plan.windows(tiles)
    kept = np.zeros((height, width), bool)
    read = 0
    for window in found:
        for span, side in ((window.rows, height), (window.columns, width)):
            assert 0 <= span.start < span.stop <= side
            assert span.start % 16 == 0
            assert span.start == 0 or span.keep_start - span.start >= context
            assert span.stop == side or span.stop - span.keep_stop >= context
        kept[window.rows.keep, window.columns.keep] = True
        sides = [span.stop - span.start for span in (window.rows, window.columns)]
        assert tuple(side + -side % 16 for side in sides) in plan.sizes()
        read += sides[0] * sides[1]
    assert read <= WORTH * height * width
    if found:
        assert kept[pixels_of(tiles, height, width)].all()


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(0, 20))
def test_no_frame_has_more_than_four_sizes_of_windows(height, width, context):
    assert len(planner(height, width, 16 * context).sizes()) <= 4


def test_a_tile_and_its_neighbours_take_one_window_of_the_smallest_size():
    tiles = np.zeros(grid_shape(720, 1280), bool)
    tiles[4:7, 8:11] = True
    (window,) = planner(720, 1280).windows(tiles)
    assert window.rows.read == slice(4 * 64 - 32, 7 * 64 + 32)
    assert window.columns.keep == slice(8 * 64, 11 * 64)


def test_tiles_near_to_each_other_share_a_window_and_tiles_far_apart_do_not():
    tiles = np.zeros(grid_shape(720, 1280), bool)
    tiles[5, [3, 5]] = True
    assert len(planner(720, 1280).windows(tiles)) == 1
    tiles[5, 18] = True
    assert len(planner(720, 1280).windows(tiles)) == 2


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_tile_and_every_tile_need_no_windows(share):
    assert planner(720, 1280).windows(np.full(grid_shape(720, 1280), share, bool)) == []


def test_where_windows_would_cost_as_much_as_the_frame_there_are_none():
    tiles = np.zeros(grid_shape(720, 1280), bool)
    tiles[::4, ::4] = True
    assert tiles.sum() > MOST_PLACES
    assert planner(720, 1280).windows(tiles) == []
    tiles[:] = False
    tiles[0, 0] = True
    assert planner(720, 1280).windows(tiles)
    assert planner(720, 1280, context=512).windows(tiles) == []
    assert planner(720, 1280, max_pixels=100 * 100).windows(tiles) == []


@cache
def tiny(history=0):
    return Restorer(loaded(replace(TINY, history=history)), "torch")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_selected_tiles_are_restored_as_in_the_whole_frame(data):
    """Odd sizes too, borders and corners, single tiles and all of them, with a history and without."""
    height, width = data.draw(st.sampled_from([(330, 590), (263, 691), (549, 402)]))
    restorer = tiny(data.draw(st.sampled_from([0, 2])))
    tiles = data.draw(masks(height, width))
    frames = [image(height, width, seed=k) for k in range(1 + restorer.history)]
    kept = frames[0].copy()
    whole = restorer.restore_aligned(frames[0], frames[1:])
    found = restorer.restore_aligned(frames[0], frames[1:], restorer.windows(frames[0], tiles))
    selected = pixels_of(tiles, height, width)
    assert difference(found, whole)[selected].max(initial=0) <= 1
    assert (frames[0] == kept).all()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 5), (6, 10), (3, 0), (3, 5), (6, 4)])
def test_a_single_tile_wherever_it_lies_is_restored_by_less_than_the_frame(row, column, monkeypatch):
    height, width = 442, 700
    read = []
    restorer = Restorer(loaded(replace(TINY, history=1)), "torch")
    restore = restorer._restore
    monkeypatch.setattr(
        restorer,
        "_restore",
        lambda frames: (read.append(frames[0].shape[0] * frames[0].shape[1]), restore(frames))[1],
    )
    tiles = np.zeros(grid_shape(height, width), bool)
    tiles[row, column] = True
    frames = [image(height, width, seed=k) for k in range(2)]
    whole = restorer.restore_aligned(frames[0], frames[1:])
    found = restorer.restore_aligned(frames[0], frames[1:], restorer.windows(frames[0], tiles))
    assert read[1] <= WORTH * read[0]
    selected = pixels_of(tiles, height, width)
    assert difference(found, whole)[selected].max() <= 1
    assert (difference(found, frames[0])[~selected] == 0).all(), "what was not asked for is the source"


def test_a_grid_that_is_not_the_frames_is_refused():
    with pytest.raises(ValueError, match=r"a grid of \(2, 2\) tiles of 64 px does not fit a 64x64 frame"):
        tiny().windows(image(64, 64), np.ones((2, 2), bool))


def test_a_runtime_that_builds_engines_ahead_is_given_the_whole_frame(monkeypatch):
    restorer = Restorer(loaded(), "torch")
    monkeypatch.setattr(restorer._opened[0], "any_size", False)
    source, tiles = image(442, 700), np.zeros(grid_shape(442, 700), bool)
    tiles[0, 0] = True
    assert Restorer(loaded(), "torch").windows(source, tiles)
    assert restorer.windows(source, tiles) == []


def test_a_measured_context_is_of_weights_that_come_with_the_package_and_below_their_bound():
    assert set(CONTEXT_PX) <= set(SHA256.values())
    for name, digest in SHA256.items():
        if digest in CONTEXT_PX:
            config = load_generator(name).config
            assert 0 < CONTEXT_PX[digest] < tile_margin(config)
            assert CONTEXT_PX[digest] % config.size_multiple == 0


def test_unknown_weights_are_given_their_exact_context():
    assert tiny().context_px == tile_margin(TINY)


@pytest.mark.parametrize(("precision", "share"), [("fp32", 0.9999), ("int8", 0.98)])
def test_selected_tiles_are_restored_as_in_the_whole_frame_with_the_shipped_weights(precision, share):
    """On a textured image, degraded so that the network has something to do everywhere.

    Integers round at thresholds: what differs by a float's last bit now and then differs by some levels then.
    """
    pytest.importorskip("openvino")
    height, width = 701, 1097
    rgb_HWC = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_CUBIC)
    rain = np.random.default_rng(0).normal(0, 25, (height, width, 1)).clip(0)
    rgb_HWC = (rgb_HWC + cv2.blur(rain, (1, 15))[..., None]).clip(0, 255).astype(np.uint8)
    restorer = Restorer(load_generator("lite"), "openvino", precision=precision)
    tiles = np.zeros(grid_shape(height, width), bool)
    tiles[4:7, 9:12] = True
    selected = pixels_of(tiles, height, width)
    whole, found = restorer(rgb_HWC), restorer.restore_aligned(rgb_HWC, [], restorer.windows(rgb_HWC, tiles))
    assert difference(whole, rgb_HWC)[selected].max() > 2, "the network must do something"
    differences = difference(found, whole)[selected]
    assert differences.max() <= (2 if precision == "fp32" else 16)
    assert differences.mean() < 0.3
    assert (differences <= 1).mean() >= share
