#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pycocotools' AP is -1 as soon as the largest number of detections an image is not 100, while AP50 stays right.
#
# Versions:  pycocotools 2.0.11, faster-coco-eval 1.8.0 for comparison, numpy 2.4.6.
# Guess:     params.maxDets = [1, 10, 300] makes room for an image with more than 100 objects: AP 1 for perfect ones.
# Seen:      150 objects, all found: AP 0.66 with 100 detections, -1 with 300, and AP50 1. So a mean over data sets is
#            drawn down by an evaluation that went well. faster-coco-eval, its replacement, gives 1. With [1, 10, 50]
#            -1, too.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  pycocotools==2.0.11 faster-coco-eval==1.8.0 numpy==2.4.6
cat > "$work/limit.py" <<'P'
import contextlib
import io

import faster_coco_eval
import pycocotools.coco
import pycocotools.cocoeval

boxes = [[20 * i, 0, 10, 10] for i in range(150)]
truth = {
    "info": {},
    "images": [{"id": 1, "width": 3000, "height": 10}],
    "categories": [{"id": 1, "name": "person"}],
    "annotations": [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": box, "area": 100, "iscrowd": 0}
        for i, box in enumerate(boxes, 1)
    ],
}
results = [{"image_id": 1, "category_id": 1, "bbox": box, "score": 0.9} for box in boxes]


def precision(coco, evaluator, limits=None):
    """AP and AP50."""
    with contextlib.redirect_stdout(io.StringIO()):
        ground_truth = coco()
        ground_truth.dataset = truth
        ground_truth.createIndex()
        evaluation = evaluator(ground_truth, ground_truth.loadRes(results), "bbox")
        if limits is not None:
            evaluation.params.maxDets = limits
        evaluation.evaluate(), evaluation.accumulate(), evaluation.summarize()
    found = [round(float(value), 2) for value in evaluation.stats[:2]]
    print(f"{evaluator.__module__}, limits {limits}: AP {found[0]}, AP50 {found[1]}")
    return found


pycoco = pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval
assert precision(*pycoco) == [0.66, 0.66]
assert precision(*pycoco, [1, 10, 300]) == [-1, 1]
assert precision(*pycoco, [1, 10, 50])[0] == -1
faster = faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster
assert precision(*faster, [1, 10, 300]) == [1, 1]
P
"$work/venv/bin/python" "$work/limit.py"
