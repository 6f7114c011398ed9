#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's VideoWriter drops the last row and column of odd sizes, in lossless FFV1 too, and says it opened for them.
#
# Versions:  opencv-python-headless 4.14.0.94, av 18.1.0, numpy 2.4.6.
# Guess:     FFV1 in RGB has no chroma that neighbours share, so an odd size is written as it is, or refused.
# Seen:      63 x 47 becomes 62 x 46 in .mkv (FFV1), .mp4 (mp4v) and .avi (MJPG): isOpened() is True, write() raises nothing.
#            PyAV writes 63 x 47 as FFV1.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 av==18.1.0 numpy==2.4.6
cat > "$work/write.py" <<'P'
import sys

import av
import cv2
import numpy as np

work = sys.argv[1]
frame = np.random.default_rng(0).integers(0, 256, (47, 63, 3), np.uint8)


def size(path):
    with av.open(path) as container:
        shape = next(container.decode(video=0)).to_ndarray(format="rgb24").shape
    return shape[:2]


for suffix, codec in ((".mkv", "FFV1"), (".mp4", "mp4v"), (".avi", "MJPG")):
    path = f"{work}/opencv{suffix}"
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*codec), 25, (63, 47))
    assert writer.isOpened()
    for _ in range(3):
        writer.write(frame)
    writer.release()
    print(f"OpenCV, {codec}: {size(path)} of (47, 63)")
    assert size(path) == (46, 62)

with av.open(f"{work}/pyav.mkv", "w") as container:
    stream = container.add_stream("ffv1", rate=25)
    stream.width, stream.height, stream.pix_fmt = 63, 47, "bgr0"
    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
    container.mux(stream.encode(None))
print(f"PyAV, FFV1: {size(f'{work}/pyav.mkv')}")
assert size(f"{work}/pyav.mkv") == (47, 63)
P
"$work/venv/bin/python" "$work/write.py" "$work"
