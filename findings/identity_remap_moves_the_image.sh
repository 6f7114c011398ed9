#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kornia's remap with a map in which each pixel stays where it is gives another image back, by its defaults.
#
# Versions:  kornia 0.9.0, torch 2.13.0; opencv-python-headless 4.14.0.94 for comparison.
# Guess:     a map in pixels says from which pixel each one is taken, as OpenCV's does: the identity changes nothing.
# Seen:      on noise in [0, 1] an error of up to 0.74: the image is stretched by half a pixel at each side, and is
#            black there by half. align_corners=True mends it; warp_affine and warp_perspective have that by default,
#            remap leaves it to grid_sample, which takes it for False, after scaling the map as for True.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  kornia==0.9.0 torch==2.13.0 opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/remap.py" <<'P'
import cv2
import numpy as np
import torch
from kornia.geometry.transform import remap, warp_affine, warp_perspective

height, width = 48, 64
torch.manual_seed(0)
noise, white = torch.rand(1, 1, height, width), torch.ones(1, 1, height, width)
rows, columns = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")


def error(found):
    return float((found - noise).abs().max())


by_opencv = cv2.remap(noise[0, 0].numpy(), columns.numpy(), rows.numpy(), cv2.INTER_LINEAR)
errors = {
    "OpenCV": float(np.abs(by_opencv - noise[0, 0].numpy()).max()),
    "warp_affine": error(warp_affine(noise, torch.eye(3)[None, :2], (height, width))),
    "warp_perspective": error(warp_perspective(noise, torch.eye(3)[None], (height, width))),
    "remap, align_corners=True": error(remap(noise, columns[None], rows[None], align_corners=True)),
    "remap": error(remap(noise, columns[None], rows[None])),
}
for name, value in errors.items():
    print(f"{name}: error of the identity {value:.5f}")
edges = remap(white, columns[None], rows[None])[0, 0]
print(f"white: {edges[0, 0]:.2f} in the corner, {edges[0, 30]:.2f} at the edge, {edges[20, 30]:.2f} inside")
assert errors.pop("remap") > 0.5
assert max(errors.values()) < 1e-4
assert abs(edges[0, 0] - 0.25) < 0.01 and abs(edges[0, 30] - 0.5) < 0.01 and edges[20, 30] > 0.999
P
"$work/venv/bin/python" "$work/remap.py"
