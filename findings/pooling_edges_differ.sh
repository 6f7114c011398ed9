#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO reads ONNX's pooling with ceil_mode its own way: a margin of -3.4e38 more, or too little at the right edge.
#
# Versions:  openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Guess:     pooling is among the oldest operations, and the same everywhere.
# Seen:      MaxPool of 4 x 4 with kernel 1 and stride 2: 2 x 2 by ONNX's reference and ONNX Runtime, 3 x 3 by
#            OpenVINO, the new row and column -3.4e38. AveragePool, kernel 3, stride 2, padded by 1 and counting it, of
#            ones: 0.5 at the right edge, since what ceil_mode adds is not padding; OpenVINO divides by it, too: 0.333.
#            Both without an error; without ceil_mode all three agree.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$work/pool.py" <<'P'
import numpy as np
import onnxruntime
import openvino
from onnx import parser
from onnx.reference import ReferenceEvaluator


def pooled(operation, image):
    """The pooled ``image`` by ONNX's reference, ONNX Runtime and OpenVINO."""
    model = parser.parse_model(
        f"""<ir_version: 10, opset_import: ["" : 22]>
        network (float[1, 1, 4, 4] x) => (float[1, 1, h, w] y) {{ y = {operation}(x) }}"""
    )
    data, x = model.SerializeToString(), image[None, None]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [
        ReferenceEvaluator(model).run(None, {"x": x})[0][0, 0],
        onnxruntime.InferenceSession(data).run(None, {"x": x})[0][0, 0],
        compiled(x)[0][0, 0],
    ]
    print(operation, *(each.astype(float).round(3).tolist() for each in found), sep="\n  ")
    return found


def differs(found, axis_length):
    reference, runtime, openvinos = found
    assert reference.shape == (axis_length, axis_length) and np.allclose(reference, runtime)
    return openvinos.shape != reference.shape or not np.allclose(openvinos, reference)


numbers, ones = np.arange(1, 17, dtype=np.float32).reshape(4, 4), np.ones((4, 4), np.float32)
subsampling = "MaxPool<kernel_shape = [1, 1], strides = [2, 2], ceil_mode = {}>"
found = pooled(subsampling.format(1), numbers)
assert differs(found, 2)
assert found[2].shape == (3, 3) and (found[2][2] < -3e38).all() and (found[2][:, 2] < -3e38).all()
assert not differs(pooled(subsampling.format(0), numbers), 2)

averaging = (
    "AveragePool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], count_include_pad = {}, ceil_mode = {}>"
)
found = pooled(averaging.format(1, 1), ones)
assert differs(found, 3)
assert np.allclose([found[0][1, 2], found[2][1, 2]], [1 / 2, 1 / 3])
assert not differs(pooled(averaging.format(1, 0), ones), 2)
assert not differs(pooled(averaging.format(0, 1), ones), 3)
P
"$work/venv/bin/python" "$work/pool.py"
