#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Basler's ImageFormatConverter makes the last row and column of a Bayer image black and gives grey edges a colour.
#
# Versions:  pypylon 26.9, opencv-python-headless 4.14.0.94, numpy 2.4.6; no camera is needed.
# Guess:     the maker's converter gives at least what bilinear interpolation gives, as OpenCV's does, and white stays
#            white up to the edge.
# Seen:      white frames of each of the four patterns, 8 and 12 bits, at 480x640 and at 1080x1920: the last row and the
#            last column are 0, in RGB as in Mono8. Every pixel takes its colours from the square of two by two to its
#            lower right: a grey ramp of four levels a pixel comes out as (8, 10, 12), (16, 14, 12), coloured and half
#            a pixel off, where OpenCV gives (8, 8, 8), (12, 12, 12). Networks, flow and rectification see the frame and
#            the shift.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pypylon==26.9 opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/bayer.py" <<'P'
import cv2
import numpy as np
from pypylon import pylon


def convert(bayer, source, target="RGB8packed"):
    image, converter = pylon.PylonImage(), pylon.ImageFormatConverter()
    image.AttachArray(bayer, getattr(pylon, f"PixelType_{source}"))
    converter.OutputPixelFormat = getattr(pylon, f"PixelType_{target}")
    return converter.Convert(image).GetArray()


for shape in ((480, 640), (1080, 1920)):
    for source in ("BayerRG8", "BayerGR8", "BayerGB8", "BayerBG8", "BayerRG12"):
        white = np.full(shape, 4095, np.uint16) if source.endswith("12") else np.full(shape, 255, np.uint8)
        for target in ("RGB8packed", "Mono8"):
            seen = convert(white, source, target)
            assert (seen[-1] == 0).all() and (seen[:, -1] == 0).all() and (seen[:-1, :-1] == 255).all()
    print(f"{shape}: a white frame has a black last row and column")

ramp = np.broadcast_to(4 * np.arange(60, dtype=np.uint8), (48, 60)).copy()
basler = convert(ramp, "BayerRG8")[4, 2:6].tolist()
opencv = cv2.cvtColor(ramp, cv2.COLOR_BayerRGGB2RGB)[4, 2:6].tolist()
print(f"ramp: pypylon {basler}, OpenCV {opencv}")
assert basler == [[8, 10, 12], [16, 14, 12], [16, 18, 20], [24, 22, 20]]
assert opencv == [[level] * 3 for level in (8, 12, 16, 20)]
P
"$work/venv/bin/python" "$work/bayer.py"
