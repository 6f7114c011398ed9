# SPDX-License-Identifier: Apache-2.0
"""Answers to lifecycle requests that cannot be granted.

rclpy raises inside its service for a transition that the present state does not allow, so that the caller would
wait for ever. rclcpp answers ``success: false``; so does the node with this.
"""

from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode

_Callback = Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response]


def answer_every_transition(node: LifecycleNode) -> None:
    """Let the node's ``change_state`` service answer ``success: false`` where rclpy raises."""
    for service in node.services:
        if service.srv_type is ChangeState:
            service.callback = _answering(node, service.callback)


def _answering(node: LifecycleNode, change_state: _Callback) -> _Callback:
    def answer(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        try:
            return change_state(request, response)
        except Exception as error:
            wish = request.transition.label or request.transition.id
            node.get_logger().warning(f"transition {wish} was refused: {error}")
            response.success = False
            return response

    return answer
