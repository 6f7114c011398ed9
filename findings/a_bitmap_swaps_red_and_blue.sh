#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A BMP that IDS peak writes of an RGBa8 image has red and blue swapped in OpenCV, and Pillow refuses it.
#
# Versions:  ids_peak_ipl 1.18.0, opencv-python-headless 5.0.0.93, pillow 13.0.0, numpy 2.4.6; no camera is needed.
# Guess:     red is red in every reader, as in the PNG of the same image.
# Seen:      the file keeps the order of the image and names it by masks in its header (BI_BITFIELDS). OpenCV does not
#            look at the masks of a header of this size: (200, 100, 50) is (50, 100, 200). Pillow raises
#            "Unsupported BMP bitfields layout". BMP files of RGB8, BGR8 and BGRa8 and all PNG files are right in OpenCV.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  ids-peak-ipl==1.18.0 opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cat > "$work/bitmap.py" <<'P'
import sys

import cv2
import numpy as np
from ids_peak_ipl import ids_peak_ipl as ipl
from PIL import Image

rgba = [200, 100, 50, 255]
levels = {"RGB8": rgba[:3], "BGR8": rgba[2::-1], "RGBa8": rgba, "BGRa8": [*rgba[2::-1], 255]}


def by_pillow(path):
    try:
        return list(Image.open(path).convert("RGB").getpixel((0, 0)))
    except OSError as error:
        return str(error)


seen = {}
for ending in ("png", "bmp"):
    for name, pixel in levels.items():
        image = ipl.Image.CreateFromSize(getattr(ipl, f"PixelFormatName_{name}"), 48, 32)
        image.get_numpy_1D()[:] = np.tile(pixel, 48 * 32)
        path = f"{sys.argv[1]}/{name}.{ending}"
        ipl.ImageWriter.Write(path, image)
        seen[name, ending] = cv2.imread(path)[0, 0, ::-1].tolist(), by_pillow(path)
        print(f"{name}.{ending}: OpenCV {seen[name, ending][0]}, Pillow {seen[name, ending][1]}")
assert seen.pop(("RGBa8", "bmp")) == ([50, 100, 200], "Unsupported BMP bitfields layout")
assert all(opencv == [200, 100, 50] for opencv, _ in seen.values())
P
"$work/venv/bin/python" "$work/bitmap.py" "$work"
