#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Basler's converter takes YUV 4:2:2 for full range, OpenCV for 16 to 235: the darkest and brightest levels are lost.
#
# Versions:  pypylon 26.9, opencv-python-headless 4.14.0.94, numpy 2.4.6; no camera is needed.
# Guess:     the same bytes have the same colour, up to rounding: black is 16 and white is 235.
# Seen:      grey of 16 and of 235: pypylon gives 16 and 235, OpenCV 0 and 255; all of 0 to 16 is black for OpenCV and
#            all of 235 to 255 white. Red (81, 90, 240) is (238, 14, 14) or (254, 0, 0). Who publishes the camera's YUV
#            as a ROS image, which is decoded by OpenCV, gets more contrast than who lets the maker's converter do it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pypylon==26.9 opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/range.py" <<'P'
import cv2
import numpy as np
from pypylon import pylon


def by_both(y, u, v):
    """RGB of an image of one colour by pypylon and by OpenCV."""
    pixels = np.tile(np.array([y, u, y, v], np.uint8), (4, 4))
    image, converter = pylon.PylonImage(), pylon.ImageFormatConverter()
    image.AttachMemoryView(memoryview(pixels.tobytes()), pylon.PixelType_YUV422_YUYV_Packed, 8, 4, 0)
    converter.OutputPixelFormat = pylon.PixelType_RGB8packed
    basler = converter.Convert(image).GetArray()[0, 0].tolist()
    opencv = cv2.cvtColor(pixels.reshape(4, 8, 2), cv2.COLOR_YUV2RGB_YUYV)[0, 0].tolist()
    print(f"Y, U, V {y, u, v}: pypylon {basler}, OpenCV {opencv}")
    return basler, opencv


for y, opencvs in ((0, 0), (8, 0), (16, 0), (128, 130), (235, 255), (245, 255), (255, 255)):
    assert by_both(y, 128, 128) == ([y] * 3, [opencvs] * 3)
basler, opencv = by_both(81, 90, 240)
assert np.abs(np.subtract(basler, (238, 14, 14))).max() <= 1 and np.abs(np.subtract(opencv, (254, 0, 0))).max() <= 1
P
"$work/venv/bin/python" "$work/range.py"
