#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO's Python API cuts floats given to a network that takes bytes down to whole numbers, without an error.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6; onnxruntime 1.32.0 with onnx 1.23.2 for comparison.
# Guess:     an array of another type than the input's is refused, as one of another shape is, and as a list and ONNX
#            Runtime do.
# Seen:      an image in [0, 1] becomes black but for its pixels of exactly 1, which are 1 of 255. Integers of 64 bits
#            wrap: 256 is 0, -1 is 255. share_inputs=True does not change that. Whole floats from 0 to 255 come
#            through right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/bytes.py" <<'P'
import warnings

import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper

warnings.simplefilter("error")
given = helper.make_tensor_value_info("x", TensorProto.UINT8, [4])
result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)], "g", [given], [result])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
session = onnxruntime.InferenceSession(model)
compiled = openvino.Core().compile_model(openvino.Core().read_model(model), "CPU")


def is_refused(call):
    try:
        call()
    except Exception as error:
        print(f"refused: {type(error).__name__}")
        return True
    return False


def seen(values, dtype):
    array = np.array(values, dtype)
    found = [compiled(array, share_inputs=shares)[0].tolist() for shares in (False, True)]
    found.append(compiled.create_infer_request().infer({"x": array})[0].tolist())
    print(f"{values} of {array.dtype}: the network sees {found[0]}")
    assert found[1:] == found[:-1]
    assert is_refused(lambda: session.run(None, {"x": array}))
    return found[0]


assert seen([0.25, 0.5, 0.999, 1], np.float32) == [0, 0, 0, 1]
assert seen([-1, 256, 300, 255], np.int64) == [255, 0, 44, 255]
assert seen([0, 100, 200, 255], np.float16) == [0, 100, 200, 255]
assert is_refused(lambda: compiled([0.25, 0.5, 0.999, 1]))
assert is_refused(lambda: compiled(np.zeros((2, 2), np.uint8)))
P
"$work/venv/bin/python" "$work/bytes.py"
