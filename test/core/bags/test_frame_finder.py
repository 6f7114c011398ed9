# SPDX-License-Identifier: Apache-2.0
"""Frames of one bag found by the times of another's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from replay_bags import START_NS, STEP_NS, drive, write_bag

from restoregan_core.bags.frame_finder import FrameFinder
from restoregan_core.bags.reader import Bag, BagError, open_bag

RECORDED_AFTER_NS = 1000
"""``drive`` records an image so long after its stamp."""


@pytest.fixture
def bag(tmp_path: Path) -> Iterator[Bag]:
    """Six frames of /front and of /rear, recorded in turn at the same times."""
    both = sorted([*drive(6), *drive(6, base="/rear")], key=lambda message: message[2])
    with open_bag(write_bag(tmp_path / "bag", both)) as opened:
        yield opened


def stamp(number: int) -> int:
    return START_NS + number * STEP_NS


def test_a_frame_is_found_by_its_stamp_and_again_a_little_later(bag: Bag) -> None:
    finder = FrameFinder(bag, ["/front/image_raw"])
    for number in (1, 4, 4, 2):
        found = finder.find(stamp(number))
        assert found is not None
        assert found.stamp_ns == stamp(number)


def test_stamps_may_differ_by_the_tolerance_and_no_more(bag: Bag) -> None:
    finder = FrameFinder(bag, ["/front/image_raw"], tolerance_ns=500)
    assert finder.find(stamp(0) + 501) is None
    found = finder.find(stamp(1) + 500)
    assert found is not None
    assert found.index == 1


def test_a_missing_frame_does_not_cost_those_after_it(bag: Bag) -> None:
    finder = FrameFinder(bag, ["/front/image_raw"])
    assert finder.find(stamp(1) + 7) is None
    assert finder.find(stamp(2)) is not None


def test_of_several_cameras_that_record_at_one_time_the_one_named_is_found(bag: Bag) -> None:
    finder = FrameFinder(bag, ["/front/image_raw", "/rear/image_raw"], by="time_ns")
    for number in range(6):
        for base in ("/rear", "/front"):
            found = finder.find(stamp(number) + RECORDED_AFTER_NS, base)
            assert found is not None, (number, base)
            assert found.camera.base == base


def test_without_topics_nothing_is_found_and_an_unknown_one_is_named(bag: Bag) -> None:
    assert FrameFinder(bag, []).find(stamp(0)) is None
    with pytest.raises(BagError, match="/rera"):
        FrameFinder(bag, ["/rera/image_raw"])
