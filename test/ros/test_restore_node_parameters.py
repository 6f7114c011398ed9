# SPDX-License-Identifier: Apache-2.0
"""Parameters of the node's own object: what is refused leaves no trace."""

from collections.abc import Iterator

import pytest
import rclpy
from obedient_node import open_pipeline
from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from restoregan_ros.restore_node import RestoreNode


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
