#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OpenCV's FileStorage writes another thing than it is given: an int64 array by its lower 32 bits, True as a matrix.
#
# Versions:  opencv-python-headless 4.14.0.94, numpy 2.4.6, pyyaml 6.0.4.
# Guess:     what it cannot write is refused, as it does with a list of numbers; NaN is YAML's.
# Seen:      1700000000123456789, a time stamp in ns, is 1032178965 when it is written in an int64 array, and 2**40 is
#            0; the same number by itself is written whole. True is a matrix [1, 0, 0, 0], whose real() is 1.8e308; None
#            is 0. NaN is written as .Nan, which PyYAML reads as a string. No error in any of these.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opencv-python-headless==4.14.0.94 numpy==2.4.6 pyyaml==6.0.4
cat > "$work/storage.py" <<'P'
import cv2
import numpy as np
import yaml

IN_MEMORY = cv2.FILE_STORAGE_MEMORY
STAMP_NS = 1_700_000_000_123_456_789


def written(value):
    storage = cv2.FileStorage(".yml", cv2.FILE_STORAGE_WRITE | IN_MEMORY)
    storage.write("value", value)
    text = storage.releaseAndGetString()
    print(f"{value!r}: {text.removeprefix('%YAML:1.0').split(None, 1)[1]!r}")
    return text


def read(text, how):
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | IN_MEMORY)
    return getattr(storage.getNode("value"), how)()


stamps = np.array([STAMP_NS, 2**40, 7], np.int64)
assert read(written(stamps), "mat").ravel().tolist() == stamps.astype(np.int32).tolist() != stamps.tolist()
assert f"value: {STAMP_NS}" in written(STAMP_NS)

flag = written(True)
assert read(flag, "mat").ravel().tolist() == [1, 0, 0, 0] and read(flag, "real") > 1e308
assert "value: 0" in written(None)

nothing = written(float("nan"))
assert np.isnan(read(nothing, "real"))
assert yaml.safe_load(nothing.replace("%YAML:1.0", "%YAML 1.0")) == {"value": ".Nan"}

try:
    written([1, 2])
except cv2.error as error:
    print("[1, 2]:", str(error).splitlines()[0])
else:
    raise SystemExit("a list of numbers is not refused any more")
P
"$work/venv/bin/python" "$work/storage.py"
