#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO turns NaN into a plain number in Relu, Clip, Max and Min, where ONNX Runtime keeps it.
#
# Versions:  openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, on the CPU.
# Guess:     NaN goes through a network to its output, so that one test of the output finds a failure anywhere in it.
# Seen:      Relu and Clip to [0, 1]: 0. Max(x, 0) is 0, and Max(0, x) is NaN. HardSigmoid: 1. ReduceMax of NaN and 1:
#            1. Cast to bool: false. ONNX Runtime: NaN each time, and true. So a network with a Relu behind the
#            failure gives an image that passes isfinite.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/nan.py" <<'P'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

x = np.array([np.nan, 1], np.float32)
bounds = {"zero": np.array(0, np.float32), "one": np.array(1, np.float32)}


def run(operation, inputs=("x",), kind=TensorProto.FLOAT, **attributes):
    """The first value of ``operation`` of ONNX Runtime and of OpenVINO."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    result = helper.make_tensor_value_info("y", kind, None)
    node = helper.make_node(operation, list(inputs), ["y"], **attributes)
    constants = [numpy_helper.from_array(value, name) for name, value in bounds.items() if name in inputs]
    graph = helper.make_graph([node], "g", [given], [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = onnxruntime.InferenceSession(model).run(None, {"x": x})[0].flat[0], compiled(x)[0].flat[0]
    print(f"{operation}({', '.join(inputs)}) of x = NaN: ONNX Runtime {found[0]}, OpenVINO {found[1]}")
    return found


def is_lost(found, as_value):
    return np.isnan(found[0]) and found[1] == as_value


assert is_lost(run("Relu"), 0)
assert is_lost(run("Clip", ("x", "zero", "one")), 0)
assert is_lost(run("Max", ("x", "zero")), 0)
assert np.isnan(run("Max", ("zero", "x"))).all()
assert is_lost(run("Min", ("x", "one")), 1)
assert is_lost(run("HardSigmoid"), 1)
assert is_lost(run("ReduceMax", keepdims=0), 1)
assert run("Cast", kind=TensorProto.BOOL, to=TensorProto.BOOL) == (True, False)
assert np.isnan(run("LeakyRelu")).all() and np.isnan(run("Sigmoid")).all()
P
"$work/venv/bin/python" "$work/nan.py"
