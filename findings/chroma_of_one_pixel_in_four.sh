#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's conversion to 4:2:0 takes the colour of one pixel in four and does not look at the other three.
#
# Versions:  opencv-python-headless 4.14.0.94, numpy 2.4.6; av 18.1.0 for comparison.
# Guess:     I420's chroma is the mean of two by two pixels, as that of OpenCV's own UYVY is the mean of two.
# Seen:      one red pixel of four on white: at the upper left all of I420 has the colour of red, anywhere else none
#            has it; PyAV has a quarter of it each time. Columns of red and white by turns: Cr of UYVY is half way
#            both times, of I420 all or nothing. A thin red line or a far tail light doubles or vanishes by its place,
#            and NV12 or I420 images made this way are not what a camera gives.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 av==18.1.0 numpy==2.4.6
cat > "$work/chroma.py" <<'P'
import av
import cv2
import numpy as np


def red_chroma(rows, columns):
    """Cr of OpenCV's I420, its UYVY, and PyAV's yuv420p, amid an image of white and red; 240 is red, 128 white."""
    image = np.full((64, 64, 3), 255, np.uint8)
    image[rows, columns] = 255, 0, 0
    i420 = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).ravel()[64 * 64 + 32 * 32 :].reshape(32, 32)
    uyvy = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_UYVY)[:, 1::2, 0]
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    pyav = np.frombuffer(frame.planes[2], np.uint8).reshape(32, -1)
    seen = [int(plane[16, 16]) for plane in (i420, uyvy, pyav)]
    print(f"red at {rows}, {columns}: Cr of OpenCV's I420 {seen[0]}, of its UYVY {seen[1]}, of PyAV {seen[2]}")
    return seen


for row in (0, 1):
    for column in (0, 1):
        i420, _, pyav = red_chroma(slice(row, None, 2), slice(column, None, 2))
        assert i420 == (240 if row == column == 0 else 128)
        assert 145 < pyav < 170
for column in (0, 1):
    i420, uyvy, pyav = red_chroma(slice(None), slice(column, None, 2))
    assert i420 == (240, 128)[column] and uyvy == 184 and 175 < pyav < 195
P
"$work/venv/bin/python" "$work/chroma.py"
