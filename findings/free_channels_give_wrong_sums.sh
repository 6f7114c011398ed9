#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO computes a convolution on 8-bit integers wrongly on a CPU where the channels of its input are scaled one by one
# before they are rounded and the number of channels is free: as PyTorch's converter leaves it.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6.
# Guess:     which sides of the input are fixed decides how fast a network is, not what it gives; the weights fix the number of
#            channels anyway.
# Seen:      fixed (1, 16, 24, 32), and fixed channels with everything else free: the sums that NumPy has, to 1e-5. Every side
#            free: off by 2.2, where the largest sum is 3.3. No error, no warning. reshape() to fixed channels mends it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$work/sums.py" <<'P'
import numpy as np
import openvino
from openvino import opset13 as op

rng = np.random.default_rng(0)
LEVEL = np.float32(0.02)
levels = rng.integers(-127, 128, (8, 16, 3, 3)).astype(np.int8)
scale = np.full((8, 1, 1, 1), 0.002, np.float32)
factor = np.linspace(0.5, 2, 16, dtype=np.float32).reshape(1, 16, 1, 1)
image = rng.random((1, 16, 24, 32), np.float32)


def network(shape):
    given = op.parameter(shape, np.float32)
    low, high = -128 * LEVEL, 127 * LEVEL
    rounded = op.fake_quantize(op.multiply(given, factor), low, high, low, high, 256)
    weights = op.multiply(op.convert(op.constant(levels), np.float32), op.constant(scale))
    return openvino.Model([op.convolution(rounded, weights, [1, 1], [0, 0], [0, 0], [1, 1])], [given])


def error(model):
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return float(np.abs(compiled(image)[0] - expected).max())


rounded = np.clip(np.round(image * factor / LEVEL), -128, 127) * LEVEL
patches = np.lib.stride_tricks.sliding_window_view(rounded, (3, 3), (2, 3))
expected = np.einsum("bchwij,ocij->bohw", patches, levels * scale, optimize=True)
free = network([-1, -1, -1, -1])
errors = [error(network(shape)) for shape in ([1, 16, 24, 32], [-1, 16, -1, -1])] + [error(free)]
free.reshape([-1, 16, -1, -1])
errors.append(error(free))
print("largest sum", np.abs(expected).max(), "errors: fixed, free but for the channels, free, free and then reshaped", errors)
assert max(errors[0], errors[1], errors[3]) < 1e-4
assert errors[2] > 1
P
"$work/venv/bin/python" "$work/sums.py"
