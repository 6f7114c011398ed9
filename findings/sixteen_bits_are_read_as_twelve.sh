#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IDS peak's ImageReader takes a PNG of 16 bits for Mono12, its own Mono16 too: 4096 becomes black, 40000 turns to 196.
#
# Versions:  ids_peak_ipl 1.18.0, opencv-python-headless 5.0.0.93, numpy 2.4.6; no camera is needed.
# Guess:     a PNG of 16 bits is Mono16, or its levels are brought to the range of what it is read as.
# Seen:      it is Mono12 with the file's levels as they are, up to 65535. Converted to Mono8, 4095 is white, 4096 is
#            black and 40000 is 196 instead of 156, without an error. ImageWriter's PNG of a Mono16 image comes back
#            so; one of Mono12 comes back right, since the file says how many bits are meant.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ids-peak-ipl==1.18.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cat > "$work/bits.py" <<'P'
import sys

import cv2
import numpy as np
from ids_peak_ipl import ids_peak_ipl as ipl

path = f"{sys.argv[1]}/image.png"


def first_pixel(image):
    """Name of the pixel format, first level, and the level as Mono8."""
    name = ipl.PixelFormatNameEnumEntryToString(image.PixelFormat().PixelFormatName())
    as_bytes = image.ConvertTo(ipl.PixelFormat(ipl.PixelFormatName_Mono8))
    return name, int(image.get_numpy_1D().view(np.uint16)[0]), int(as_bytes.get_numpy_1D()[0])


def flat(name, level):
    image = ipl.Image.CreateFromSize(getattr(ipl, f"PixelFormatName_{name}"), 48, 32)
    image.get_numpy_1D().view(np.uint16)[:] = level
    return image


for level, in_bytes in ((4095, 255), (4096, 0), (40000, 196), (65535, 255)):
    cv2.imwrite(path, np.full((32, 48), level, np.uint16))
    seen = first_pixel(ipl.ImageReader.Read(path))
    print(f"PNG of {level}: {seen}")
    assert seen == ("Mono12", level, in_bytes)
for name, level, before, after in (
    ("Mono16", 40000, 156, ("Mono12", 40000, 196)),
    ("Mono12", 2748, 171, ("Mono12", 2748, 171)),
):
    image = flat(name, level)
    ipl.ImageWriter.Write(path, image)
    seen = first_pixel(ipl.ImageReader.Read(path))
    print(f"{name} of {level}: {first_pixel(image)} in memory, {seen} from its own PNG")
    assert first_pixel(image) == (name, level, before) and seen == after
P
"$work/venv/bin/python" "$work/bits.py" "$work"
