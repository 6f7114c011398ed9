#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# onnx2torch sums from the end where ONNX's CumSum sums from the beginning, and gives NonZero's answer transposed.
#
# Versions:  onnx2torch 1.5.15, torch 2.13.0, onnx 1.23.2, numpy 2.4.6. torchvision is needed by two operations alone
#            that are not used here; an empty module stands in for it, so that any build of torch will do.
# Guess:     what is converted without an error gives what ONNX's reference gives, to rounding.
# Seen:      CumSum of 1, 2, 3, 4, 5 is 15, 14, 12, 9, 5 where the network does not name the attribute "reverse", whose
#            default is 0; with reverse = 0 written out it is 1, 3, 6, 10, 15. NonZero of three places in a matrix gives
#            (3, 2) numbers instead of (2, 3). Position codes that count the pixels of a mask, as in detectors with
#            attention, run from right to left.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps onnx2torch==1.5.15
mkdir -p "$work/torchvision"
echo "roi_align = None" > "$work/torchvision/ops.py"
touch "$work/torchvision/__init__.py"
cat > "$work/sums.py" <<'P'
import numpy as np
import onnx2torch
import torch
from onnx import parser
from onnx.reference import ReferenceEvaluator


def by_both(text, array):
    """What ONNX's reference and the converted network give."""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> network {text}')
    right = ReferenceEvaluator(model).run(None, {"x": array})[0].tolist()
    seen = onnx2torch.convert(model)(torch.from_numpy(array)).tolist()
    print(f"{model.graph.node[0].op_type}: reference {right}, onnx2torch {seen}")
    return right, seen


count = np.arange(1, 6, dtype=np.float32)
sums = "(float[n] x) => (float[n] y) <int64 axis = {0}> { y = CumSum%s(x, axis) }"
assert by_both(sums % "", count) == ([1, 3, 6, 10, 15], [15, 14, 12, 9, 5])
assert by_both(sums % "<reverse = 0>", count) == ([1, 3, 6, 10, 15], [1, 3, 6, 10, 15])
places = np.array([[1, 0], [1, 1]], np.float32)
assert by_both("(float[n, m] x) => (int64[d, k] y) { y = NonZero(x) }", places) == (
    [[0, 1, 1], [0, 0, 1]],
    [[0, 0], [1, 0], [1, 1]],
)
P
PYTHONPATH="$work" "$work/venv/bin/python" "$work/sums.py"
