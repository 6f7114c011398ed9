#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Albumentations' Downscale moves what it coarsens by 1.5 px to the lower right, by its defaults.
#
# Versions:  albumentations 2.0.8, albucore 0.0.24, numpy 2.4.6, opencv-python-headless 4.14.0.94.
# Guess:     an image that was reduced and enlarged again is coarse, and in its place.
# Seen:      a texture at the default scale of a quarter: it fits best where the original is moved by 1.5 px in x and y.
#            The upper left of sixteen pixels stands for all of them. With area for the way down and linear for the
#            way up it stays in its place.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  albumentations==2.0.8 albucore==0.0.24 numpy==2.4.6 opencv-python-headless==4.14.0.94
cat > "$work/coarse.py" <<'P'
import albumentations
import cv2
import numpy as np

noise = np.random.default_rng(0).uniform(0, 255, (240, 320)).astype(np.float32)
texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def best_shift_px(**options):
    """The shift of the original by which the coarse image differs least from it."""
    coarse = albumentations.Compose([albumentations.Downscale(p=1, **options)], seed=0)(image=texture)["image"]
    errors = {}
    for shift in (-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2):
        moved = cv2.warpAffine(texture, np.array([[1, 0, shift], [0, 1, shift]], float), (320, 240))
        errors[shift] = np.abs(moved[20:-20, 20:-20].astype(float) - coarse[20:-20, 20:-20]).mean()
    best = min(errors, key=errors.get)
    print(f"Downscale {options}: off by {best} px, difference {errors[best]:.1f} there and {errors[0]:.1f} in place")
    return best


assert best_shift_px() == 1.5
ways = {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}
assert best_shift_px(interpolation_pair=ways) == 0
P
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" "$work/coarse.py"
