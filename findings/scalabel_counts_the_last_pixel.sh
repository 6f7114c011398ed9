#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scalabel, BDD100K's toolkit, takes x2 for the last pixel of a box: a post from 100 to 102 is 3 px wide in COCO.
#
# Versions:  scalabel 0.3.1, numpy 1.26.4.
# Guess:     box2d's x1 and x2 are edges, as they are drawn and stored as floats: the width is x2 - x1.
# Seen:      a COCO box of 30 x 40 becomes x2 - x1 = 29, y2 - y1 = 39 in a scalabel file, and a box from 100 to 102 is
#            3 px wide in COCO. It converts back without loss. Who reads or writes scalabel's boxes with x2 - x1,
#            as detectors do, has them a pixel too small or too large: an overlap of 0.67 for a post of 2 px.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scalabel==0.3.1 numpy==1.26.4
cat > "$work/box.py" <<'P'
from scalabel.label.transforms import bbox_to_box2d, box2d_to_bbox
from scalabel.label.typing import Box2D

car = bbox_to_box2d([10, 20, 30, 40])
print(f"COCO's 30 x 40 at (10, 20): x from {car.x1} to {car.x2}, y from {car.y1} to {car.y2}")
assert (car.x1, car.y1, car.x2, car.y2) == (10, 20, 39, 59)
assert box2d_to_bbox(car) == [10, 20, 30, 40]
post = box2d_to_bbox(Box2D(x1=100, y1=50, x2=102, y2=90))
print(f"x from 100 to 102, y from 50 to 90: COCO's {post}")
assert post == [100, 50, 3, 41]
P
"$work/venv/bin/python" "$work/box.py"
