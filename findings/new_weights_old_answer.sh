#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenVINO's model cache does not see that the weights of a network were replaced, only that its .xml was.
#
# Versions:  openvino 2026.4.1, numpy 2.4.6.
# Guess:     the key of the cache covers the whole network, .xml and .bin, or the time and size of both files.
# Seen:      y = 2 x compiled from net.xml by path, with a cache folder; then net.bin is replaced by that of y = 3 x, whose
#            .xml is the same to the byte, as git, rsync --checksum or an update by content leave it. By path: 2, from the
#            cache. By read_model(): 3. By path after net.xml was written anew: 3.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
cat > "$work/cache.py" <<'P'
import os
import sys
from pathlib import Path

import numpy as np
import openvino
from openvino import opset13 as op

work = Path(sys.argv[1])


def save(name, factor):
    given = op.parameter([1, 4], np.float32, name="given")
    weights = op.constant(np.full((1, 4), factor, np.float32), name="weights")
    product = op.multiply(given, weights, name="product")
    result = op.result(product, name="result")
    openvino.save_model(openvino.Model([result], [given], "network"), work / name, compress_to_fp16=False)


def answer(by_path):
    core = openvino.Core()
    core.set_property({"CACHE_DIR": str(work / ("by_path" if by_path else "as_read"))})
    model = work / "net.xml" if by_path else core.read_model(work / "net.xml")
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    value = float(compiled(np.ones((1, 4), np.float32))[0][0, 0])
    print(f"  by {'path' if by_path else 'read_model()'}: {value}, from the cache: {compiled.get_property('LOADED_FROM_CACHE')}")
    return value


save("net.xml", 2)
save("new.xml", 3)
assert (work / "net.xml").read_bytes() == (work / "new.xml").read_bytes()
print("the first weights, twice")
assert [answer(by_path) for by_path in (True, True, False, False)] == [2, 2, 2, 2]
os.replace(work / "new.bin", work / "net.bin")
print("other weights, the same .xml")
assert answer(by_path=False) == 3
assert answer(by_path=True) == 2
os.utime(work / "net.xml", (1, 1))
print("other weights, the .xml is of another time")
assert answer(by_path=True) == 3
P
OPENVINO_TELEMETRY_OPT_OUT=1 "$work/venv/bin/python" "$work/cache.py" "$work"
