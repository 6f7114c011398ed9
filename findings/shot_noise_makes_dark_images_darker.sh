#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Albumentations' ShotNoise takes two thirds of the brightness of a dark image: a grey of 50 becomes 17, 10 becomes 0.5.
#
# Versions:  albumentations 2.0.8, albucore 0.0.24, numpy 2.4.6, opencv-python-headless 4.14.0.94.
# Guess:     the noise of photons keeps the mean, as a camera's long exposure shows.
# Seen:      a scale of 0.2, the middle of the default range: 10 becomes 0.5, 50 17, 100 65, 200 185 and white 230 in
#            the mean, for bytes as for floats. The counts are as linear light keeps them; raising them to 1 / 2.2
#            afterwards pulls the mean down, most where counts are few. A network that is trained on such pairs learns
#            to brighten the night.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  albumentations==2.0.8 albucore==0.0.24 numpy==2.4.6 opencv-python-headless==4.14.0.94
cat > "$work/noise.py" <<'P'
import albumentations
import numpy as np


def means(level, scale):
    """Mean of a flat image of this level after the noise, as bytes and as floats times 255."""
    noise = albumentations.Compose([albumentations.ShotNoise(scale_range=(scale, scale), p=1)], seed=1)
    flat = np.full((200, 200, 3), level, np.uint8)
    return noise(image=flat)["image"].mean(), 255 * noise(image=np.float32(flat / 255))["image"].mean()


for level, expected in {10: 0.5, 50: 16.5, 100: 65, 200: 185, 255: 230}.items():
    as_bytes, as_floats = means(level, 0.2)
    print(f"{level} becomes {as_bytes:.1f} as bytes, {as_floats:.1f} as floats")
    assert abs(as_bytes - expected) < 2 and abs(as_floats - expected) < 2
assert abs(means(200, 0.01)[0] - 200) < 1 and means(10, 0.01)[0] < 4
P
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" "$work/noise.py"
