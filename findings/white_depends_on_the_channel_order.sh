#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PyAV turns the white of an NV12 frame into 253 as rgb24 and into 255 as bgr24.
#
# Versions:  av 18.1.0, numpy 2.4.6.
# Guess:     one conversion, two orders of the bytes: (235, 128, 128) is 255, 255, 255 in both.
# Seen:      NV12 of 64 x 64: rgb24 is 253 in every pixel, bgr24 is 255 but for 253 in two columns.
#            yuv420p: 255 in both. Decoders on hardware hand out NV12.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import av
import numpy as np


def levels(layout, target):
    frame = av.VideoFrame(64, 64, layout)
    for plane, level in zip(frame.planes, (235, 128, 128)):
        plane.update(bytes([level]) * plane.buffer_size)
    values, counts = np.unique(frame.to_ndarray(format=target), return_counts=True)
    found = dict(zip(values.tolist(), counts.tolist()))
    print(f"{layout} as {target}: {found}")
    return found


assert levels("nv12", "rgb24") == {253: 64 * 64 * 3}
assert levels("nv12", "bgr24") == {253: 64 * 2 * 3, 255: 64 * 62 * 3}
assert levels("yuv420p", "rgb24") == levels("yuv420p", "bgr24") == {255: 64 * 64 * 3}
P
