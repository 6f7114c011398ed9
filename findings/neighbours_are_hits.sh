#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mean-average-precision adds one to every side of a box: of boxes in [0, 1], neighbours that only touch are hits.
#
# Versions:  mean-average-precision 2024.1.5.0, pandas 2.3.3, numpy 2.2.6.
# Guess:     the overlap is that of the boxes as numbers, as pycocotools' and torchmetrics'.
# Seen:      it takes xmax and ymax for the last pixel. A light of 4 x 8 px found 1.5 px aside, an IoU of 0.45, is a hit
#            at 0.5. Boxes by parts of the image are all about 1 x 1: (0.3, 0.1, 0.5, 0.3) finds (0.1, 0.1, 0.3, 0.3),
#            an IoU of 0 that is taken for 0.71, without an error.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  mean-average-precision==2024.1.5.0 pandas==2.3.3 numpy==2.2.6
cat > "$work/hits.py" <<'P'
import numpy as np
from mean_average_precision import MetricBuilder


def precision(found, labelled):
    metric = MetricBuilder.build_evaluation_metric("map_2d", async_mode=False, num_classes=1)
    metric.add(np.array([[*found, 0, 0.9]]), np.array([[*labelled, 0, 0, 0]]))
    return float(metric.value(iou_thresholds=0.5)["mAP"])


for name, found, labelled, expected in (
    ("4 x 8 px, 1.5 px aside, IoU 0.45", (101.5, 50, 105.5, 58), (100, 50, 104, 58), 1),
    ("40 x 80 px, 15 px aside, IoU 0.45", (115, 50, 155, 130), (100, 50, 140, 130), 0),
    ("parts of the image, IoU 0", (0.3, 0.1, 0.5, 0.3), (0.1, 0.1, 0.3, 0.3), 1),
    ("the same in pixels of 1000, IoU 0", (300, 100, 500, 300), (100, 100, 300, 300), 0),
):
    seen = precision(found, labelled)
    print(f"{name}: AP {seen}")
    assert seen == expected
P
"$work/venv/bin/python" "$work/hits.py"
