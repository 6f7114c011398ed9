#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rclpy lifecycle node does not answer change_state for a transition that its state does not allow.
#
# Versions:  ros-jazzy-rclpy 7.1.6, ros-jazzy-rmw-fastrtps-cpp 8.4.3 (Jazzy).
# Guess:     the response says success: false; that is what its one field is for, and what rclcpp's nodes answer.
# Seen:      activate while unconfigured: no response within 5 s, an RCLError in the node's executor. The node that goes on
#            spinning answers configure with success: true.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3 numpy==2.4.6
cat > "$work/ask.py" <<'P'
import os
import sys
import threading

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode

rclpy.init(domain_id=77)
node, asking = LifecycleNode("node"), rclpy.create_node("asking")
client = asking.create_client(ChangeState, "/node/change_state")
serves, asks = SingleThreadedExecutor(), SingleThreadedExecutor()
serves.add_node(node)
asks.add_node(asking)
errors = []


def spin():
    while True:
        try:
            serves.spin_once(timeout_sec=0.1)
        except Exception as error:
            errors.append(type(error).__name__)


def ask(transition):
    future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
    asks.spin_until_future_complete(future, timeout_sec=5)
    return future.result().success if future.done() else "no answer"


threading.Thread(target=spin, daemon=True).start()
assert client.wait_for_service(20)
answers = ask(Transition.TRANSITION_ACTIVATE), ask(Transition.TRANSITION_CONFIGURE)
print(f"activate while unconfigured: {answers[0]} ({', '.join(errors)} in the node); then configure: {answers[1]}")
sys.stdout.flush()
os._exit(0 if answers == ("no answer", True) and errors == ["RCLError"] else 1)
P
ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST "$work/venv/bin/python" "$work/ask.py"
