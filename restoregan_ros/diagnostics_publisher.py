# SPDX-License-Identifier: Apache-2.0
"""Publishes the node's diagnostics once a second: by diagnostic_updater where it is installed, else by itself."""

from collections.abc import Callable
from importlib.util import find_spec

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

PERIOD_S = 1.0


class DiagnosticsPublisher:
    """Asks for the statuses and publishes them on /diagnostics, in steady time: a paused clock silences no node.

    Args:
        node: its full name, without the first slash, comes before each status's own name, so that the nodes of
            several namespaces can be told apart; its clock stamps the message.
        statuses: what there is to say now.
    """

    def __init__(self, node: Node, statuses: Callable[[], list[DiagnosticStatus]]) -> None:
        self._node = node
        self._statuses = statuses
        self._updater = _installed_updater(node) or _OwnUpdater(node)
        self._updater.node_name = node.get_fully_qualified_name().lstrip("/")
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(self._updater.period, self._publish, clock=steady)

    def is_wanted(self) -> bool:
        """Whether anybody subscribes to /diagnostics."""
        return self._updater.publisher.get_subscription_count() > 0

    def _publish(self) -> None:
        try:
            self._updater.publish(self._statuses())
        except Exception as error:
            self._node.get_logger().error(
                f"diagnostics: {type(error).__name__}: {error}", throttle_duration_sec=5.0
            )


class _OwnUpdater:
    """What is used of ``diagnostic_updater.Updater``."""

    def __init__(self, node: Node) -> None:
        self.node_name = ""
        self.period = PERIOD_S
        self.publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._clock = node.get_clock()

    def publish(self, statuses: list[DiagnosticStatus]) -> None:
        for status in statuses:
            status.name = f"{self.node_name}: {status.name}"
        array = DiagnosticArray(status=statuses)
        array.header.stamp = self._clock.now().to_msg()
        self.publisher.publish(array)


def _installed_updater(node: Node):  # type: ignore[no-untyped-def]  # of an optional package
    """diagnostic_updater's without its timer, which keeps to the node's clock; None where it is not installed.

    It declares the parameter ``diagnostic_updater.period``.
    """
    if find_spec("diagnostic_updater") is None:
        return None
    from diagnostic_updater import Updater

    updater = Updater(node, PERIOD_S)
    node.destroy_timer(updater.timer)
    if hasattr(updater, "node_name"):
        return updater
    # Humble's knows neither namespaces nor simulated time.
    node.destroy_publisher(updater.publisher)
    return None
