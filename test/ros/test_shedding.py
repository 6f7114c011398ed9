# SPDX-License-Identifier: Apache-2.0
"""Overload: cameras lose their restoration in the order of priority, and get it back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_ros.shedding import LoadShedder

CAMERAS = ("front", "left", "right")


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def drive(
    shedder: LoadShedder, clock: Clock, seconds: int, rates_hz: dict[str, int], judging_s: float,
    restoring_s: float, is_wanted: bool = True,
) -> None:  # fmt: skip
    """Some seconds of frames from each camera, each served at once."""
    for _ in range(seconds):
        for camera, rate_hz in rates_hz.items():
            for _ in range(rate_hz):
                shedder.count_received(camera)
                granted = is_wanted and shedder.may_restore(camera)
                spent_s = restoring_s if granted else None
                shedder.count_done(camera, judging_s + (spent_s or 0.0), spent_s, is_wanted)
        clock.now_s += 1.0
        for camera in rates_hz:
            shedder.may_restore(camera)


def make(priorities: dict[str, int] | None = None) -> tuple[LoadShedder, Clock]:
    clock = Clock()
    return LoadShedder(CAMERAS, lambda camera: (priorities or {}).get(camera, 1), clock), clock


def test_with_time_for_all_nothing_is_shed():
    shedder, clock = make()
    drive(shedder, clock, 5, dict.fromkeys(CAMERAS, 10), judging_s=0.005, restoring_s=0.02)
    assert shedder.shed == frozenset()


def test_the_last_cameras_go_first_and_the_first_one_never():
    shedder, clock = make()
    drive(shedder, clock, 5, dict.fromkeys(CAMERAS, 10), judging_s=0.005, restoring_s=0.04)
    assert shedder.shed == {"right"}
    drive(shedder, clock, 20, dict.fromkeys(CAMERAS, 30), judging_s=0.005, restoring_s=0.04)
    assert shedder.shed == {"left", "right"}


def test_priority_comes_before_the_order_of_the_cameras():
    shedder, clock = make({"right": 5})
    drive(shedder, clock, 5, dict.fromkeys(CAMERAS, 10), judging_s=0.005, restoring_s=0.04)
    assert shedder.shed == {"left"}


def test_where_assessing_takes_all_the_time_nothing_is_restored():
    shedder, clock = make()
    drive(shedder, clock, 5, dict.fromkeys(CAMERAS, 30), judging_s=0.02, restoring_s=0.02)
    assert shedder.shed == set(CAMERAS)


def test_cameras_that_need_no_restoration_take_no_time_from_others():
    shedder, clock = make()
    drive(shedder, clock, 10, {"front": 30, "left": 30}, 0.002, 0.04, is_wanted=False)
    drive(shedder, clock, 10, {"right": 15}, 0.002, 0.04)
    assert "right" not in shedder.shed


def test_what_was_shed_comes_back_with_a_margin():
    shedder, clock = make()
    drive(shedder, clock, 5, dict.fromkeys(CAMERAS, 10), judging_s=0.005, restoring_s=0.04)
    assert shedder.shed == {"right"}
    # 0.9 of the worker's time: enough to keep a camera, too much to take one back
    drive(shedder, clock, 30, dict.fromkeys(CAMERAS, 10), judging_s=0.005, restoring_s=0.025)
    drive(shedder, clock, 5, dict.fromkeys(CAMERAS, 5), judging_s=0.005, restoring_s=0.02)
    assert shedder.shed == frozenset()


def test_a_single_camera_is_never_shed():
    clock = Clock()
    shedder = LoadShedder(("front",), lambda camera: 1, clock)
    drive(shedder, clock, 5, {"front": 30}, judging_s=0.1, restoring_s=0.5)
    assert shedder.shed == frozenset()


@settings(max_examples=50, deadline=None)
@given(
    priorities=st.lists(st.integers(1, 10), min_size=3, max_size=3),
    rate_hz=st.integers(1, 20),
    restoring_ms=st.integers(1, 200),
)
def test_no_camera_is_restored_while_one_of_higher_priority_is_not(priorities, rate_hz, restoring_ms):
    by_camera = dict(zip(CAMERAS, priorities, strict=True))
    shedder, clock = make(by_camera)
    drive(shedder, clock, 4, dict.fromkeys(CAMERAS, rate_hz), 0.001, restoring_ms / 1e3)
    kept = [by_camera[camera] for camera in CAMERAS if camera not in shedder.shed]
    shed = [by_camera[camera] for camera in CAMERAS if camera in shedder.shed]
    assert not kept or not shed or max(shed) <= min(kept)
