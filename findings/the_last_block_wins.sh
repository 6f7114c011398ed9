#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# In a ROS 2 parameter file the last block that fits a node wins, not the one that names it best.
#
# Versions:  ros-jazzy-rclpy 7.1.6.
# Guess:     the block of a node's full name goes before a wildcard's, wherever the two stand in the file: ROS 2's own
#            guides write the wildcard last, as what all nodes have in common.
# Seen:      /car/node's own value where its block comes last; that of /** or /*/node where one of these comes after
#            it. The key "node" without its namespace fits nothing, "car/node" without a slash does; a name twice: the
#            second one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3
cat > "$work/order.py" <<'P'
import itertools
import sys

import rclpy


def mode(*keys):
    """What /car/node reads from a file whose blocks each set ``mode`` to their own key, and to their number."""
    with open(sys.argv[1], "w") as file:
        for number, key in enumerate(keys):
            file.write(f'"{key}":\n  ros__parameters:\n    mode: "{key} {number}"\n')
    rclpy.init(args=["--ros-args", "--params-file", sys.argv[1]])
    node = rclpy.create_node("node", namespace="/car", automatically_declare_parameters_from_overrides=True)
    value = node.get_parameter_or("mode").value
    node.destroy_node()
    rclpy.shutdown()
    print(f"{keys}: {value}")
    return value


for keys in itertools.permutations(["/**", "/car/node", "/*/node"]):
    assert mode(*keys) == f"{keys[-1]} 2"
assert mode("node") is None
assert mode("car/node") == "car/node 0"
assert mode("/car/node", "/car/node") == "/car/node 1"
P
ROS_AUTOMATIC_DISCOVERY_RANGE=OFF "$work/venv/bin/python" "$work/order.py" "$work/parameters.yaml"
