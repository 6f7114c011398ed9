#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's dnn reads an ONNX network without what its pooling says of padding and dilations, and without casts.
#
# Versions:  opencv-python-headless 4.14.0.94, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
# Guess:     cv2.dnn refuses what it cannot do; what it takes is right.
# Seen:      AveragePool with count_include_pad, which is PyTorch's default, gives 2.5 at a corner instead of 1.11;
#            MaxPool with dilations gives another size; SAME_LOWER pads as SAME_UPPER does: every value comes from one
#            pixel further right and down. A cast to uint8 and back keeps the fractions.
#            None of it is logged.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/pool.py" <<'P'
import cv2
import numpy as np
import onnxruntime
from onnx import parser


def by_both(operations, image):
    """What ONNX Runtime and OpenCV make of an image of one channel."""
    text = f"network (float[1, 1, 4, 4] x) => (float[1, 1, h, w] y) {{ {operations} }}"
    network = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}').SerializeToString()
    (right,) = onnxruntime.InferenceSession(network).run(None, {"x": image})
    opencv = cv2.dnn.readNetFromONNX(np.frombuffer(network, np.uint8))
    opencv.setInput(image, "x")
    seen = opencv.forward()
    first = [answer[0, 0, 0].round(2).tolist() for answer in (right, seen)]
    print(f"{operations}\n    ONNX Runtime {right.shape[2:]} {first[0]}, OpenCV {seen.shape[2:]} {first[1]}")
    return right[0, 0], seen[0, 0]


image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
right, seen = by_both("y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1>(x)", image)
assert abs(right[0, 0] - 10 / 9) < 1e-5 and seen[0, 0] == 2.5 and right[1, 1] == seen[1, 1] == 5
right, seen = by_both("y = MaxPool<kernel_shape = [2, 2], dilations = [2, 2]>(x)", image)
assert right.shape == (2, 2) and seen.shape == (3, 3)
right, seen = by_both('y = MaxPool<kernel_shape = [3, 3], strides = [2, 2], auto_pad = "SAME_LOWER">(x)', image)
assert right.tolist() == [[5, 7], [13, 15]] and seen.tolist() == [[10, 11], [14, 15]]
right, seen = by_both("whole = Cast<to = 2>(x) y = Cast<to = 1>(whole)", image * np.float32(0.3))
assert np.array_equal(right, np.floor(image[0, 0] * np.float32(0.3))) and abs(seen[0, 1] - 0.3) < 1e-6
P
"$work/venv/bin/python" "$work/pool.py"
