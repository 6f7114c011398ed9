#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mcap-ros2-support's writer fills a fixed array that is too short with zeros, cuts one that is too long, and leaves
# out fields whose names it does not know, without an error.
#
# Versions:  mcap-ros2-support 0.6.0, mcap 1.6.0; rosbags 0.11.9 and numpy 2.4.6 for comparison.
# Guess:     a float64[9] with another number of values is an error, as it is in rclpy and rosbags; so is a field that
#            the message does not have.
# Seen:      k of three values is written as those and six zeros, of twelve as the first nine. A CameraInfo with the
#            names of ROS 1, K and D, is a camera of zeros. A width of 1280.9 becomes 1280. A NumPy array, though
#            right, is refused; 300 in a uint8, too.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  mcap-ros2-support==0.6.0 mcap==1.6.0 rosbags==0.11.9 numpy==2.4.6
cat > "$work/arrays.py" <<'P'
import io

import numpy as np
from mcap_ros2.reader import read_ros2_messages
from mcap_ros2.writer import Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

DEFINITION = "uint32 width\nfloat64[] d\nfloat64[9] k\nuint8 flags"
NAME = "example_msgs/msg/Camera"


def there_and_back(fields):
    stream = io.BytesIO()
    writer = Writer(stream)
    writer.write_message("/camera", writer.register_msgdef(NAME, DEFINITION), fields, 1, 1)
    writer.finish()
    stream.seek(0)
    (message,) = (m.ros_msg for m in read_ros2_messages(stream))
    print(f"{fields}: width {message.width}, d {list(message.d)}, k {list(message.k)}")
    return message


def is_refused(write, *arguments):
    try:
        write(*arguments)
    except Exception as error:
        print(f"refused: {type(error).__name__}: {error}")
        return True
    return False


k = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
assert list(there_and_back({"k": k}).k) == k
assert list(there_and_back({"k": k[:3]}).k) == [*k[:3], 0, 0, 0, 0, 0, 0]
assert list(there_and_back({"k": [*k, 10, 11, 12]}).k) == k
with_old_names = there_and_back({"K": k, "D": [0.1], "width": 1280})
assert list(with_old_names.k) == [0] * 9 and list(with_old_names.d) == [] and with_old_names.width == 1280
assert there_and_back({"width": 1280.9}).width == 1280
assert is_refused(there_and_back, {"k": np.array(k)})
assert is_refused(there_and_back, {"flags": 300})

store = get_typestore(Stores.ROS2_JAZZY)
store.register(get_types_from_msg(DEFINITION, NAME))
camera = store.types[NAME](width=1, d=np.zeros(0), k=np.array(k[:3]), flags=0)
assert is_refused(store.serialize_cdr, camera, NAME)
P
"$work/venv/bin/python" "$work/arrays.py"
