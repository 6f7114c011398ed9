# SPDX-License-Identifier: Apache-2.0
"""The newest frame of each camera waits, and every camera gets its turns."""

import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from restoregan_ros.frame import Frame
from restoregan_ros.slots import Slots
from restoregan_ros.source_image import SourceImage

SOURCE = SourceImage(serialize_message(Image()))


def frame(camera: str, received_s: float = 0.0) -> Frame:
    return Frame(camera, SOURCE, received_s)


def test_the_newest_frame_takes_the_place_of_an_older_one():
    slots = Slots(lambda camera: 1)
    assert not slots.put(frame("a", 1.0))
    newest = frame("a", 2.0)
    assert slots.put(newest)
    assert slots.take() is newest


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=8), min_size=1, max_size=40))
def test_with_equal_priorities_a_frame_waits_for_at_most_one_turn_of_each_other_camera(arrivals):
    """``arrivals[i]`` are the cameras whose frames come in before the i-th turn."""
    slots = Slots(lambda camera: 1)
    turns_since: dict[str, Counter] = {}
    for time_s, cameras in enumerate(arrivals):
        for number in cameras:
            slots.put(frame(str(number), float(time_s)))
            turns_since.setdefault(str(number), Counter())
        if not turns_since:
            continue
        served = slots.take().camera
        slots.done()
        del turns_since[served]
        for counter in turns_since.values():
            counter[served] += 1
            assert counter[served] <= 1


def test_turns_are_shared_out_by_priority_and_nobody_starves():
    slots = Slots({"front": 3, "left": 1}.__getitem__)
    turns = Counter()
    for _ in range(40):
        for camera in ("front", "left"):
            slots.put(frame(camera))
        turns[slots.take().camera] += 1
        slots.done()
    assert turns == {"front": 30, "left": 10}


def test_take_waits_for_a_frame_and_ends_when_closed():
    slots = Slots(lambda camera: 1)
    taken = []
    thread = threading.Thread(target=lambda: taken.extend([slots.take(), slots.take()]))
    thread.start()
    waiting = frame("a")
    slots.put(waiting)
    while slots.in_work is None:
        pass
    slots.close()
    thread.join(5)
    assert taken == [waiting, None]


@pytest.mark.parametrize(("limit_s", "expected"), [(0.5, []), (1.0, ["a"]), (9.0, ["a", "b"])])
def test_late_frames_are_taken_out(limit_s, expected):
    slots = Slots(lambda camera: 1)
    slots.put(frame("a", 1.0))
    slots.put(frame("b", 2.0))
    assert slots.oldest_received_s() == 1.0
    assert [late.camera for late in slots.take_received_until(limit_s)] == expected
    assert slots.is_idle("a") == ("a" in expected)
