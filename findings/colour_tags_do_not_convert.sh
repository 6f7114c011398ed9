#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PyAV writes colours by BT.601 and limited range whatever its stream is tagged with, and reads them by the tag.
#
# Versions:  av 18.1.0, numpy 2.4.6; opencv-python-headless 4.14.0.94 reads the same.
# Guess:     a stream tagged BT.709 or full range is filled with what the tag says: rgb24 frames come back as they
#            were.
# Seen:      red (255, 0, 0) comes back as (255, 23, 0) from a stream tagged BT.709, white as 235 and black as 16 from
#            one tagged full range; without a tag red is (253, 0, 0). frame.reformat(dst_colorspace="ITU709") before
#            encode() mends the first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  av==18.1.0 opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/tags.py" <<'P'
import sys

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

path = sys.argv[1]


def there_and_back(rgb, colorspace=None, color_range=None, converts=False):
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        if colorspace is not None:
            stream.codec_context.colorspace = colorspace
        if color_range is not None:
            stream.codec_context.color_range = color_range
        frame = av.VideoFrame.from_ndarray(np.full((64, 128, 3), rgb, np.uint8), format="rgb24")
        if converts:
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with av.open(path) as file:
        frame = next(file.decode(video=0))
        found = frame.to_ndarray(format="rgb24")[30, 60].tolist()
    by_opencv = cv2.VideoCapture(path).read()[1][30, 60, ::-1].tolist()
    print(f"{rgb}, tags {colorspace} {color_range}, converted {converts}: PyAV {found}, OpenCV {by_opencv}")
    assert np.abs(np.subtract(found, by_opencv)).max() <= 1
    return found


red, white, black = (255, 0, 0), (255, 255, 255), (0, 0, 0)
assert there_and_back(red) == [253, 0, 0]
assert there_and_back(red, Colorspace.ITU709) == [255, 23, 0]
assert there_and_back(red, Colorspace.ITU709, converts=True) == [254, 0, 0]
assert there_and_back(white, color_range=ColorRange.JPEG) == [235, 235, 235]
assert there_and_back(black, color_range=ColorRange.JPEG) == [16, 16, 16]
P
"$work/venv/bin/python" "$work/tags.py" "$work/tags.mp4"
