#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# safetensors writes metadata of more than one key in a random order: the same weights are another file at each save.
#
# Versions:  safetensors 0.8.0, numpy 2.4.6.
# Guess:     tensors are sorted when they are saved and the header is plain JSON, so the same tensors and metadata give the
#            same bytes, and SHA-256 of the file can name the weights.
# Seen:      twenty saves of one tensor with eight keys of metadata, in one process: twenty digests. With one key, or none:
#            one digest. Length and the tensor's bytes are the same in all of them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import hashlib

import numpy as np
from safetensors.numpy import save

weights = {"weight": np.arange(6, dtype=np.float32)}


def digests(keys):
    files = [save(weights, {f"key {i}": f"value {i}" for i in range(keys)} or None) for _ in range(20)]
    assert len({len(file) for file in files}) == 1
    assert len({file[-weights["weight"].nbytes :] for file in files}) == 1
    return len({hashlib.sha256(file).hexdigest() for file in files})


seen = {keys: digests(keys) for keys in (0, 1, 8)}
for keys, count in seen.items():
    print(f"{keys} keys of metadata: {count} digests of 20 saves")
assert seen[0] == seen[1] == 1
assert seen[8] > 10
P
