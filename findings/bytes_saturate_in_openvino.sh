#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO computes integers otherwise than ONNX Runtime and NumPy: bytes saturate, and a division goes through
# floats.
#
# Versions:  openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, on the CPU.
# Guess:     one ONNX file of uint8 and int32 gives the same integers in both: modulo 256, and exact.
# Seen:      5 - 10 in uint8: 251 in ONNX Runtime, 0 in OpenVINO. |a - b| by Sub and Max: 251 and 5. (250 + 10) / 2: 2
#            and 127. int32: 16777217 / 1 is 16777216, and 2147483647 / 1 is -2147483648 in OpenVINO.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/integers.py" <<'P'
import numpy as np
import onnxruntime
import openvino
from onnx import helper, numpy_helper


def run(dtype, nodes, a, b):
    """The result y of ``nodes`` (operation, inputs, output), of ONNX Runtime and of OpenVINO; t is two."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    given = [helper.make_tensor_value_info(name, kind, [len(a)]) for name in "ab"]
    result = helper.make_tensor_value_info("y", kind, [len(a)])
    two = numpy_helper.from_array(np.array(2, dtype), "t")
    graph = helper.make_graph([helper.make_node(op, list(i), [o]) for op, i, o in nodes], "g", given, [result], [two])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    feed = {"a": np.array(a, dtype), "b": np.array(b, dtype)}
    core = openvino.Core()
    seen = (
        onnxruntime.InferenceSession(model).run(None, feed)[0].tolist(),
        core.compile_model(core.read_model(model), "CPU")(feed)[0].tolist(),
    )
    print(f"{dtype} {[op for op, _, _ in nodes]} of {a} and {b}: ONNX Runtime {seen[0]}, OpenVINO {seen[1]}")
    return seen


onnxruntime.set_default_logger_severity(3)
a, b = [5, 250, 128], [10, 10, 2]
difference = [("Sub", "ab", "c"), ("Sub", "ba", "d"), ("Max", "cd", "y")]
mean = [("Add", "ab", "c"), ("Div", "ct", "y")]
large, by = [16777217, 2147483647, 7], [1, 1, 2]
assert run("uint8", [("Sub", "ab", "y")], a, b) == ([251, 240, 126], [0, 240, 126])
assert run("uint8", difference, a, b) == ([251, 240, 130], [5, 240, 126])
assert run("uint8", mean, a, b) == ([7, 2, 65], [7, 127, 65])
assert run("int32", [("Div", "ab", "y")], large, by) == ([16777217, 2147483647, 3], [16777216, -2147483648, 3])
P
"$work/venv/bin/python" "$work/integers.py"
