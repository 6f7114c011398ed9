#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A callback group of rclpy keeps two references for each publisher or subscription that was ever destroyed.
#
# Versions:  ros-jazzy-rclpy 7.1.6, ros-kilted-rclpy 9.1.2, both with rmw-fastrtps-cpp.
# Guess:     a group holds weak references so that it need not be told when something ends; those that lead nowhere
#            are dropped, as a WeakSet does.
# Seen:      they are in a plain set, from which nothing is removed. A publisher and a subscription add one reference
#            for each kind of event that they tell of; after 1000 publishers that were destroyed the node's default
#            group holds 2000 dead references, which take a quarter of a megabyte.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/cycles.py" <<'P'
import gc
import os
import sys

import rclpy
from rcl_interfaces.msg import ParameterEvent

CYCLES = 1000
rclpy.init(domain_id=77)
node = rclpy.create_node("node")
for _ in range(CYCLES):
    node.destroy_publisher(node.create_publisher(ParameterEvent, "topic", 1))
gc.collect()
known = node.default_callback_group.entities
dead = sum(entity() is None for entity in known)
print(f"{CYCLES} publishers made and destroyed: {dead} dead references of {len(known)}, a {type(known).__name__}")
sys.stdout.flush()
os._exit(0 if dead >= 2 * CYCLES else 1)
P
status=0
install_and_run() { # distribution, rclpy, rmw
  python3.11 -m venv "$work/$1"
  "$work/$1/bin/pip" install --quiet --disable-pip-version-check \
    "ros-$1-rclpy==$2" "ros-$1-rmw-fastrtps-cpp==$3" numpy==2.4.6
  echo -n "$1: "
  ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST "$work/$1/bin/python" "$work/cycles.py" || status=1
}
install_and_run jazzy 7.1.6 8.4.3
install_and_run kilted 9.1.2 9.3.3
exit $status
