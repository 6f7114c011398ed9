#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pycocotools never finds the object whose annotation has the id 0: perfect detections have an AP of 0.25.
#
# Versions:  pycocotools 2.0.11, numpy 2.4.6.
# Guess:     an id is an id: labels that are numbered from 0 are as good as those from 1, as it is for images and
#            categories.
# Seen:      two images, one object in each, detections that are the labels themselves: AP 1 with ids from 1, 0.25 with
#            ids from 0, for the detection of the first object counts as a false alarm and its object as missed. The
#            number of the match is tested for being zero. Images and categories may have the id 0. In a set of
#            thousands the loss is too small to be noticed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pycocotools==2.0.11 numpy==2.4.6
cat > "$work/ids.py" <<'P'
import contextlib
import io

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def precision(annotation=1, image=1, category=1):
    """AP of two perfect detections whose labels, images and category are numbered from the given ids on."""
    places = [{"image_id": image + k, "category_id": category, "bbox": [10.0, 10.0, 50.0, 50.0]} for k in range(2)]
    labels = COCO()
    labels.dataset = {
        "images": [{"id": image + k} for k in range(2)],
        "categories": [{"id": category, "name": "car"}],
        "annotations": [
            {"id": annotation + k, "iscrowd": 0, "area": 2500.0} | place for k, place in enumerate(places)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        labels.createIndex()
        found = labels.loadRes([{"score": 0.9 - 0.1 * k} | place for k, place in enumerate(places)])
        evaluation = COCOeval(labels, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return round(float(evaluation.stats[0]), 3)


found = {name: precision(**{name: 0}) for name in ("annotation", "image", "category")}
print(f"AP with ids from 1: {precision()}; with ids from 0 of an {found}")
assert precision() == 1 and found == {"annotation": 0.252, "image": 1, "category": 1}
P
"$work/venv/bin/python" "$work/ids.py"
