#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An int given to a float64 field of a ROS 2 message is serialised as 5e-324.
#
# Versions:  ros-rclpy 7.1.6 with ros-sensor-msgs 5.3.6 (Jazzy), numpy 2.4.6; Kilted's (9.1.2, 5.5.1) does the same.
# Guess:     Temperature.temperature = 21 raises when it is assigned, or is written as 21.0.
# Seen:      nothing raises, and 5e-324 comes back; np.float32(21.5) comes back as 5.4e-315, np.float64(21.5) right.
#            An integer field behaves the other way round: np.int64(720) raises SystemError when serialised
#            (naming another field), and 2**33 becomes 0.
#            ROS_PYTHON_CHECK_FIELDS=1 turns the first into an AssertionError at the assignment.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ros-jazzy-rclpy==7.1.6 ros-jazzy-rmw-fastrtps-cpp==8.4.3 ros-jazzy-sensor-msgs==5.3.6 numpy==2.4.6
cat > "$work/fill.py" <<'P'
import sys

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Temperature


def there_and_back(message_class, field, value):
    message = message_class()
    setattr(message, field, value)
    return getattr(deserialize_message(serialize_message(message), message_class), field)


if sys.argv[1] == "checked":
    try:
        there_and_back(Temperature, "temperature", 21)
    except AssertionError:
        print("checked: AssertionError")
        sys.exit()
    sys.exit("ROS_PYTHON_CHECK_FIELDS=1 no longer refuses an int")

for value in (21, True, np.float32(21.5), np.float64(21.5)):
    print(f"temperature = {value!r}: {there_and_back(Temperature, 'temperature', value)!r}")
assert there_and_back(Temperature, "temperature", 21) == 5e-324
assert there_and_back(Temperature, "temperature", True) == 5e-324
assert 0 < there_and_back(Temperature, "temperature", np.float32(21.5)) < 1e-300
assert there_and_back(Temperature, "temperature", np.float64(21.5)) == 21.5
assert there_and_back(CameraInfo, "height", 2**33) == 0
try:
    there_and_back(CameraInfo, "height", np.int64(720))
except SystemError as error:
    print(f"height = np.int64(720): SystemError: {error}")
else:
    sys.exit("np.int64 is serialised now")
P
"$work/venv/bin/python" "$work/fill.py" plain
ROS_PYTHON_CHECK_FIELDS=1 "$work/venv/bin/python" "$work/fill.py" checked
