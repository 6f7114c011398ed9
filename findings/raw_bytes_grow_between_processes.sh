#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A raw subscription gets the published bytes in the same process, and more of them in another process.
#
# Versions:  ros-rclpy 7.1.6, ros-rmw-fastrtps-cpp 8.4.3, ros-std-msgs 5.3.6 (Jazzy), default transports.
# Guess:     the same bytes in both.
# Seen:      std_msgs/String of 0 to 7 letters: equal in the same process; in another one filled with zeros up to the
#            next multiple of four. Digests of recorded messages depend on where the recorder runs.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3 ros-jazzy-std-msgs==5.3.6
cat > "$work/raw.py" <<'P'
import subprocess
import sys
import time

import rclpy
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from rclpy.serialization import serialize_message
from std_msgs.msg import String

latched = QoSProfile(depth=20, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
sent = [serialize_message(String(data="a" * letters)) for letters in range(8)]
got, is_child = [], len(sys.argv) > 1
rclpy.init()
node = rclpy.create_node("child" if is_child else "parent")
node.create_subscription(String, "/raw_text", lambda raw: got.append(bytes(raw)), latched, raw=True)
if not is_child:
    publisher = node.create_publisher(String, "/raw_text", latched)
    child = subprocess.Popen([sys.executable, __file__, "child"])
    while publisher.get_subscription_count() < 2:
        rclpy.spin_once(node, timeout_sec=0.1)
    for message in sent:
        publisher.publish(message)
end = time.monotonic() + 30
while len(got) < len(sent) and time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.1)
filled = [message + bytes(-len(message) % 4) for message in sent]
print("other process:" if is_child else "same process:", [len(g) - len(s) for s, g in zip(sent, got)], "bytes more", flush=True)
assert got == (filled if is_child else sent)
if not is_child:
    sys.exit(child.wait(30))
P
ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST ROS_DOMAIN_ID=$((RANDOM % 20 + 80)) "$work/venv/bin/python" "$work/raw.py"
