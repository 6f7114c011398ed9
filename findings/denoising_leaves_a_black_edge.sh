#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's dctDenoising makes the last row and the last column of every image black.
#
# Versions:  opencv-contrib-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     the whole image is denoised; if its blocks left a margin, then for sizes that they do not divide.
# Seen:      noise on grey 128: all comes within 15 levels of 128, but for the last row and the last column, which are
#            0, for sizes of whole blocks as well, whatever was in the array before. PSNR at 96 x 96 is 22.8 dB in place
#            of 48.4.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-contrib-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/denoise.py" <<'P'
import cv2
import numpy as np

GREY = 128
random = np.random.default_rng(0)


for height, width, block in ((96, 96, 16), (96, 96, 8), (100, 97, 16), (128, 160, 8)):
    noise = random.normal(GREY, 15, (height, width, 3)).clip(0, 255).astype(np.uint8)
    image = np.full_like(noise, 200)
    cv2.xphoto.dctDenoising(noise, image, 15.0, block)
    inside = np.ascontiguousarray(image[:-1, :-1])
    found, without = (cv2.PSNR(each, np.full_like(each, GREY)) for each in (image, inside))
    edge = np.unique(np.concatenate([image[-1].ravel(), image[:, -1].ravel()]))
    print(f"{width} x {height}, blocks of {block}: last row and column {edge}, PSNR {found:.1f}, without {without:.1f}")
    assert edge.tolist() == [0]
    assert np.abs(inside.astype(int) - GREY).max() < 15
    assert without > 40 and found < 30
P
"$work/venv/bin/python" "$work/denoise.py"
