#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pyvips' resize shifts what it enlarges by half an output pixel, where OpenCV and Pillow keep it in place.
#
# Versions:  pyvips 3.2.0 with pyvips-binary 8.18.7, numpy 2.4.6; opencv-python-headless 4.14.0.94 and pillow 13.0.0 for
#            comparison.
# Guess:     the corners of the image stay, as in OpenCV: an image that is its own mirror is so when enlarged, too.
# Seen:      a ramp of steps of 16, enlarged by 2, linear: 0 0 8 16 ..., OpenCV and Pillow 0 4 12 20 .... By 4 the
#            shift is an eighth of an input pixel, so half of an output pixel each time, with every kernel. Halving is
#            in place.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pyvips==3.2.0 pyvips-binary==8.18.7 numpy==2.4.6 opencv-python-headless==4.14.0.94 pillow==13.0.0
cat > "$work/enlarge.py" <<'P'
import cv2
import numpy as np
import pyvips
from PIL import Image

STEP = 16
ramp = np.tile(np.arange(8, dtype=np.float32) * STEP, (8, 1))


def by_vips(image, factor, kernel="linear"):
    return pyvips.Image.new_from_array(image).resize(factor, kernel=kernel).numpy()


def by_opencv(image, factor):
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)


def by_pillow(image, factor):
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


for factor in (2, 3, 4):
    rows = [enlarge(ramp, factor)[3 * factor] for enlarge in (by_vips, by_opencv, by_pillow)]
    print(f"by {factor}:", *(row[:8].round(2).tolist() for row in rows), sep="\n  ")
    vips, opencv, pillow = (row[2 * factor : -2 * factor] for row in rows)
    assert np.allclose(opencv, pillow)
    assert np.allclose((opencv - vips) / STEP, 0.5 / factor, atol=1e-3)

mirrored = np.concatenate([ramp, ramp[:, ::-1]], 1)
for kernel in ("linear", "cubic", "mitchell", "lanczos2", "lanczos3"):
    large = by_vips(mirrored, 2, kernel)
    small = by_vips(mirrored, 0.5, kernel)
    print(f"{kernel}: off its mirror by {np.abs(large - large[:, ::-1]).max():.1f} of {STEP}, halved by "
          f"{np.abs(small - small[:, ::-1]).max():.1f}")
    assert np.abs(large - large[:, ::-1]).max() > STEP / 4
    assert np.abs(small - small[:, ::-1]).max() < 0.01
P
"$work/venv/bin/python" "$work/enlarge.py"
