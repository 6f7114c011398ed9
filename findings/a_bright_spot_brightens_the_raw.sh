#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# With no_auto_bright rawpy still brightens a frame by its brightest pixel, by up to 28 %.
#
# Versions:  rawpy 0.28.0, tifffile 2026.3.3, numpy 2.4.6; the raw image is a DNG of the script's own.
# Guess:     no_auto_bright=True, gamma=(1, 1) and output_bps=16 give level / white * 65535, whatever else is in it.
# Seen:      as soon as one pixel is above three quarters of the white level, the frame is scaled so that this pixel is
#            white: a grey of 1000 of 4095 is 16003 beside a spot of 3000, 20478 beside one of 3200 and 16003 beside
#            one of 4095. A lamp that grows brighter first lifts the street around it by 28 % and then darkens it again.
#            adjust_maximum_thr=0 stops it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rawpy==0.28.0 tifffile==2026.3.3 numpy==2.4.6
cat > "$work/spot.py" <<'P'
import sys

import numpy as np
import rawpy
import tifffile

path = f"{sys.argv[1]}/image.dng"
# XYZ to linear sRGB, so that the camera's colours are sRGB's
matrix = (3.240479, -1.53715, -0.498535, -0.969256, 1.875992, 0.041556, 0.055648, -0.204043, 1.057311)
tags = [
    (33421, "H", 2, (2, 2), True),  # size of the colour pattern
    (33422, "B", 4, b"\0\1\1\2", True),  # red, green, green, blue
    (50706, "B", 4, b"\1\4\0\0", True),  # version of DNG
    (50708, "s", 0, "Own Camera", True),
    (50714, "H", 1, 0, True),  # black
    (50717, "H", 1, 4095, True),  # white
    (50721, "2i", 9, [part for value in matrix for part in (round(value * 1e6), 1_000_000)], True),
    (50728, "2I", 3, [1] * 6, True),  # a neutral camera
    (50778, "H", 1, 21, True),  # daylight of 6500 K
]


def grey(spot, **options):
    mosaic = np.full((480, 640), 1000, np.uint16)
    mosaic[100:104, 100:104] = spot
    tifffile.imwrite(path, mosaic, photometric="cfa", extratags=tags, subfiletype=0, metadata=None)
    with rawpy.imread(path) as raw:
        image = raw.postprocess(use_camera_wb=True, no_auto_bright=True, gamma=(1, 1), output_bps=16, **options)
    return int(image[300, 300, 1])


for spot, expected in ((1000, 16003), (3000, 16003), (3200, 20478), (4095, 16003)):
    seen = grey(spot), grey(spot, adjust_maximum_thr=0)
    print(f"1000 of 4095 beside {spot}: {seen[0]}; with adjust_maximum_thr=0 {seen[1]}")
    assert abs(seen[0] - expected) <= 2 and abs(seen[1] - 16003) <= 2
P
"$work/venv/bin/python" "$work/spot.py" "$work"
