#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO converts floats to bytes modulo 256 if every side of the input is fixed, and saturates if one is free.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6, on the CPU.
# Guess:     one network gives one image; fixing the size of its input changes its speed only.
# Seen:      300 is 44 with fixed sides and 255 with a free batch; -1 is 255 and 0. So the same network, brightening
#            an image, leaves dark specks in its highlights after Model.reshape, and none before. The hint for
#            precision changes nothing. A clamp before the conversion gives 255 and 0 both ways.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$work/wrap.py" <<'P'
import numpy as np
import openvino
from openvino import opset15 as op

image = np.full((1, 8, 8, 3), 200, np.float32)
image[0, 0, 0] = -2 / 3


def first_and_last(batch, clamps=False, precision="f32"):
    given = op.parameter([-1, 8, 8, 3], openvino.Type.f32)
    brighter = op.multiply(given, op.constant(np.float32(1.5)))
    if clamps:
        brighter = op.clamp(brighter, 0, 255)
    model = openvino.Model([op.convert(brighter, "u8")], [given])
    model.reshape([batch, 8, 8, 3])
    found = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision})(image)[0]
    pair = int(found[0, 0, 0, 0]), int(found[0, 7, 7, 0])
    print(f"batch {batch}, clamped {clamps}, {precision}: -1 and 300 as bytes: {pair}")
    return pair


for precision in ("f32", "bf16"):
    assert first_and_last(1, precision=precision) == (255, 44)
    assert first_and_last(-1, precision=precision) == (0, 255)
assert first_and_last(1, clamps=True) == first_and_last(-1, clamps=True) == (0, 255)
P
"$work/venv/bin/python" "$work/wrap.py"
