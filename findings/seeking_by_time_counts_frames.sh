#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV seeks a time by counting frames at the video's mean rate: in one with a pause it misses by a second.
#
# Versions:  opencv-python-headless 4.14.0.94, av 18.1.0 (writes), numpy 2.4.6.
# Guess:     set(CAP_PROP_POS_MSEC, t) goes to the frame that is shown at t, since get() reads the frames' own times.
# Seen:      30 frames at 30 Hz, two seconds of nothing, 30 more: for 0.5 s frame 8, whose time get() gives as 0.267
#            s, for frame 15; for 2.5 s, in the pause, frame 48 of 3.6 s for frame 29; for 3.5 s none, although the
#            video lasts to 4 s. At an even rate all are right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 av==18.1.0 numpy==2.4.6
cat > "$work/seek.py" <<'P'
import os
from fractions import Fraction

import av
import cv2
import numpy as np

os.chdir(os.path.dirname(__file__))


def write(path, times_s):
    """Frame k has the grey level 4 k."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"bf": "0", "qp": "0", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90000)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time_s * 90000), stream.time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def frame_at(path, times_s, time_s):
    """The number of the frame that OpenCV gives for ``time_s``, and of the one that is shown then."""
    video = cv2.VideoCapture(path)
    video.set(cv2.CAP_PROP_POS_MSEC, 1000 * time_s)
    is_read, image = video.read()
    found = round(image[0, 0, 0] / 4) if is_read else None
    shown = max(number for number, start_s in enumerate(times_s) if start_s < time_s + 0.001)
    its_own = "" if found is None else f" of {times_s[found]:.2f} s"
    print(f"{path}, {time_s} s: frame {found}{its_own}, shown is frame {shown}")
    return found, shown


even = [number / 30 for number in range(60)]
pause = [number / 30 + 2 * (number >= 30) for number in range(60)]
write("even.mp4", even)
write("pause.mp4", pause)
assert frame_at("even.mp4", even, 0.5) == (15, 15)
assert frame_at("even.mp4", even, 1.5) == (45, 45)
assert frame_at("pause.mp4", pause, 0.5) == (8, 15)
assert frame_at("pause.mp4", pause, 2.5) == (48, 29)
assert frame_at("pause.mp4", pause, 3.5) == (None, 45)
with av.open("pause.mp4") as file:
    assert np.allclose([frame.time for frame in file.decode(video=0)], pause, atol=0.001)
P
"$work/venv/bin/python" "$work/seek.py"
