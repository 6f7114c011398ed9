#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# imageio-ffmpeg reads 180 frames from a video of 120: it fills the gap of a camera that paused with copies.
#
# Versions:  imageio-ffmpeg 0.8.1, av 18.1.0 (writes), numpy 2.4.6.
# Guess:     the frames that are in the file: 120, as its own count_frames_and_secs says, and as PyAV reads.
# Seen:      60 frames at 30 Hz, two seconds of nothing, 60 more: read_frames gives 180, 61 of them the same one. A
#            camera of 10 Hz that lost each seventh frame: 39 of 34. Numbers of frames no longer match stamps or
#            labels, and nothing seems to move between a frame and its copy. output_params=["-fps_mode",
#            "passthrough"] gives 120 and 34.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
cat > "$work/gaps.py" <<'P'
import os
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np


def write(path, times_s, rate_hz):
    """Frame k has the grey level 2 k."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=rate_hz, options={"bf": "0", "qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90000)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(time_s * 90000), stream.time_base
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def read(path, **options):
    """Number and commonest repetition of the frames of imageio-ffmpeg, and their number by its count."""
    frames = imageio_ffmpeg.read_frames(path, **options)
    next(frames)
    levels = [frame[0] for frame in frames]
    counted, _ = imageio_ffmpeg.count_frames_and_secs(path)
    print(f"{path}: {len(levels)} frames read, {counted} counted, one of them {np.bincount(levels).max()} times")
    return len(levels), np.bincount(levels).max(), counted


os.chdir(os.path.dirname(__file__))
write("pause.mp4", [number / 30 + 2 * (number >= 60) for number in range(120)], 30)
write("lost.mp4", [number / 10 for number in range(40) if number % 7], 10)
assert read("pause.mp4") == (180, 61, 120)
assert read("lost.mp4") == (39, 2, 34)
assert read("pause.mp4", output_params=["-fps_mode", "passthrough"]) == (120, 1, 120)
assert read("lost.mp4", output_params=["-fps_mode", "passthrough"]) == (34, 1, 34)
with av.open("pause.mp4") as file:
    assert len(list(file.decode(video=0))) == 120
P
"$work/venv/bin/python" "$work/gaps.py"
