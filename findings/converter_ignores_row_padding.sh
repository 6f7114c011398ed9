#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags-image shears a sensor_msgs/Image whose rows are padded: it does not look at step.
#
# Versions:  rosbags-image 0.10.4, rosbags 0.11.9, numpy 2.4.6. (Debian 12's cv_bridge 1.16.2 gives the same pixels.)
# Guess:     a converter from Image to an array skips the bytes between width * 3 and step.
# Seen:      rgb8, 5 x 2 pixels, step 16 and step 18: row 1 begins with the padding of row 0; no error, the right shape.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  rosbags-image==0.10.4 rosbags==0.11.9 opencv-python-headless==4.14.0.94 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import numpy as np
from rosbags.image import message_to_cvimage
from rosbags.typesys import Stores, get_typestore

types = get_typestore(Stores.ROS2_JAZZY).types
header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "camera")
wanted = np.array([[(10 * row, 10 * column, 7) for column in range(5)] for row in range(2)], np.uint8)
for step in (15, 16, 18):
    rows = np.full((2, step), 255, np.uint8)
    rows[:, :15] = wanted.reshape(2, 15)
    got = message_to_cvimage(types["sensor_msgs/msg/Image"](header, 2, 5, "rgb8", 0, step, rows.ravel()))
    print(f"step {step}: row 1 is {got[1].tolist()}")
    assert got.shape == wanted.shape
    assert np.array_equal(got, wanted) == (step == 15)
    assert step == 15 or got[1, 0, 0] == 255
P
