#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nncf.compress_weights changes the OpenVINO model that it is given; nncf.quantize leaves it and returns another.
#
# Versions:  nncf 3.4.0, openvino 2026.4.1, numpy 2.4.6.
# Guess:     both return the compressed model beside the given one, for both return one.
# Seen:      the model that compress_weights returns is the one that was given: compared with each other afterwards,
#            they differ by 0, so the comparison that should show the loss never does. quantize: another model, and a
#            difference. model.clone() before the call keeps the first.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nncf==3.4.0 openvino==2026.4.1 numpy==2.4.6
cat > "$work/compress.py" <<'P'
import logging

import nncf
import numpy as np
import openvino
from openvino import opset15 as op

nncf.set_log_level(logging.ERROR)
random = np.random.default_rng(0)
weights, x = (random.normal(size=shape).astype(np.float32) for shape in ((256, 256), (1, 256)))


def network():
    given = op.parameter([1, 256], openvino.Type.f32)
    return openvino.Model([op.matmul(given, op.constant(weights), False, True)], [given])


def output(model):
    return openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]


def compared(name, compress):
    """Whether the given model is returned, and the largest difference of the two afterwards."""
    model = network()
    before = output(model)
    returned = compress(model)
    difference = float(np.abs(output(model) - output(returned)).max())
    loss = float(np.abs(output(returned) - before).max())
    print(f"{name}: returns the given one: {returned is model}; difference {difference:.4f}, loss {loss:.4f}")
    assert loss > 0.001
    return returned is model, difference


assert compared("compress_weights", nncf.compress_weights) == (True, 0)
is_given, difference = compared("quantize", lambda model: nncf.quantize(model, nncf.Dataset([x])))
assert not is_given and difference > 0.001
is_given, difference = compared("compress_weights of a clone", lambda model: nncf.compress_weights(model.clone()))
assert not is_given and difference > 0.001
P
"$work/venv/bin/python" "$work/compress.py"
