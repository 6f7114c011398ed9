#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# laspy stores an intensity of 70000 as 4464 and one of 0.7 as 0, without an error.
#
# Versions:  laspy 2.7.0, numpy 2.4.6.
# Guess:     a value that does not fit its field is refused, as a coordinate, a class or a return number is.
# Seen:      those three raise OverflowError; intensity and the colours, of 16 bits, begin again at 0: 70000 is 4464 and
#            -1 is 65535. Fractions are cut: reflectances from 0 to 1, as many drivers give them, all become 0.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check laspy==2.7.0 numpy==2.4.6
cat > "$work/wrap.py" <<'P'
import sys

import laspy
import numpy as np

path = f"{sys.argv[1]}/points.las"


def written(field, values):
    """What a file holds of values put into a field, or the name of the error."""
    points = laspy.LasData(laspy.LasHeader(point_format=3, version="1.2"))
    points.x = points.y = points.z = np.zeros(len(values))
    try:
        setattr(points, field, np.array(values))
    except OverflowError as error:
        return type(error).__name__
    points.write(path)
    return np.array(laspy.read(path)[field]).tolist()


for field, values, expected in (
    ("x", [1e9, 0.0, 0.0], "OverflowError"),
    ("classification", [40, 1, 1], "OverflowError"),
    ("return_number", [9, 1, 1], "OverflowError"),
    ("intensity", [70000, -1, 300], [4464, 65535, 300]),
    ("red", [70000, -1, 300], [4464, 65535, 300]),
    ("intensity", [0.1, 0.7, 0.99], [0, 0, 0]),
):
    seen = written(field, values)
    print(f"{field} {values}: {seen}")
    assert seen == expected
P
"$work/venv/bin/python" "$work/wrap.py" "$work"
