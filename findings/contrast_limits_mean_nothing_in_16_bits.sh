#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's CLAHE gives the same for clip limits of 1, 2 and 4 on an image of 16 bits: twice the contrast of bytes at 1.
#
# Versions:  opencv-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     a clip limit is a ratio to the mean of the histogram, so it does the same for 8 and for 16 bits.
# Seen:      720x1280, a standard deviation of 10.7 levels: limits of 1, 2 and 4 make 17.6, 24.7 and 38.1 of the bytes,
#            and 36.3 three times of the same image in 16 bits. The limit is rounded down to whole pixels of a bin, at
#            least one, and of 65536 bins few hold more: with 8 x 8 tiles of 720p all limits up to 4.5 are one, and the
#            next differ in steps of 4.5. A thermal camera's image gets more noise than its preview in bytes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/contrast.py" <<'P'
import cv2
import numpy as np

random = np.random.default_rng(0)
waves = cv2.GaussianBlur(random.integers(0, 256, (720, 1280)).astype(np.float32), (0, 0), 20)
scene = cv2.normalize(waves, None, 70, 170, cv2.NORM_MINMAX) + random.normal(0, 2, waves.shape)
as_bytes, as_words = scene.round().astype(np.uint8), (257 * scene).round().astype(np.uint16)

seen = {}
for limit in (1, 2, 4, 10):
    clahe = cv2.createCLAHE(limit, (8, 8))
    seen[limit] = clahe.apply(as_bytes), clahe.apply(as_words)
    print(f"limit {limit}: deviation {seen[limit][0].std():.1f} of bytes, {seen[limit][1].std() / 257:.1f} of 16 bits")
assert np.array_equal(seen[1][1], seen[2][1]) and np.array_equal(seen[1][1], seen[4][1])
assert not np.array_equal(seen[4][1], seen[10][1])
deviations = [seen[limit][0].std() for limit in (1, 2, 4)]
assert deviations[0] * 1.3 < deviations[1] and deviations[1] * 1.3 < deviations[2]
assert seen[1][1].std() / 257 > 1.8 * deviations[0]
P
"$work/venv/bin/python" "$work/contrast.py"
