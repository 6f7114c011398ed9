# SPDX-License-Identifier: Apache-2.0
"""The tests' own driver and detector: a machine under load makes them wait, not fail."""

import threading

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from restoregan_ros.msg import RestorationReport
from sensor_msgs.msg import Image


@pytest.fixture
def slow_node(context):
    """Answers every frame, each after 0.7 s."""
    node = Node("slow", context=context, namespace="slow", use_global_arguments=False)
    images = node.create_publisher(Image, "camera/restored/image_raw", 10)
    reports = node.create_publisher(RestorationReport, "camera/restored/report", 10)

    def answer(sent: Image) -> None:
        images.publish(sent)
        reports.publish(RestorationReport(header=sent.header))

    node.create_subscription(
        Image, "camera/image_raw", lambda sent: threading.Timer(0.7, answer, [sent]).start(), 10
    )
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown()
    thread.join()
    node.destroy_node()


def test_a_node_that_takes_longer_than_expected_for_every_answer_is_waited_for(slow_node, make_probe):
    probe = make_probe(namespace="slow").wait_connected()
    assert not probe.reports, "no late answer is left to come"
