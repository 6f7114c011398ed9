#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags writes the bytes of an int64 or big-endian array into a float64[] as they lie: a distortion of 1 is 5e-324.
#
# Versions:  rosbags 0.11.9, numpy 2.4.6.
# Guess:     an array of another type is converted, as a number is, or is refused, as float32 is.
# Seen:      d = np.array([0, 1, 2]) comes back as [0, 5e-324, 1e-323], the ones of np.eye(3, dtype=int) as 5e-324,
#            and an array of ">f8" as 3e-319. float32, bool and lists raise. A camera whose calibration was typed in
#            whole numbers thus has a focal length of 0.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9 numpy==2.4.6
cat > "$work/doubles.py" <<'P'
import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

NAME = "example_msgs/msg/Camera"
store = get_typestore(Stores.ROS2_JAZZY)
store.register(get_types_from_msg("float64[] d\nfloat64[9] k", NAME))


def there_and_back(d, k):
    try:
        found = store.deserialize_cdr(store.serialize_cdr(store.types[NAME](d=d, k=k), NAME), NAME)
    except Exception as error:
        print(f"d {np.asarray(d).dtype}, k {np.asarray(k).dtype}: {type(error).__name__}: {error}")
        return None
    print(f"d {d.dtype}, k {k.dtype}: d {found.d.tolist()}, k {found.k.tolist()}")
    return found


values, matrix = np.array([0.0, 1, 2]), np.eye(3).ravel()
right = there_and_back(values, matrix)
assert np.array_equal(right.d, values) and np.array_equal(right.k, matrix)
for wrong in (there_and_back(values.astype(int), matrix.astype(int)), there_and_back(values.astype(">f8"), matrix)):
    assert len(wrong.d) == 3 and wrong.d[0] == 0 and 0 < wrong.d[1:].max() < 1e-300
assert 0 < there_and_back(values, matrix.astype(int)).k.max() < 1e-300
assert there_and_back(values.astype(np.float32), matrix) is None
assert there_and_back(values > 0, matrix) is None
assert there_and_back(values.tolist(), matrix) is None
P
"$work/venv/bin/python" "$work/doubles.py"
