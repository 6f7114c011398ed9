#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# openvino.save_model writes a weight that is NaN as 65504, and a small one beside larger ones as 0.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6, on the CPU.
# Guess:     float16, its default, loses digits; NaN and infinity it has, and constants that it cannot hold stay
#            float32.
# Seen:      [0, -inf, 1, nan] is read back as [0, -65504, 1, 65504]: a damaged network can no longer be told by its
#            weights. [1, 1e-8, 2, 3] is [1, 0, 2, 3], and a division by it gives NaN or infinity; [1e-8, 1e-8, 1e-8,
#            1e-8] is kept in float32, as is 1e-8 alone. compress_to_fp16=False keeps all of them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$work/save.py" <<'P'
import os

import numpy as np
import openvino
from openvino import opset15 as op

os.chdir(os.path.dirname(__file__))


def there_and_back(weights, given_values, operation, **options):
    weights = np.array(weights, np.float32)
    given = op.parameter([4], openvino.Type.f32)
    model = openvino.Model([operation(given, op.constant(weights))], [given])
    openvino.save_model(model, "network.xml", **options)
    compiled = openvino.Core().compile_model("network.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(np.full(4, given_values, np.float32))[0]
    print(f"{operation.__name__} of {given_values} and {weights.tolist()}, {options}: {found.tolist()}")
    return found


def same(found, expected):
    return np.array_equal(found, np.array(expected, np.float32), equal_nan=True)


damaged, mixed, small = [0, -np.inf, 1, np.nan], [1, 1e-8, 2, 3], [1e-8] * 4
assert same(there_and_back(damaged, 0, op.add), [0, -65504, 1, 65504])
assert same(there_and_back(damaged, 0, op.add, compress_to_fp16=False), damaged)
assert same(there_and_back(mixed, 0, op.add), [1, 0, 2, 3])
assert same(there_and_back(small, 0, op.add), small)
assert np.isnan(there_and_back(mixed, 0, op.divide)[1])
assert same(there_and_back(mixed, 0, op.divide, compress_to_fp16=False), [0, 0, 0, 0])
P
"$work/venv/bin/python" "$work/save.py"
