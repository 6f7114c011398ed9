# SPDX-License-Identifier: Apache-2.0
"""A worker that is late or hangs: the source frames go out all the same, each once, in order."""

import math
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from obedient_node import Command
from restoregan_ros.msg import RestorationReport as Report
from ros_probe import commanded, wait_until

from restoregan_ros.watchdog import EXIT_HUNG

CAMERAS = "[front,left,right]"


@pytest.fixture(scope="module")
def node(start_shared_node):
    return start_shared_node(
        module="obedient_node", cameras=CAMERAS, deadline_ms=100.0, shed_load=False
    ).wait_active()


@pytest.fixture(scope="module")
def front(node, make_shared_probe):
    return make_shared_probe("front").wait_connected()


def test_missed_deadline_publishes_the_source_and_the_late_result_is_dropped(front):
    sent = commanded(Command.SLOW)
    image, report = front.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_DEADLINE)
    assert report.latency_ms >= 100
    time.sleep(0.6)  # by now the late result is there
    assert len(front.images_of(report.header.stamp.sec)) == 1
    assert len(front.reports_of(report.header.stamp.sec)) == 1
    assert front.exchange(commanded(Command.RESTORE))[1].action == Report.ACTION_RESTORED


def test_frames_of_all_cameras_flow_while_the_worker_is_late(front, make_probe):
    left = make_probe("left").wait_connected()
    front.publish(commanded(Command.SLOW))
    time.sleep(0.2)  # the deadline is missed, the worker is not yet back
    sent = commanded(Command.RESTORE)
    image, report = left.exchange(sent)
    assert image == sent
    assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_DEADLINE)
    wait_until(
        lambda: left.exchange(commanded(Command.RESTORE))[1].action == Report.ACTION_RESTORED,
        what="a restored frame once the worker is back",
    )


def test_race_of_worker_and_watchdog_gives_one_image_and_one_report_in_order(front):
    del front.images[:], front.reports[:]
    sent = []
    for _ in range(40):
        sent.append(front.publish(commanded(Command.NEAR_DEADLINE)))  # comes back at 80 to 120 ms of 100
        time.sleep(0.13)
    wait_until(lambda: front.reports_of(sent[-1]) and front.images_of(sent[-1]), what="the last frame")
    assert [m.header for m in front.images] == [m.header for m in front.reports]
    stamps = [m.header.stamp.sec for m in front.images]
    assert stamps == sorted(set(stamps))
    assert {m.action for m in front.reports} <= {Report.ACTION_RESTORED, Report.ACTION_FAILED_OPEN}


def test_an_image_does_not_wait_for_its_own_judgement_nor_its_report_beyond_the_deadline(front):
    reports = []

    def was_in_time() -> bool:
        image, report = front.exchange(commanded(Command.JUDGE_SLOWLY))
        reports.append(report)
        return report.action == Report.ACTION_RESTORED and image is not None

    wait_until(was_in_time, what="a restored frame")
    time.sleep(0.6)  # by now it is judged
    assert len(front.reports_of(reports[-1].header.stamp.sec)) == 1
    assert reports[-1].latency_ms < 100
    assert reports[-1].blur_probability == pytest.approx(0.95)
    assert math.isnan(reports[-1].residual_blur_probability), "judged too late"


def test_three_cameras_share_one_network(front, make_probe):
    probes = [front, make_probe("left").wait_connected(), make_probe("right").wait_connected()]
    sent: dict = {probe: [] for probe in probes}

    def restored(probe) -> list:
        reports = [r for sec in sent[probe] for r in probe.reports_of(sec)]
        return [r for r in reports if r.action == Report.ACTION_RESTORED]

    end_s = time.monotonic() + 60  # on an idle machine 30 frames are enough
    while len(sent[front]) < 30 or (
        min(len(restored(probe)) for probe in probes) < 10 and time.monotonic() < end_s
    ):
        for probe in probes:
            sent[probe].append(probe.publish(commanded(Command.RESTORE, value=len(sent[probe]) % 30)))
        time.sleep(0.05)
    for probe in probes:
        wait_until(lambda p=probe: p.reports_of(sent[p][-1]), what="the last report")
        assert all(len(probe.reports_of(sec)) <= 1 for sec in sent[probe])
        assert len(restored(probe)) >= 10, "each camera gets its turns"


@pytest.mark.parametrize("command", [Command.HANG, Command.HANG_WITH_LOCK])
def test_hang_lets_sources_flow_for_all_cameras_and_then_ends_the_process(start_node, make_probe, command):
    space = f"hang{int(command)}"
    node = start_node(
        module="obedient_node", namespace=space, cameras=CAMERAS, deadline_ms=100.0, hang_timeout_s=2.5
    ).wait_active()
    probes = [make_probe(camera, namespace=space).wait_connected() for camera in ("front", "left")]
    probes[0].publish(commanded(command))
    if command == Command.HANG:
        time.sleep(0.3)
        for _ in range(3):
            for probe in probes:
                sent = commanded(Command.RESTORE)
                image, report = probe.exchange(sent)
                assert image == sent
                assert (report.action, report.reason) == (Report.ACTION_FAILED_OPEN, Report.REASON_DEADLINE)
                assert report.latency_ms < 100, "served as it comes"
        assert node.wait_exit() == EXIT_HUNG
        assert "the worker hangs" in node.log
    else:  # nothing of Python runs any more; the last resort is written in C
        assert node.wait_exit() != 0
    assert "Thread" in node.log, "where it hung stands in the log"


@contextmanager
def first_cpu_taken() -> Iterator[None]:
    """Of its time, a thread of lowest priority gets a sixtieth."""
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(flush=True)\nwhile 1: pass"
    )
    hog = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert hog.stdout is not None
    hog.stdout.readline()
    try:
        yield
    finally:
        hog.kill()
        hog.wait()


def test_a_worker_that_gets_no_cpu_does_not_hang(start_node, make_probe):
    """Starting again would take a machine that is that busy a minute, without an image of any camera."""
    node = start_node(module="obedient_node", deadline_ms=100.0, hang_timeout_s=3.0).wait_active()
    probe = make_probe().wait_connected()
    with first_cpu_taken():
        probe.publish(commanded(Command.COMPUTE))
        node.wait_for_log("this machine has too much to do")
        sent = commanded(Command.RESTORE)
        assert probe.exchange(sent)[0] == sent
    wait_until(
        lambda: probe.exchange(commanded(Command.RESTORE))[1].action == Report.ACTION_RESTORED,
        what="the worker's return",
    )


def test_what_a_worker_waits_for_a_cpu_before_its_deadline_counts_too(start_node, make_probe):
    """Each time that the log tells of it: how long the worker was away, and how much of that it waited."""
    deadline_s = 2.5
    node = start_node(
        module="obedient_node", deadline_ms=deadline_s * 1e3, hang_timeout_s=3.0, namespace="early"
    ).wait_active()
    probe = make_probe(namespace="early").wait_connected()
    told = r"has been away for ([\d.]+) s, but waits for a CPU, or did for ([\d.]+) s of it"

    def has_waited_before() -> bool:
        return any(
            float(waited) > float(away) - deadline_s + 0.2 for away, waited in re.findall(told, node.log)
        )

    with first_cpu_taken():
        probe.publish(commanded(Command.COMPUTE))
        wait_until(has_waited_before, what="a wait from before the deadline")
    assert node.is_running()
