#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demosaic gives BGR where RGB is asked for, and an image that is four rows and four columns smaller than the mosaic.
#
# Versions:  demosaic 1.1.3, opencv-python 5.0.0.93, numpy 2.4.6.
# Guess:     COLOR_BayerRGGB2RGB gives red, green, blue of the mosaic's size by every method: "the colour indicates both
#            the Bayer pattern and the result colour encoding".
# Seen:      of a flat (200, 100, 50) in 32 x 48 the method "cv" gives that. "malvar", the default, and "bilinear" give
#            (50, 100, 200) for RGB as for BGR, in 28 x 44 and 30 x 46: two pixels, or one, are cut off at each side,
#            so the principal point and every label move.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  demosaic==1.1.3 opencv-python==5.0.0.93 numpy==2.4.6
cat > "$work/colours.py" <<'P'
import cv2
import numpy as np
from demosaic import bayer

mosaic = np.full((32, 48), 100, np.uint8)
mosaic[0::2, 0::2], mosaic[1::2, 1::2] = 200, 50
rgb, bgr = [200, 100, 50], [50, 100, 200]
for method, size, for_rgb in (("cv", (32, 48), rgb), ("bilinear", (30, 46), bgr), ("malvar", (28, 44), bgr)):
    for order, expected in (("RGB", for_rgb), ("BGR", bgr)):
        image = bayer.demosaic(mosaic, method, getattr(cv2, f"COLOR_BayerRGGB2{order}"))
        print(f"{method}, {order}: {image[8, 8].tolist()} of {image.shape[:2]}")
        assert image[8, 8].tolist() == expected and image.shape[:2] == size
P
"$work/venv/bin/python" "$work/colours.py"
