#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO reads an ONNX Resize without its attributes antialias, keep_aspect_ratio_policy and exclude_outside,
# without a word.
#
# Versions:  openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, on the CPU.
# Guess:     what it does not implement it refuses, as it does coordinate_transformation_mode "half_pixel_symmetric"
#            in this operation.
# Seen:      lines of 1 at every fourth column, 16 to 4 with antialias: 0.16 to 0.38 in ONNX Runtime, 0 everywhere in
#            OpenVINO, as without. keep_aspect_ratio_policy "not_larger", 8 x 16 into 8 x 8: 4 x 8 pixels in ONNX
#            Runtime, 8 x 8 in OpenVINO. exclude_outside of a cubic enlargement: off by 0.03.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/resize.py" <<'P'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

lines = np.zeros((1, 1, 8, 16), np.float32)
lines[..., ::4] = 1


def resize(size, **attributes):
    """Of ONNX Runtime, of OpenVINO."""
    sides = numpy_helper.from_array(np.array(size, np.int64), "size")
    node = helper.make_node("Resize", ["x", "", "", "size"], ["y"], axes=[2, 3], **attributes)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, lines.shape)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [given], [result], [sides])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen = onnxruntime.InferenceSession(model).run(None, {"x": lines})[0], compiled(lines)[0]
    print(f"{attributes} to {size}: ONNX Runtime {seen[0].shape}, {seen[0][0, 0, 0, :4].round(3)}; ", end="")
    print(f"OpenVINO {seen[1].shape}, {seen[1][0, 0, 0, :4].round(3)}")
    return seen


plain = resize([8, 4], mode="linear")
assert not plain[0].any() and not plain[1].any()
smooth = resize([8, 4], mode="linear", antialias=1)
assert smooth[0].min() > 0.15 and np.array_equal(smooth[1], plain[1])
whole = resize([8, 8], mode="linear", keep_aspect_ratio_policy="not_larger")
assert whole[0].shape == (1, 1, 4, 8) and whole[1].shape == (1, 1, 8, 8)
cubic, inside = resize([16, 32], mode="cubic"), resize([16, 32], mode="cubic", exclude_outside=1)
assert np.allclose(*cubic, atol=1e-5) and np.array_equal(inside[1], cubic[1])
assert 0.02 < np.abs(inside[0] - inside[1]).max() < 0.05
try:
    resize([8, 4], mode="linear", coordinate_transformation_mode="half_pixel_symmetric")
except RuntimeError as error:
    print("half_pixel_symmetric:", str(error).splitlines()[0][:80])
else:
    raise SystemExit("half_pixel_symmetric is read now")
P
"$work/venv/bin/python" "$work/resize.py"
