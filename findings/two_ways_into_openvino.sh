#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A PyTorch network that OpenVINO converts itself computes otherwise than the same network that came by ONNX.
#
# Versions:  openvino 2026.4.1, torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, numpy 2.4.6, on the CPU, precision f32.
# Guess:     openvino.convert_model and torch.onnx.export (dynamo) give the same numbers as PyTorch, or refuse an
#            operation.
# Seen:      by ONNX all are PyTorch's. By convert_model: F.interpolate to one pixel, bilinear or bicubic, as the
#            image level of a pyramid has it, gives the corner pixel and not the middle (0 for 9.5); torch.round(x,
#            decimals=1) rounds to whole numbers; -7 // 2 of integers is -3 (-4).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
cat > "$work/ways.py" <<'P'
import logging
import warnings

import numpy as np
import openvino
import torch
from torch.nn import functional

warnings.simplefilter("ignore")
logging.disable()


class Network(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def answers(name, function, x):
    """Of PyTorch, by convert_model, by ONNX."""
    network, core = Network(function).eval(), openvino.Core()
    onnx = torch.onnx.export(network, (x,), dynamo=True, verbose=False).model_proto.SerializeToString()
    seen = [network(x).numpy().ravel()]
    for model in (openvino.convert_model(network, example_input=x), core.read_model(onnx)):
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        seen.append(compiled(x.numpy())[0].ravel())
    print(f"{name}: PyTorch {seen[0]}, convert_model {seen[1]}, by ONNX {seen[2]}")
    assert np.allclose(seen[0], seen[2])
    return [values.tolist() for values in seen[:2]]


image = torch.arange(20.0).reshape(1, 1, 4, 5)
for mode in ("bilinear", "bicubic"):
    pooled = answers(f"{mode} to one pixel", lambda x: functional.interpolate(x, size=(1, 1), mode=mode), image)
    assert pooled == [[9.5], [0.0]]
numbers = torch.tensor([0.24, 1.52, -7.0])
expected, converted = answers("round to one decimal", lambda x: torch.round(x, decimals=1), numbers)
assert np.allclose(expected, [0.2, 1.5, -7]) and converted == [0, 2, -7]
integers = torch.tensor([-7, -6, 7], dtype=torch.int32)
assert answers("// 2", lambda x: x // 2, integers) == [[-4, -3, 3], [-3, -3, 3]]
P
"$work/venv/bin/python" "$work/ways.py"
