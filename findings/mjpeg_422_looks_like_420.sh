#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The MJPEG encoder of PyAV writes luma sampling 2x2 for 4:2:2 and 1x2 for 4:4:4.
#
# Versions:  av 18.1.0, numpy 2.4.6; for comparison simplejpeg 1.9.0.
# Guess:     4:2:0 is 2x2, 4:2:2 is 2x1, 4:4:4 is 1x1, as libjpeg writes them.
# Seen:      the chroma factors are 1x2 in 4:2:2 and 4:4:4, so the ratio is right; who reads the luma factor alone to
#            tell how a driver or recorder samples takes 4:2:2 for 4:2:0. simplejpeg writes 2x2, 2x1 and 1x1.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6 simplejpeg==1.9.0
"$work/venv/bin/python" - <<'P'
from fractions import Fraction

import av
import numpy as np
import simplejpeg

image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def sampling(jpeg):
    at = jpeg.index(b"\xff\xc0")
    return [f"{jpeg[at + 11 + 3 * i] >> 4}x{jpeg[at + 11 + 3 * i] & 15}" for i in range(3)]


def by_pyav(pixel_format):
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width = encoder.height = 64
    encoder.pix_fmt, encoder.time_base = pixel_format, Fraction(1, 30)
    packets = encoder.encode(av.VideoFrame.from_ndarray(image, format="rgb24")) + encoder.encode(None)
    return sampling(bytes(packets[0]))


wanted = {"420": ["2x2", "1x1", "1x1"], "422": ["2x2", "1x2", "1x2"], "444": ["1x2", "1x2", "1x2"]}
plain = {"420": "2x2", "422": "2x1", "444": "1x1"}
for name, factors in wanted.items():
    pyav, other = by_pyav(f"yuvj{name}p"), sampling(simplejpeg.encode_jpeg(image, colorsubsampling=name))
    print(f"4:{name[1]}:{name[2]}: PyAV {pyav}, simplejpeg {other}")
    assert pyav == factors and other == [plain[name], "1x1", "1x1"]
P
