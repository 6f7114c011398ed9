# SPDX-License-Identifier: Apache-2.0
"""Clips are told by folder and name, and places in them have frames enough before."""

from pathlib import Path

import numpy as np
import pytest

from restoregan_core.data.consecutive import ConsecutiveFrames, clip_of

TWO_CLIPS = [
    Path(f"reds/{clip}_{number:08}.png") for clip, count in (("a", 5), ("b", 3)) for number in range(count)
]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a/000012.png", "a/000013.png", True),
        ("a/9_left.png", "a/10_left.png", True),
        ("a/cam_000123_v2.png", "a/cam_000124_v2.png", True),
        ("a/cam_000123_v2.png", "a/cam_000124_v3.png", False),
        ("a/cam_v12.png", "a/cam_v13.png", True),
        ("a/cam_v2.png", "a/cam_v3.png", True),
        ("a/0.lmdb#seq1-01", "a/0.lmdb#seq1-02", True),
        ("a/0.lmdb#seq1-01", "a/0.lmdb#seq2-01", False),
        ("a/01.png", "b/02.png", False),
        ("reds/test000_01.png", "reds/test001_02.png", False),
    ],
)
def test_frames_of_a_clip_differ_in_their_last_number(one: str, other: str, is_same: bool) -> None:
    assert (clip_of(Path(one)) == clip_of(Path(other))) == is_same


def test_places_have_as_many_frames_of_their_clip_before_them_as_asked_for() -> None:
    frames, rng = ConsecutiveFrames(TWO_CLIPS), np.random.default_rng(0)
    assert frames.most_before == 4
    assert {frames.draw(rng, 2) for _ in range(60)} == {2, 3, 4, 7}
    assert {frames.draw(rng, 0) for _ in range(200)} == set(range(8))


def test_where_no_clip_is_long_enough_the_longest_has_what_it_has() -> None:
    assert ConsecutiveFrames(TWO_CLIPS).draw(np.random.default_rng(0), 9) == 4
