#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kornia's RandomMotionBlur darkens the edges of what it blurs, by its defaults: white becomes 0.09 in a corner.
#
# Versions:  kornia 0.9.0, torch 2.13.0, numpy 2.4.6.
# Guess:     a white image stays white, as with kornia's own filters.motion_blur and with its RandomBoxBlur.
# Seen:      a kernel of 15: the border of the transform is filled with black, that of the function is reflected. Of
#            128 x 128 pixels 12 % are darker than 0.9. A network sees blur and a dark frame together, and may take the
#            one for the other.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kornia==0.9.0 torch==2.13.0 numpy==2.4.6
cat > "$work/edges.py" <<'P'
import torch
from kornia.augmentation import RandomMotionBlur
from kornia.filters import motion_blur

torch.manual_seed(0)
white = torch.ones(1, 3, 128, 128)
blurred = {
    "transform": RandomMotionBlur(15, (30.0, 60.0), 1.0, p=1.0)(white),
    "transform, reflected": RandomMotionBlur(15, (30.0, 60.0), 1.0, border_type="reflect", p=1.0)(white),
    "function": motion_blur(white, 15, 45.0, 1.0),
}
darkest = {name: image.min().item() for name, image in blurred.items()}
share = (blurred["transform"] < 0.9).float().mean().item()
print(", ".join(f"{name}: {level:.2f}" for name, level in darkest.items()), f"; {share:.0%} of the pixels are dark")
assert darkest["transform"] < 0.2 and share > 0.05
assert min(darkest["transform, reflected"], darkest["function"]) > 0.999
P
"$work/venv/bin/python" "$work/edges.py"
