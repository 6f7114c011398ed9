#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pascal VOC labels that supervision writes are read by labelformat one pixel off and one pixel smaller.
#
# Versions:  supervision 0.31.2, labelformat 0.1.17.
# Guess:     both write and read one format: the box is the same.
# Seen:      supervision counts VOC's pixels from 1: a box from 10 to 40 is written as 11 and 40, and read by itself as
#            10 and 40. labelformat reads the numbers as they are: (10, 20) of 30 x 40 becomes (11, 21) of 29 x 39, and
#            a post of 3 px is 2 px wide, with an overlap of 0.66 with itself. To KITTI, COCO or YOLO the change goes
#            along.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check supervision==0.31.2 labelformat==0.1.17
cd "$work"
cat > write.py <<'P'
import numpy as np
import supervision
from PIL import Image

Image.new("RGB", (120, 100)).save("street.png")
boxes = supervision.Detections(np.array([[10.0, 20, 40, 60], [50, 10, 53, 90]]), class_id=np.zeros(2, int))
supervision.DetectionDataset(["car"], ["street.png"], {"street.png": boxes}).as_pascal_voc(
    images_directory_path="images", annotations_directory_path="voc"
)
again = supervision.DetectionDataset.from_pascal_voc("images", "voc")
assert np.array_equal(next(iter(again))[2].xyxy, boxes.xyxy)
P
cat > compare.py <<'P'
import json

with open("coco.json") as file:
    boxes = [label["bbox"] for label in json.load(file)["annotations"]]
print(f"x, y, width and height by labelformat: {boxes}, written: [[10, 20, 30, 40], [50, 10, 3, 80]]")
assert boxes == [[11, 21, 29, 39], [51, 11, 2, 79]]
P
venv/bin/python -W ignore write.py
venv/bin/labelformat convert --task object-detection --input-format pascalvoc --input-folder voc \
  --category-names car --output-format coco --output-file coco.json
venv/bin/python compare.py
