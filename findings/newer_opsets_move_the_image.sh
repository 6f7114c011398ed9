#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# onnx.version_converter moves what a Resize or Upsample gives by half a pixel or more; going back, Softmax changes.
#
# Versions:  onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Guess:     the converter adds what a newer version needs to say the same, or raises: Resize-10 begins to count at the
#            pixel's corner, so Resize-11 gets coordinate_transformation_mode=asymmetric.
# Seen:      linear upsampling by 2 of the ramp 0, 1, 2, 3: before 0, 0.5, 1 ..., from opset 11 on 0, 0.25, 0.75 ...:
#            half an output pixel off, and the checker passes; by 4, one and a half. Upsample-9 likewise; nearest is not
#            touched. Softmax-13 of three dimensions taken back to 12 is over the last two axes instead of one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$work/convert.py" <<'P'
import numpy as np
import onnx
import onnxruntime
from onnx import parser, version_converter


def outputs(text, x, opset):
    """What the network gives before and after its conversion, which the checker accepts."""
    model = parser.parse_model(text)
    converted = version_converter.convert_version(model, opset)
    onnx.checker.check_model(converted, full_check=True)
    before, after = (
        onnxruntime.InferenceSession(each.SerializeToString()).run(None, {"x": x})[0].ravel()
        for each in (model, converted)
    )
    print(f"{model.graph.node[0].op_type} {model.opset_import[0].version} to {opset}: {before[:6]} to {after[:6]}")
    return before, after


def enlarging(operation, opset, mode, factor):
    return f"""<ir_version: 5, opset_import: ["" : {opset}]>
        network (float[1, 1, 1, 4] x) => (float[1, 1, 1, w] y) <float[4] scales = {{1, 1, 1, {factor}}}>
        {{ y = {operation}<mode = "{mode}">(x, scales) }}"""


ramp = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)
for factor, shift in ((2, 0.25), (4, 0.375)):
    for operation, opset in (("Resize", 10), ("Upsample", 9)):
        before, after = outputs(enlarging(operation, opset, "linear", factor), ramp, 18)
        inside = slice(factor, 3 * factor)
        assert np.allclose(before, np.minimum(np.arange(4 * factor) / factor, 3))
        assert np.allclose(before[inside] - after[inside], shift)
        before, after = outputs(enlarging(operation, opset, "nearest", factor), ramp, 18)
        assert (before == after).all()

softmax = """<ir_version: 7, opset_import: ["" : 13]>
    network (float[2, 3, 4] x) => (float[2, 3, 4] y) { y = Softmax<axis = 1>(x) }"""
before, after = outputs(softmax, np.zeros((2, 3, 4), np.float32), 12)
assert np.allclose(before, 1 / 3) and np.allclose(after, 1 / 12)
P
"$work/venv/bin/python" "$work/convert.py"
