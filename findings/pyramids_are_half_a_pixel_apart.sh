#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kornia's pyramid is half a pixel off OpenCV's at its second level and 3.5 px at its fourth.
#
# Versions:  kornia 0.9.0, torch 2.13.0, opencv-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     pyrdown is OpenCV's pyrDown, up to rounding: the same kernel of five, the same names.
# Seen:      a ramp whose level is its column: pixel 3 of the levels is 3, 6, 12, 24 by OpenCV, which keeps every second
#            pixel, and 3, 6.5, 13.5, 27.5 by kornia, which resamples between them: place x of a level lies at 2 x in
#            the level before by OpenCV, at 2 x + 0.5 by kornia. pyrup differs by a quarter of a pixel. Flow or corners
#            that are found in one pyramid and used in the other are off by that.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  kornia==0.9.0 torch==2.13.0 opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/pyramid.py" <<'P'
import cv2
import numpy as np
import torch
from kornia.geometry import build_pyramid, pyrup

ramp = np.tile(np.arange(80, dtype=np.float32), (64, 1))
opencv = [ramp]
while len(opencv) < 4:
    opencv.append(cv2.pyrDown(opencv[-1]))
kornia = [level[0, 0].numpy() for level in build_pyramid(torch.from_numpy(ramp)[None, None], 4)]
seen = {name: [level[3, 3].item() for level in levels] for name, levels in (("cv", opencv), ("kornia", kornia))}
print(f"pixel 3 of each level: {seen}")
assert [level.shape for level in opencv] == [level.shape for level in kornia]
assert seen == {"cv": [3, 6, 12, 24], "kornia": [3, 6.5, 13.5, 27.5]}

enlarged = pyrup(torch.from_numpy(ramp)[None, None])[0, 0].numpy()
print(f"enlarged, pixel 20: OpenCV {cv2.pyrUp(ramp)[20, 20]}, kornia {enlarged[20, 20]}")
assert cv2.pyrUp(ramp)[20, 20] == 10 and enlarged[20, 20] == 9.75
P
"$work/venv/bin/python" "$work/pyramid.py"
