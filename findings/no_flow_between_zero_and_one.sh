#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's Farneback flow finds no motion in images of [0, 1] and all of it in the same images of [0, 255].
#
# Versions:  opencv-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     a flow does not depend on the unit of the brightness: the function takes floats.
# Seen:      a texture that moves by 3 px: (3.0, 0.0) for bytes and for floats in [0, 255], (0.0, 0.0) for the same
#            floats divided by 255, without an error. A constant that keeps the equations solvable is made for bytes.
#            Who warps by such a flow in training sees that nothing moves.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/flow.py" <<'P'
import cv2
import numpy as np

noise = np.random.default_rng(0).integers(0, 256, (260, 340)).astype(np.float32)
texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
first, second = texture[10:250, 10:330], texture[10:250, 7:327]


def flow_px(first, second):
    flow = cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return np.median(flow[40:-40, 40:-40].reshape(-1, 2), axis=0).round(2)


seen = {
    "bytes": flow_px(first.astype(np.uint8), second.astype(np.uint8)),
    "[0, 255]": flow_px(first, second),
    "[0, 1]": flow_px(first / 255, second / 255),
}
print(", ".join(f"{name}: {flow.tolist()}" for name, flow in seen.items()))
assert np.abs(seen["bytes"] - (3, 0)).max() < 0.05 and np.abs(seen["[0, 255]"] - (3, 0)).max() < 0.05
assert np.abs(seen["[0, 1]"]).max() < 0.05
P
"$work/venv/bin/python" "$work/flow.py"
