# SPDX-License-Identifier: Apache-2.0
"""Diagnostics are the same by diagnostic_updater and without it, and an aggregator finds a place for each."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from ros_probe import wait_until

from restoregan_ros import diagnostics
from restoregan_ros.diagnostics_publisher import DiagnosticsPublisher
from restoregan_ros.parameters import NodeSettings
from restoregan_ros.stream_statistics import StreamStatistics

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["our own", "diagnostic_updater"])
def updater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "our own":
        monkeypatch.setitem(sys.modules, "diagnostic_updater", None)
    else:
        pytest.importorskip("diagnostic_updater", reason="a ROS distribution has it")
    return request.param


def statuses() -> list[DiagnosticStatus]:
    settings = NodeSettings(cameras=["front"])
    return [
        diagnostics.node_status("car/restore_node", "active", "lite", "torch", "restore", False),
        *diagnostics.camera_statuses("front", StreamStatistics().snapshot(), settings, 0),
    ]


@pytest.fixture
def node(context: rclpy.Context) -> Iterator[Node]:
    """On a simulated clock that stands still."""
    simulated = rclpy.parameter.Parameter("use_sim_time", value=True)
    node = Node("restore_node", namespace="car", context=context, parameter_overrides=[simulated])
    yield node
    node.destroy_node()


@pytest.fixture
def received(node: Node, context: rclpy.Context) -> Iterator[Callable[[int], list[DiagnosticArray]]]:
    """Gives a function that waits until so many messages have come, by the same node."""
    messages: list[DiagnosticArray] = []
    node.create_subscription(DiagnosticArray, "/diagnostics", messages.append, 10)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def wait_for(count: int) -> list[DiagnosticArray]:
        def have_come() -> bool:
            executor.spin_once(timeout_sec=0.1)
            return len(messages) >= count

        wait_until(have_come, what=f"{count} messages")
        return messages

    yield wait_for
    executor.shutdown()


def test_names_carry_the_namespace_and_hardware_is_the_camera_or_the_node(
    updater: str, node: Node, received: Callable[[int], list[DiagnosticArray]]
) -> None:
    publisher = DiagnosticsPublisher(node, statuses)
    message = received(1)[0]
    assert publisher.is_wanted()
    named = {status.name: status.hardware_id for status in message.status}
    assert named == {
        "car/restore_node: network": "car/restore_node",
        "car/restore_node: front stream": "front",
        "car/restore_node: front blur": "front",
        "car/restore_node: front rain": "front",
    }
    expected = statuses()
    assert [(s.level, s.message, s.values) for s in message.status] == [
        (s.level, s.message, s.values) for s in expected
    ]


def test_a_clock_that_stands_still_silences_nothing_and_stamps_what_is_said(
    updater: str, node: Node, received: Callable[[int], list[DiagnosticArray]]
) -> None:
    started_s = time.monotonic()
    DiagnosticsPublisher(node, statuses)
    assert {message.header.stamp.sec for message in received(2)} == {0}
    assert time.monotonic() - started_s > 1.5, "once a second"


def test_a_fault_while_something_is_said_is_logged_and_the_next_is_said(
    updater: str, node: Node, received: Callable[[int], list[DiagnosticArray]]
) -> None:
    answers: Iterator[list[DiagnosticStatus]] = iter([statuses()])

    def fail_first() -> list[DiagnosticStatus]:
        if not failed:
            failed.append(True)
            raise RuntimeError("no snapshot")
        return next(answers)

    failed: list[bool] = []
    DiagnosticsPublisher(node, fail_first)
    received(1)
    assert failed


def test_the_aggregators_file_has_one_place_for_each_status_and_for_no_other_nodes() -> None:
    file = yaml.safe_load((ROOT / "config" / "diagnostic_aggregator.yaml").read_text())
    group = file["analyzers"]["ros__parameters"]["restoration"]["analyzers"].values()

    def places(name: str) -> list[str]:
        return [a["path"] for a in group if any(re.fullmatch(pattern, name) for pattern in a["regex"])]

    for prefix in ("restore_node", "car/near/restore_node"):
        found = [places(f"{prefix}: {status.name}") for status in statuses()]
        assert found == [["Network"], ["Streams"], ["Blur"], ["Rain"]]
    assert places("camera_driver: front stream") == []
