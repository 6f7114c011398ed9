#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags-image returns other shapes and types than the encoding that it was asked for.
#
# Versions:  rosbags-image 0.10.4, rosbags 0.11.9, OpenCV 4.14.0.94, numpy 2.4.6.
# Guess:     "bgr8" is uint8 (h, w, 3) and "mono16" is uint16, whatever was in the message; 16-bit PNG stays 16-bit.
# Seen:      a grey JPEG as "bgr8" stays (h, w), and as "mono8" raises cv2.error; mono8 as "mono16" is float64;
#            a 16-bit PNG comes out as uint8.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  rosbags-image==0.10.4 rosbags==0.11.9 opencv-python-headless==4.14.0.94 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import cv2
import numpy as np
from rosbags.image import compressed_image_to_cvimage, message_to_cvimage
from rosbags.typesys import Stores, get_typestore

types = get_typestore(Stores.ROS2_JAZZY).types
header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "camera")


def compressed(suffix, image):
    data = cv2.imencode(suffix, image)[1].ravel()
    return types["sensor_msgs/msg/CompressedImage"](header, suffix[1:].replace("jpg", "jpeg"), data)


grey = compressed(".jpg", np.full((4, 8), 100, np.uint8))
as_bgr8 = compressed_image_to_cvimage(grey, "bgr8")
print(f"grey JPEG as bgr8: {as_bgr8.shape}")
assert as_bgr8.shape == (4, 8)
try:
    compressed_image_to_cvimage(grey, "mono8")
except cv2.error:
    print("grey JPEG as mono8: cv2.error")
else:
    raise SystemExit("a grey JPEG can be had as mono8 now")
deep = compressed_image_to_cvimage(compressed(".png", np.full((4, 8), 40000, np.uint16)))
print(f"16-bit PNG of 40000: {deep.dtype} {deep[0, 0]}")
assert deep.dtype == np.uint8 and deep[0, 0] == 156
mono8 = types["sensor_msgs/msg/Image"](header, 1, 2, "mono8", 0, 2, np.array([200, 255], np.uint8))
mono16 = message_to_cvimage(mono8, "mono16")
print(f"mono8 as mono16: {mono16.dtype} {mono16.tolist()}")
assert mono16.dtype == np.float64 and mono16.tolist() == [[51400.0, 65535.0]]
P
