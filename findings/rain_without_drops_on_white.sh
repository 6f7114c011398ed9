#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Albumentations' RandomRain draws no visible drop before a bright sky, but darkens the whole image by 30 %.
#
# Versions:  albumentations 2.0.8, opencv-python-headless 4.14.0.94, numpy 2.4.6; defaults, p=1.
# Guess:     drops of grey 200 everywhere, on white too, and the image blurred by seven pixels beneath them.
# Seen:      an all-white image becomes 178 in every pixel; on black the drops have at most 69, and where none fell
#            it stays 0; a step edge stays one pixel wide. kornia's RandomRain writes 200 on both and touches no other pixel.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 numpy==2.4.6 albumentations==2.0.8
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" - <<'P'
import albumentations
import numpy as np


def rained(image):
    rain = albumentations.RandomRain(p=1)
    rain.set_random_seed(3)
    return rain(image=image)["image"]


white = rained(np.full((360, 640, 3), 255, np.uint8))
black = rained(np.zeros((360, 640, 3), np.uint8))
step = np.zeros((360, 640, 3), np.uint8)
step[:, 320:] = 255
columns = np.median(rained(step)[..., 0], axis=0)
print(f"white: {np.unique(white)}; black: 0 to {black.max()}; step: {columns[317:323].tolist()}")
assert np.unique(white).tolist() == [178]
assert black.min() == 0 and 40 < black.max() < 100
assert columns[319] == 0 and columns[320] == 178
P
