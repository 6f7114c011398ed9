# SPDX-License-Identifier: Apache-2.0
"""Parameters of the node's own object: what is refused leaves no trace, what it does not have is named."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from obedient_node import open_pipeline
from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from restoregan_ros.ignored_parameters import ignored_parameters
from restoregan_ros.restore_node import RestoreNode

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "restore.param.yaml"


class Composed(RestoreNode):
    """A node of several parts, of which another one has the last word on parameters."""

    refuses = False

    def add_on_set_parameters_callback(self, callback) -> None:
        if callback == self._check_parameters:  # each new callback is called before those that are there
            super().add_on_set_parameters_callback(
                lambda parameters: SetParametersResult(successful=not self.refuses)
            )
        super().add_on_set_parameters_callback(callback)


@pytest.fixture
def node(domain_id: int) -> Iterator[Composed]:
    rclpy.init(domain_id=domain_id)
    node = Composed(open_pipeline)
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


def test_a_change_that_another_callback_refuses_is_not_applied(node):
    node.refuses = True
    assert not node.set_parameters([Parameter("deadline_ms", value=250.0)])[0].successful
    assert node.settings().node.deadline_ms == node.get_parameter("deadline_ms").value == 100.0


def test_a_change_that_is_accepted_is_in_force_at_once(node):
    assert node.set_parameters([Parameter("deadline_ms", value=250.0)])[0].successful
    assert node.settings().node.deadline_ms == node.get_parameter("deadline_ms").value == 250.0


@pytest.fixture
def start_with(domain_id: int) -> Iterator[Callable[..., RestoreNode]]:
    """Gives a function that makes a node with ROS arguments, as a command line has them."""
    made: list[RestoreNode] = []

    def start(*arguments: str) -> RestoreNode:
        rclpy.init(args=["--ros-args", *arguments], domain_id=domain_id)
        made.append(RestoreNode(open_pipeline))
        return made[-1]

    yield start
    for node in made:
        node.destroy_node()
    rclpy.try_shutdown()


def test_parameters_that_the_node_does_not_have_are_named_with_the_nearest_that_it_has(start_with, capfd):
    node = start_with(
        *("-p", "cameras:=[front, stereo/left]", "-p", "steady_share:=0.5"),
        *("-p", "deadline:=50.0", "-p", "frnt.priority:=2", "-p", "stereo/left.enabled:=false"),
    )
    line = ignored_parameters(node)
    assert line.partition(": ")[2].split(", ") == [
        "deadline (did you mean deadline_ms?)",
        "frnt.priority (did you mean front.priority?)",
        "steady_share",
        "stereo/left.enabled (did you mean stereo.left.enabled?)",
    ]
    assert line in capfd.readouterr().err


def test_our_own_file_and_what_ros_itself_takes_are_not_named(start_with):
    node = start_with(
        *("--params-file", str(SHIPPED), "-p", "cameras:=[front]", "-p", "use_sim_time:=true"),
        *("-p", "qos_overrides./front/image_raw.subscription.reliability:=reliable"),
    )
    assert ignored_parameters(node) == ""
