#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# safetensors.numpy saves a transposed array under its shape with its values in another order, without an error.
#
# Versions:  safetensors 0.8.0, numpy 2.4.6; safetensors 0.7.0 for comparison.
# Guess:     its documentation asks for contiguous arrays, so another one raises, as safetensors.torch does; or it is
#            copied, as 0.7.0 did.
# Seen:      [[0, 3], [1, 4], [2, 5]] comes back as [[0, 1], [2, 3], [4, 5]]: the memory as it lies. So do the weights
#            of a convolution turned from HWIO to OIHW, and an array in Fortran's order. 0.7.0 writes them right.
#            np.ascontiguousarray mends it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
cat > "$work/save.py" <<'P'
import sys

import numpy as np
import safetensors
import safetensors.numpy

table = np.arange(6, dtype=np.float32).reshape(2, 3)
hwio = np.arange(54, dtype=np.float32).reshape(3, 3, 2, 3)


def there_and_back(array):
    return safetensors.numpy.load(safetensors.numpy.save({"w": array}))["w"]


def is_kept(array):
    found = there_and_back(array)
    assert found.shape == array.shape
    return np.array_equal(found, array)


kept = [is_kept(table), is_kept(table.T), is_kept(hwio.transpose(3, 2, 0, 1)), is_kept(np.asfortranarray(table))]
print(f"safetensors {safetensors.__version__}: {table.T.tolist()} is {there_and_back(table.T).tolist()}")
print("kept: as it is, transposed, HWIO to OIHW, Fortran:", kept)
assert kept == [True, *[sys.argv[1] == "kept"] * 3]
assert is_kept(np.ascontiguousarray(table.T))
P
for version in "0.7.0 kept" "0.8.0 scrambled"; do
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check "safetensors==${version% *}" numpy==2.4.6
  "$work/venv/bin/python" "$work/save.py" "${version#* }"
done
