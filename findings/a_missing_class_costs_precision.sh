#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nuScenes' metrics give a class that is neither labelled nor found an AP of 0 and errors of 1: mAP falls for nothing.
#
# Versions:  nuscenes-devkit 1.2.0, numpy 1.26.4.
# Guess:     a class without an object is left out of the mean, as COCO's evaluation does.
# Seen:      five cars, found exactly, and no trailer: the AP is 1 and 0, the error of the place 0 and 1. A perfect
#            answer for a scene, a camera or a night drive of two classes out of ten has a mAP of 0.2. Such values of
#            parts of a set cannot be compared.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nuscenes-devkit==1.2.0 numpy==1.26.4
cat > "$work/classes.py" <<'P'
from nuscenes.eval.common.data_classes import EvalBoxes
from nuscenes.eval.common.utils import center_distance
from nuscenes.eval.detection.algo import accumulate, calc_ap, calc_tp
from nuscenes.eval.detection.data_classes import DetectionBox


def cars(score):
    boxes = EvalBoxes()
    boxes.add_boxes("sample", [
        DetectionBox("sample", (10.0 * k, 0, 0), (2, 4, 1.5), (1, 0, 0, 0), (0, 0), detection_name="car",
                     detection_score=score, attribute_name="vehicle.moving")
        for k in range(5)
    ])  # fmt: skip
    return boxes


seen = {}
for name in ("car", "trailer"):
    curve = accumulate(cars(-1.0), cars(0.9), name, center_distance, 2.0)
    seen[name] = round(calc_ap(curve, 0.1, 0.1), 6), calc_tp(curve, 0.1, "trans_err")
    print(f"{name}: AP {seen[name][0]}, error of the place {seen[name][1]}")
assert seen == {"car": (1, 0), "trailer": (0, 1)}
P
"$work/venv/bin/python" "$work/classes.py"
