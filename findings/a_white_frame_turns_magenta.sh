#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# depthai's ImgFrame.setCvFrame stores BGR as it is in a frame of YUV422i: white comes back as magenta.
#
# Versions:  depthai 3.12.0, numpy 2.4.6, opencv-python-headless 5.0.0.93; no camera is needed.
# Guess:     it converts to the frame's type, as it does for NV12, YUV420p, GRAY8 and the planar ones, or refuses.
# Seen:      the frame holds the first two thirds of the BGR bytes. getCvFrame then reads them as YUYV: white
#            is (255, 125, 255), and red becomes stripes of five colours. YUYV bytes that a camera sends
#            are read right. RAW10 and RAW16 get the levels of 8 bits, 255 for white.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  depthai==3.12.0 numpy==2.4.6 opencv-python-headless==5.0.0.93
cat > "$work/white.py" <<'P'
import depthai
import numpy as np

Type = depthai.ImgFrame.Type


def there_and_back(colour, name):
    """The colours of a row after setCvFrame and getCvFrame, and the frame's first bytes."""
    image = np.empty((64, 64, 3), np.uint8)
    image[:] = colour
    frame = depthai.ImgFrame()
    frame.setCvFrame(image, getattr(Type, name))
    row = frame.getCvFrame()[5].reshape(64, -1)
    return np.unique(row, axis=0).tolist(), np.array(frame.getData())[:6].tolist()


white, red = (255, 255, 255), (0, 0, 255)
for colour, name, expected in (
    (white, "NV12", [[255, 255, 255]]),
    (red, "NV12", [[0, 1, 255]]),
    (white, "YUV422i", [[255, 125, 255]]),
    (white, "RAW10", [[255]]),
    (white, "RAW16", [[255]]),
):
    seen, stored = there_and_back(colour, name)
    print(f"{colour} by {name}: {seen}, stored as {stored}")
    assert seen == expected
seen, stored = there_and_back(red, "YUV422i")
print(f"{red} by YUV422i: {seen}, stored as {stored}")
assert stored == [0, 0, 255, 0, 0, 255] and len(seen) == 5
frame = depthai.ImgFrame()
frame.setType(Type.YUV422i)
frame.setWidth(64)
frame.setHeight(64)
frame.setData(np.tile(np.array([235, 128, 235, 128], np.uint8), 64 * 32))
print(f"white of a camera: {frame.getCvFrame()[5, 4].tolist()}")
assert frame.getCvFrame()[5, 4].tolist() == [255, 255, 255]
P
"$work/venv/bin/python" "$work/white.py"
