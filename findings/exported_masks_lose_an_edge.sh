#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Masks that supervision writes as COCO labels are a row and a column smaller for pycocotools; those with a hole or of
# two parts are left out of the evaluation as crowds.
#
# Versions:  supervision 0.31.2, pycocotools 2.0.11, opencv-python-headless 4.14.0.94, numpy 2.4.6.
# Guess:     the AP of masks against their own file is 1; and what supervision itself reads back right is right.
# Seen:      a square of 10 x 10 pixels is 81 pixels for pycocotools, AP 0.7; a post 2 pixels wide is 39 of 80, AP 0;
#            one 1 pixel wide has an empty outline. "area" says 100, 80 and 40. A mask with a hole or in two parts is
#            exact, but with iscrowd 1: AP -1. supervision reads 100 and 80 pixels back, since it fills outlines with
#            their rim.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  supervision==0.31.2 pycocotools==2.0.11 opencv-python-headless==4.14.0.94 numpy==2.4.6
cat > "$work/masks.py" <<'P'
import contextlib
import io
import json
import os
import warnings

import cv2
import numpy as np
import supervision
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

warnings.simplefilter("ignore")
os.chdir(os.path.dirname(__file__))
os.mkdir("images")
cv2.imwrite("images/0.png", np.zeros((60, 80, 3), np.uint8))


def export(name, *boxes, hole=None):
    """What supervision writes, pixels by pycocotools and by supervision, and the AP of the very mask."""
    mask = np.zeros((60, 80), bool)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = True
    if hole is not None:
        mask[hole[0] : hole[1], hole[2] : hole[3]] = False
    labels = supervision.Detections(supervision.mask_to_xyxy(mask[None]), mask=mask[None], class_id=np.array([0]))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        data_set = supervision.DetectionDataset(["post"], ["images/0.png"], {"images/0.png": labels})
        data_set.as_coco(annotations_path="labels.json")
        label = json.load(open("labels.json"))["annotations"][0]
        if not label["segmentation"]:
            pixels, by_supervision, precision = 0, 0, None
        else:
            truth = COCO("labels.json")
            pixels = int(truth.annToMask(label).sum())
            found = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
            result = dict(image_id=label["image_id"], category_id=label["category_id"], segmentation=found, score=0.9)
            evaluation = COCOeval(truth, truth.loadRes([result]), "segm")
            evaluation.evaluate(), evaluation.accumulate(), evaluation.summarize()
            precision = round(float(evaluation.stats[0]), 2)
            back = supervision.DetectionDataset.from_coco("images", "labels.json", force_masks=True)
            by_supervision = int(next(iter(back))[2].mask.sum())
    print(
        f"{name}: {mask.sum()} pixels, area {label['area']}, iscrowd {label['iscrowd']}; pycocotools {pixels}, "
        f"supervision {by_supervision}, AP {precision}"
    )
    return label["area"], label["iscrowd"], pixels, by_supervision, precision


assert export("square", (3, 13, 2, 12)) == (100, 0, 81, 100, 0.7)
assert export("post of 2", (3, 43, 20, 22)) == (80, 0, 39, 80, 0)
assert export("post of 1", (3, 43, 20, 21)) == (40, 0, 0, 0, None)
assert export("with a hole", (3, 43, 20, 60), hole=(10, 30, 30, 50)) == (1200, 1, 1200, 1200, -1)
assert export("two parts", (3, 43, 20, 40), (3, 43, 45, 50)) == (1000, 1, 1000, 1000, -1)
P
"$work/venv/bin/python" "$work/masks.py"
