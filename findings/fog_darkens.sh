#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# imagecorruptions' fog makes a white image darker, by 102 levels at the highest severity, and leaves a black one black.
#
# Versions:  imagecorruptions 1.1.2, opencv-python-headless 4.10.0.84, numpy 1.26.4, scipy 1.11.4, scikit-image 0.24.0.
# Guess:     fog lifts dark pixels towards white and leaves white ones.
# Seen:      it adds a grey and divides by what keeps the brightest pixel of the image in range: a flat 255 is 183 in
#            the mean at severity 1 and 152 at 5, a flat 128 is 83 and 69, 0 stays 0. One white stripe lifts the same
#            black to 82: how dense the fog is depends on the brightest pixel of the frame, so that a video flickers
#            when a lamp comes into view.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check setuptools==69.5.1 pillow==11.3.0 \
  opencv-python-headless==4.10.0.84 numpy==1.26.4 scipy==1.11.4 scikit-image==0.24.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps imagecorruptions==1.1.2
cat > "$work/fog.py" <<'P'
import warnings

warnings.simplefilter("ignore")  # old names of SciPy

import numpy as np
from imagecorruptions import corrupt


def foggy(image, severity):
    np.random.seed(1)
    return corrupt(image, corruption_name="fog", severity=severity)[:, 8:].mean()


for level, expected in ((0, (0, 0)), (128, (83, 69)), (255, (183, 152))):
    image = np.full((128, 256, 3), level, np.uint8)
    seen = foggy(image, 1), foggy(image, 5)
    print(f"flat {level}: {seen[0]:.1f} at severity 1, {seen[1]:.1f} at 5")
    assert np.allclose(seen, expected, atol=1)
striped = np.zeros((128, 256, 3), np.uint8)
striped[:, :4] = 255
print(f"black beside a white stripe: {foggy(striped, 1):.1f}")
assert abs(foggy(striped, 1) - 82) < 1
P
"$work/venv/bin/python" "$work/fog.py"
