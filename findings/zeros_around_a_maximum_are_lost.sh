#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# onnxoptimizer turns zeros around an image into MaxPool's own padding, which is minus infinity: negative edges change.
#
# Versions:  onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Guess:     a fusion keeps what the network computes; Pad of zeros may go into AveragePool, which counts zeros if it is
#            told to, not into MaxPool.
# Seen:      Pad by 1, MaxPool of 3 x 3, of an image of -1: before 0 along the edge, after optimize() -1 everywhere, and
#            one node instead of two. AveragePool is right. Without fuse_pad_into_pool, which is among the default
#            passes, MaxPool is right, too.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$work/fuse.py" <<'P'
import numpy as np
import onnxoptimizer
import onnxruntime
from onnx import parser

image = np.full((1, 1, 4, 4), -1, np.float32)


def pooled(operation, *passes):
    """The pooled image before and after optimize()."""
    model = parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17]>
        network (float[1, 1, 4, 4] x) => (float[1, 1, 4, 4] y) <int64[8] pads = {{0, 0, 1, 1, 0, 0, 1, 1}}>
        {{ padded = Pad(x, pads) y = {operation}<kernel_shape = [3, 3]>(padded) }}"""
    )
    optimized = onnxoptimizer.optimize(model, *passes)
    before, after = (
        onnxruntime.InferenceSession(each.SerializeToString()).run(None, {"x": image})[0][0, 0]
        for each in (model, optimized)
    )
    names = [node.op_type for node in optimized.graph.node]
    print(f"Pad, {operation}: upper row {before[0].round(3)}; {', '.join(names)}: {after[0].round(3)}")
    return before, after


before, after = pooled("MaxPool")
edge = np.pad(np.zeros((2, 2), bool), 1, constant_values=True)
assert (before[edge] == 0).all() and (before[~edge] == -1).all() and (after == -1).all()
before, after = pooled("AveragePool")
assert np.allclose(before, after)
without = [name for name in onnxoptimizer.get_fuse_and_elimination_passes() if name != "fuse_pad_into_pool"]
before, after = pooled("MaxPool", without)
assert (before == after).all()
P
"$work/venv/bin/python" "$work/fuse.py"
