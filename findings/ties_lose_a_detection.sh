#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO breaks ties another way than ONNX says: TopK's indices, and boxes whose overlap is the threshold itself.
#
# Versions:  openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Guess:     the same boxes and scores give the same detections.
# Seen:      TopK of equal scores: ONNX Runtime gives the lower index first, as the standard has it, OpenVINO 1, 2, 0.
#            NonMaxSuppression at 0.5 of two boxes with an overlap of 0.5 exactly, one the half of the other: both stay
#            in ONNX Runtime, OpenVINO drops the second; at 0.501 it stays. Scores of 8 bits and boxes on a grid tie
#            often.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$work/ties.py" <<'P'
import numpy as np
import onnxruntime
import openvino
from onnx import parser
from onnx.reference import ReferenceEvaluator


def by_all(text, output, **inputs):
    """One output of the network by ONNX's reference, ONNX Runtime and OpenVINO."""
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> network {text}')
    data = model.SerializeToString()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [
        ReferenceEvaluator(model).run(None, inputs)[output].tolist(),
        onnxruntime.InferenceSession(data).run(None, inputs)[output].tolist(),
        compiled(inputs)[output].tolist(),
    ]
    print(f"{model.graph.node[0].op_type}: reference {found[0]}, ONNX Runtime {found[1]}, OpenVINO {found[2]}")
    return found


best = "(float[n] x) => (float[k] values, int64[k] indices) <int64[1] k = {3}> { values, indices = TopK(x, k) }"
reference, runtime, openvinos = by_all(best, 1, x=np.ones(4, np.float32))
assert reference == runtime == [0, 1, 2] and openvinos == [1, 2, 0]
reference, runtime, openvinos = by_all(best, 1, x=np.array([0.6, 0.9, 0.8, 0.7], np.float32))
assert reference == runtime == openvinos == [1, 2, 3]

boxes = np.array([[[0, 0, 1, 1], [0, 0, 0.5, 1]]], np.float32)
scores = np.array([[[0.9, 0.8]]], np.float32)
for threshold, is_kept in ((0.5, False), (0.501, True)):
    text = f"""(float[1, 2, 4] boxes, float[1, 1, 2] scores) => (int64[n, 3] kept)
        <int64[1] most = {{10}}, float[1] overlap = {{{threshold}}}>
        {{ kept = NonMaxSuppression(boxes, scores, most, overlap) }}"""
    reference, runtime, openvinos = by_all(text, 0, boxes=boxes, scores=scores)
    assert reference == runtime == [[0, 0, 0], [0, 0, 1]]
    assert openvinos == runtime[: 1 + is_kept]
P
"$work/venv/bin/python" "$work/ties.py"
