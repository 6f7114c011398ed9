#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO rounds averages of 8-bit activations to whole steps on a CPU where a product or a sum follows the pooling, though
# nothing in the model rounds there. A head that takes the logarithm of small averages is far off then.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6; a CPU with AVX-512 VNNI.
# Guess:     a FakeQuantize says what is rounded: the activations. Their average is a float, whatever is done with it.
# Seen:      convolution, ReLU, FakeQuantize (256 levels), AvgPool of 16x16: with the pool as the output, averages between the
#            steps, as they should be. With a product by 0.01 behind it, whole steps (up to half a step off); with a sum over
#            channels 0.11 of 5.3 off; with log(0.01 x + 0.001) off by 0.21. No error, no warning. A depthwise convolution with
#            equal weights in place of the pool is exact.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$work/averages.py" <<'P'
import numpy as np
import openvino
from openvino import opset13 as op

rng = np.random.default_rng(0)
STEP, SIDE, CHANNELS = np.float32(0.05), 16, 16
levels = rng.integers(-127, 128, (CHANNELS, 8, 3, 3)).astype(np.int8)
scale = np.full((CHANNELS, 1, 1, 1), 0.002, np.float32)
image = rng.random((1, 8, 64, 64), np.float32)


def averages(behind, depthwise=False):
    given = op.parameter([1, 8, 64, 64], np.float32)
    rounded = op.fake_quantize(given, np.float32(0), np.float32(1), np.float32(0), np.float32(1), 256)
    weights = op.multiply(op.convert(op.constant(levels), np.float32), op.constant(scale))
    sums = op.relu(op.convolution(rounded, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    top = STEP * 255
    sums = op.fake_quantize(sums, np.float32(0), top, np.float32(0), top, 256)
    if depthwise:
        equal = op.constant(np.full((CHANNELS, 1, 1, SIDE, SIDE), 1 / SIDE**2, np.float32))
        mean = op.group_convolution(sums, equal, [SIDE, SIDE], [0, 0], [0, 0], [1, 1])
    else:
        mean = op.avg_pool(sums, [SIDE, SIDE], [0, 0], [0, 0], [SIDE, SIDE], True)
    model = openvino.Model([behind(mean)], [given])
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image)[0]


def product(x):
    return op.multiply(x, np.float32(0.01))


def logarithm(x):
    return op.log(op.add(product(x), np.float32(0.001)))


def in_steps(x):
    return float(np.abs(x / STEP - np.round(x / STEP)).max())


exact = averages(lambda x: x)
scaled = averages(product) / np.float32(0.01)
log_error = float(np.abs(averages(logarithm) - np.log(exact * np.float32(0.01) + np.float32(0.001))).max())
summed = averages(lambda x: op.reduce_sum(x, np.array([1]), False))
sum_error = float(np.abs(summed - exact.sum(1)).max())
depthwise_error = float(np.abs(averages(product, depthwise=True) / np.float32(0.01) - exact).max())
print("distance to whole steps: pool alone", in_steps(exact), "with a product", in_steps(scaled))
print("errors: product", np.abs(scaled - exact).max(), "sum", sum_error, "of", exact.sum(1).max(), "logarithm", log_error)
print("depthwise convolution and a product:", depthwise_error)
assert in_steps(exact) > 0.4
assert in_steps(scaled) < 1e-3
assert log_error > 0.1 and sum_error > 0.05
assert depthwise_error < 1e-4
P
"$work/venv/bin/python" "$work/averages.py"
