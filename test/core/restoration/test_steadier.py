# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restoregan_core.restoration.steadier import MOVED_LEVELS, Steadier


def scene(height=96, width=160, seed=0):
    return np.random.default_rng(seed).integers(40, 200, (height, width, 3), dtype=np.uint8)


def noisy(image, rng, sigma=1.5):
    return (image + rng.normal(0, sigma, image.shape)).round().clip(0, 255).astype(np.uint8)


def sharpened(image, scene_HWC):
    """What a network does that takes noise for detail."""
    return (scene_HWC + 1.5 * (image.astype(float) - scene_HWC)).round().clip(0, 255).astype(np.uint8)


def difference(frames):
    return np.mean([np.abs(b.astype(int) - a).mean() for a, b in pairwise(frames)])


def test_noise_flickers_less_than_in_the_source_and_nothing_drifts_away_from_the_scene():
    still, rng, steadier = scene(), np.random.default_rng(1), Steadier()
    sources = [noisy(still, rng) for _ in range(12)]
    restored = [sharpened(source, still) for source in sources]
    published = [steadier.steady("front", s, r) for s, r in zip(sources, restored, strict=True)]
    assert difference(restored) > difference(sources) > difference(published)
    errors = [np.abs(p.astype(int) - still).mean() for p in published]
    assert errors[-1] < np.abs(restored[-1].astype(int) - still).mean() < 2
    assert abs(published[-1].mean() - still.mean()) < 0.5


def test_what_moves_comes_out_as_the_network_made_it():
    still, steadier = np.full((96, 160, 3), 90, np.uint8), Steadier()
    steadier.steady("front", still, still)
    moved = still.copy()
    moved[40:60, 60:90] = 150  # a thing has come
    restored = moved + np.uint8(3)
    published = steadier.steady("front", moved, restored)
    np.testing.assert_array_equal(published[38:62, 58:92], restored[38:62, 58:92])
    assert (published[:20] < restored[:20]).all(), "far from it the mean is taken"


def test_a_light_that_changes_its_colour_but_not_its_brightness_is_not_a_still_place():
    red, steadier = np.full((64, 64, 3), 60, np.uint8), Steadier()
    green = red.copy()
    red[24:32, 24:32, 0] += 20  # brighter by 6 grey levels, as the other one
    green[24:32, 24:32, 1] += 10
    steadier.steady("front", red, red)
    np.testing.assert_array_equal(steadier.steady("front", green, green)[24:32, 24:32], green[24:32, 24:32])


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.95), st.integers(1, 70), st.integers(1, 70))
def test_every_value_lies_between_the_two_restored_frames(seed, share, height, width):
    rng, steadier = np.random.default_rng(seed), Steadier(share)
    first = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    source = noisy(first, rng, sigma=rng.choice([0, 1, 30]))
    before, now = (rng.integers(0, 256, first.shape, dtype=np.uint8) for _ in range(2))
    for image in (first, source, before, now):
        image.flags.writeable = False
    assert steadier.steady("a", first, before) is before
    published = steadier.steady("a", source, now)
    assert published.dtype == np.uint8
    assert (published >= np.minimum(before, now)).all()
    assert (published <= np.maximum(before, now)).all()


def test_what_was_not_restored_before_is_not_averaged_with_what_is():
    steadier, source = Steadier(0.5), np.full((128, 192, 3), 100, np.uint8)
    left, both = np.zeros((128, 192), bool), np.zeros((128, 192), bool)
    left[:, :64] = both[:, :128] = True
    steadier.steady("front", source, source + np.uint8(20), left)
    found = steadier.steady("front", source, source + np.uint8(40), both)
    assert (found[:, :56] == 130).all(), "the mean of both"
    assert (found[:, 64:128] == 140).all(), "restored for the first time"
    again = steadier.steady("front", source, source + np.uint8(40), both)
    assert (again[:, 64:120] == 140).all()
    assert (again[:, :56] == 135).all()


def test_slow_change_of_light_is_followed():
    steadier = Steadier(0.5)
    for level in range(60, 120):  # a grey level a frame: below what counts as moved
        image = np.full((32, 32, 3), level, np.uint8)
        published = steadier.steady("front", image, image)
    assert level - published.min() <= MOVED_LEVELS / 2


def test_cameras_sizes_and_a_reset_begin_afresh():
    steadier = Steadier()
    first, second = np.full((32, 32, 3), 50, np.uint8), np.full((32, 32, 3), 60, np.uint8)
    source = np.full((32, 32, 3), 40, np.uint8)
    steadier.steady("front", source, first)
    assert steadier.steady("rear", source, second) is second
    assert steadier.steady("front", source[:16], second[:16]).tolist() == second[:16].tolist()
    steadier.steady("front", source, first)
    assert steadier.steady("front", source, second).max() == 55
    steadier.reset("front")
    assert steadier.steady("front", source, second) is second
    steadier.reset()
    assert not steadier.state()


def test_share_nought_leaves_every_frame_as_it_is_and_remembers_nothing():
    steadier, image = Steadier(0.5), scene()
    steadier.steady("front", image, image)
    steadier.share = 0.0
    restored = image // 2
    assert steadier.steady("front", image, restored) is restored
    assert not steadier.state()


def test_state_goes_on_in_another_steadier():
    source = np.full((32, 32, 3), 40, np.uint8)
    one, other = Steadier(), Steadier()
    some = np.zeros((32, 32), bool)
    some[:16] = True
    one.steady("front", source, source + np.uint8(10), some)
    other.load_state(one.state())
    found = one.steady("front", source, source)
    np.testing.assert_array_equal(found, other.steady("front", source, source))
    assert (found[0, 0, 0], found[-1, 0, 0]) == (45, 40)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_cannot_be_is_refused(share):
    with pytest.raises(ValueError, match=f"share is {share}"):
        Steadier(share)
