#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO on a CPU fuses a chain of pointwise operations into one kernel only where every side of the input is fixed.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6.
# Guess:     what each pixel goes through does not depend on how many there are: the chain is fused for every shape, or at
#            least where nothing but the batch is free.
# Seen:      fixed (1, 3, 64, 96): one Subgraph. Free height and width, or free batch alone: one Eltwise for each of three
#            steps, each of which reads and writes the whole image. (The results are equal.)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$work/layers.py" <<'P'
import numpy as np
import openvino
from openvino import opset13 as op

rng = np.random.default_rng(0)
a, b = (rng.random((1, 3, 64, 96), np.float32) for _ in range(2))
outputs = []


def layers(shape):
    older, current = (op.parameter(shape, np.float32) for _ in range(2))
    changed = op.tanh(op.subtract(older, current))
    model = openvino.Model([op.add(op.multiply(changed, op.sigmoid(current)), current)], [older, current])
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs.append(compiled([a, b])[0].copy())
    kinds = [node.get_rt_info()["layerType"].astype(str) for node in compiled.get_runtime_model().get_ordered_ops()]
    kinds = [kind for kind in kinds if kind not in ("Input", "Output")]
    print(shape, kinds)
    return kinds


assert layers([1, 3, 64, 96]) == ["Subgraph"]
assert layers([1, 3, -1, -1]) == ["Eltwise"] * 3
assert layers([-1, 3, 64, 96]) == ["Eltwise"] * 3
assert all(np.allclose(output, outputs[0], atol=1e-6) for output in outputs)
P
"$work/venv/bin/python" "$work/layers.py"
