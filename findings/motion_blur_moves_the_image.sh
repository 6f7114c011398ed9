#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Albumentations' MotionBlur moves what it blurs: with its defaults by three pixels in the mean, for a kernel of 15.
#
# Versions:  albumentations 2.0.8, numpy 2.4.6, opencv-python-headless 4.14.0.94.
# Guess:     the streak of a point lies around it, as that of a camera that moves during an exposure about the middle.
# Seen:      the middle of the streak of one white pixel, 300 draws with a kernel of 15: off by 2.9 px in the mean, by
#            up to 6.4. Without allow_shifted still by 1.7, up to 3.9, for the streak goes more to one side than to the
#            other; with direction_range=(0, 0) as well, by nothing. A network that is trained on such pairs learns to
#            move edges.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  albumentations==2.0.8 numpy==2.4.6 opencv-python-headless==4.14.0.94
cat > "$work/blur.py" <<'P'
import albumentations
import numpy as np

SIDE, DRAWS = 65, 300
point = np.zeros((SIDE, SIDE, 3), np.uint8)
point[SIDE // 2, SIDE // 2] = 255
y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2


def shifts_px(**options):
    """How far the streak's middle is from the point, for each draw."""
    found = []
    for seed in range(DRAWS):
        blur = albumentations.MotionBlur(blur_limit=(15, 15), p=1, **options)
        streak = albumentations.Compose([blur], seed=seed)(image=point)["image"][..., 0].astype(float)
        found.append(np.hypot((streak * x).sum(), (streak * y).sum()) / streak.sum())
    print(f"MotionBlur {options}: off by {np.mean(found):.2f} px in the mean, up to {np.max(found):.2f}")
    return np.array(found)


assert 2 < shifts_px().mean() < 4
assert 0.5 < shifts_px(allow_shifted=False).mean() < 3
assert shifts_px(allow_shifted=False, direction_range=(0, 0)).max() < 0.6
P
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" "$work/blur.py"
