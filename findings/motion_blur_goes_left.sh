#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# imagecorruptions' motion blur moves every image to the left, by 10 px at the highest severity.
#
# Versions:  imagecorruptions 1.1.2, opencv-python-headless 4.10.0.84, numpy 1.26.4, scipy 1.11.4, scikit-image 0.24.0.
# Guess:     motion_blur smears a point evenly about its place; over many draws it stays where it was.
# Seen:      the kernel begins at the pixel and runs one way, at an angle of up to 45 degrees from the row: the mean
#            of 100 draws lies 1.9 px to the left at severity 1, 5.5 px at 3 and 10 px at 5, and no draw goes right.
#            A detector tested on it loses boxes of small objects by their place, not by their looks.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check setuptools==69.5.1 pillow==11.3.0 \
  opencv-python-headless==4.10.0.84 numpy==1.26.4 scipy==1.11.4 scikit-image==0.24.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps imagecorruptions==1.1.2
cat > "$work/left.py" <<'P'
import warnings

warnings.simplefilter("ignore")  # old names of SciPy

import numpy as np
from imagecorruptions import corrupt

image = np.zeros((129, 129, 3), np.uint8)
image[60:69, 60:69] = 255
rows, columns = np.mgrid[:129, :129] - 64
np.random.seed(0)
for severity, expected in ((1, -1.9), (3, -5.4), (5, -10.2)):
    centres = []
    for _ in range(100):
        blurred = corrupt(image, corruption_name="motion_blur", severity=severity)[..., 1].astype(float)
        centres.append([(columns * blurred).sum() / blurred.sum(), (rows * blurred).sum() / blurred.sum()])
    x, y = np.mean(centres, 0)
    print(f"severity {severity}: off by {x:.1f}, {y:.1f} px in the mean; x from {np.min(centres, 0)[0]:.1f} "
          f"to {np.max(centres, 0)[0]:.1f}")
    assert abs(x - expected) < 0.5 and np.max(centres, 0)[0] < 0
P
"$work/venv/bin/python" "$work/left.py"
