# SPDX-License-Identifier: Apache-2.0
"""Two rainy cameras and time for one: the other one's frames go out untouched, judged and with the reason."""

import time

import pytest
from obedient_node import Command
from restoregan_ros.msg import RestorationReport as Report
from ros_probe import commanded, wait_until


@pytest.fixture(scope="module")
def node(start_shared_node):
    return start_shared_node(
        module="obedient_node", cameras="[front,left]", left__priority=5, deadline_ms=5000.0
    ).wait_active()


def test_the_camera_of_lower_priority_is_assessed_only_and_says_so(node, make_probe):
    front, left = make_probe("front").wait_connected(), make_probe("left").wait_connected()
    sent: dict[int, object] = {}

    def restored() -> list:
        return [r for r in left.reports if r.action == Report.ACTION_RESTORED]

    end_s = time.monotonic() + 60  # on an idle machine 5 are enough
    started_s = time.monotonic()
    # 0.1 s of work for each of some 30 frames a second
    while time.monotonic() < started_s + 5 or (len(restored()) < 10 and time.monotonic() < end_s):
        for probe in (front, left):
            message = commanded(Command.NEAR_DEADLINE)
            sent[probe.publish(message)] = message
        time.sleep(0.06)
    wait_until(
        lambda: [r for r in front.reports if r.reason == Report.REASON_OVERLOAD], what="a shed frame of front"
    )
    shed = [r for r in front.reports if r.reason == Report.REASON_OVERLOAD]
    assert all(r.action == Report.ACTION_PASSED_THROUGH for r in shed)
    assert all(r.blur_probability > 0.9 for r in shed), "still assessed"
    for report in shed[:5]:
        stamp = report.header.stamp.sec
        (image,) = wait_until(lambda s=stamp: front.images_of(s), what="its image")
        assert image == sent[stamp]
    assert not [r for r in left.reports if r.reason == Report.REASON_OVERLOAD]
    assert len(restored()) >= 10

    def comes_back() -> bool:
        time.sleep(0.3)
        left.publish(commanded(Command.RESTORE))
        return front.exchange(commanded(Command.RESTORE))[1].action == Report.ACTION_RESTORED

    wait_until(comes_back, timeout_s=60, what="restoration of front once there is time")
