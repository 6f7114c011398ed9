#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An exception in on_configure() of a lifecycle node in Python is neither logged nor final.
#
# Versions:  ros-jazzy-rclpy 7.1.6.
# Guess:     the exception is logged with its traceback, for nobody else can tell why, and the node ends finalized: an error
#            that no on_error() of one's own has handled.
# Seen:      nothing is written, to stdout, stderr or the log; trigger_configure() returns ERROR; the state is unconfigured
#            again, for on_error() succeeds by itself; configuring once more, without the fault, leads to inactive. The
#            same in on_activate(): what was inactive is unconfigured.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3
cat > "$work/configure.py" <<'P'
import sys

import rclpy
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn


class Camera(LifecycleNode):
    fault = ""

    def on_configure(self, state):
        if self.fault == "configure":
            raise ValueError("no such engine")
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state):
        if self.fault == "activate":
            raise ValueError("no such camera")
        return super().on_activate(state)


rclpy.init()
camera = Camera("camera")
seen = []
for fault, transition in (("configure", "configure"), ("", "configure"), ("activate", "activate"), ("", "configure")):
    camera.fault = fault
    result = getattr(camera, f"trigger_{transition}")()
    seen.append(f"{transition}{', which raises' if fault else ''}: {result.name}, {camera._state_machine.current_state[1]}")
camera.destroy_node()
rclpy.shutdown()
with open(sys.argv[1], "w") as file:
    print(*seen, sep="\n", file=file)
P
cat > "$work/expected" <<'T'
configure, which raises: ERROR, unconfigured
configure: SUCCESS, inactive
activate, which raises: ERROR, unconfigured
configure: SUCCESS, inactive
T
export ROS_LOG_DIR="$work/log" ROS_AUTOMATIC_DISCOVERY_RANGE=OFF
mkdir "$work/log"
"$work/venv/bin/python" "$work/configure.py" "$work/seen" > "$work/written" 2>&1 || { cat "$work/written"; exit 1; }
cat "$work/seen"
cmp "$work/expected" "$work/seen"
! grep -r "no such" "$work/written" "$work/log"
