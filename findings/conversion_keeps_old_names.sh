#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags-convert writes ROS 2 bags whose CameraInfo still has the names of ROS 1, K and D, and the hash of no ROS 2.
#
# Versions:  rosbags 0.11.9, mcap-ros2-support 0.6.0, mcap 1.6.0, numpy 2.4.6.
# Guess:     a bag that is converted to ROS 2 has ROS 2's messages: seq leaves the header, as it does, and K becomes k.
# Seen:      seq is gone, but the definition says "float64[9] K": rosbags reads a message with K and no k, and
#            mcap-ros2-support refuses the topic, as that is not a field name in ROS 2. The type hash is not that of
#            sensor_msgs/msg/CameraInfo. With --dst-typestore ros2_jazzy all is as in ROS 2; without it the conversion
#            does not say a word.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  rosbags==0.11.9 mcap-ros2-support==0.6.0 mcap==1.6.0 numpy==2.4.6
cat > "$work/write.py" <<'P'
import sys

import numpy as np
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS1_NOETIC)
types = store.types
header = types["std_msgs/msg/Header"](7, types["builtin_interfaces/msg/Time"](1, 2), "camera")
region = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
info = types["sensor_msgs/msg/CameraInfo"](
    header, 480, 640, "plumb_bob", np.zeros(5), np.arange(9.0), np.zeros(9), np.zeros(12), 0, 0, region
)
with Writer(sys.argv[1]) as writer:
    connection = writer.add_connection("/camera_info", info.__msgtype__, typestore=store)
    writer.write(connection, 1, store.serialize_ros1(info, info.__msgtype__))
P
cat > "$work/read.py" <<'P'
import sys
from pathlib import Path

from mcap_ros2.reader import read_ros2_messages
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

folder, is_right = Path(sys.argv[1]), sys.argv[2] == "right"
jazzy = get_typestore(Stores.ROS2_JAZZY)
with AnyReader([folder]) as reader:
    ((connection, _, data),) = reader.messages()
    info = reader.deserialize(data, connection.msgtype)
is_known = connection.digest == jazzy.hash_rihs01("sensor_msgs/msg/CameraInfo")
print(f"{folder.name}: k {hasattr(info, 'k')}, K {hasattr(info, 'K')}, hash as in ROS 2 {is_known}")
assert hasattr(info, "k") == is_right and hasattr(info, "K") == (not is_right)
assert not hasattr(info.header, "seq") and info.header.frame_id == "camera"
assert is_known == is_right
(file,) = folder.glob("*.mcap")
try:
    (message,) = read_ros2_messages(str(file), topics=["/camera_info"])
except NameError as error:
    print(f"mcap-ros2-support: {error}")
    assert not is_right
else:
    assert is_right and list(message.ros_msg.k) == list(range(9))
P
"$work/venv/bin/python" "$work/write.py" "$work/drive.bag"
"$work/venv/bin/rosbags-convert" --src "$work/drive.bag" --dst "$work/copied" --dst-storage mcap
"$work/venv/bin/python" "$work/read.py" "$work/copied" wrong
"$work/venv/bin/rosbags-convert" --src "$work/drive.bag" --dst "$work/jazzy" --dst-storage mcap \
  --dst-typestore ros2_jazzy
"$work/venv/bin/python" "$work/read.py" "$work/jazzy" right
