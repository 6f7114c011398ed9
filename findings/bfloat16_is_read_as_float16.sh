#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO's Python API takes the bits of bfloat16 for float16 and the other way round: 3 comes back as 2.125.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6; ml_dtypes 0.6.0 for comparison.
# Guess:     a bfloat16 output is converted to float32, which holds each of its values, or refused, for NumPy has no
#            such type; a float16 input is converted.
# Seen:      1, 2, 3, 0.5 come back as the float16 1.875, 2, 2.125, 1.75, of an output as of a constant; view() with
#            ml_dtypes has them right. A float16 array fed in is taken by its bits: 3 becomes 32. In and out together
#            hide it: without an operation between, all looks right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6 ml_dtypes==0.6.0
cat > "$work/half.py" <<'P'
import ml_dtypes
import numpy as np
import openvino
from openvino import opset15 as op

VALUES = [1, 2, 3, 0.5]
values = np.array(VALUES, np.float32)
config = {"INFERENCE_PRECISION_HINT": "f32"}


def output(given, returned, x):
    """What a network that only converts ``given`` to ``returned`` makes of ``x``."""
    parameter = op.parameter([4], getattr(openvino.Type, given))
    found = openvino.compile_model(openvino.Model([op.convert(parameter, returned)], [parameter]), "CPU", config)(x)[0]
    print(f"{x.dtype} into {given}, out as {returned}: {found.dtype} {found.tolist()}")
    return found


found = output("f32", "bf16", values)
assert found.dtype == np.float16 and found.tolist() == [1.875, 2, 2.125, 1.75]
assert found.view(ml_dtypes.bfloat16).tolist() == VALUES
constant = op.constant(values, openvino.Type.bf16).data
print("constant:", constant.dtype, constant.tolist())
assert constant.tolist() == found.tolist()

assert output("f32", "f16", values).tolist() == VALUES
assert output("bf16", "f32", values.astype(ml_dtypes.bfloat16)).tolist() == VALUES
assert output("bf16", "f32", values.astype(np.float16)).tolist() == [0.0078125, 2, 32, 2**-15]
assert output("bf16", "bf16", values.astype(np.float16)).tolist() == VALUES
P
"$work/venv/bin/python" "$work/half.py"
