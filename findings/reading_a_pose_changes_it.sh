#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pyquaternion changes what it reads: slerp turns the sign of its first operand, rotation_matrix normalises its object.
#
# Versions:  pyquaternion 0.9.9, numpy 2.4.6.
# Guess:     functions that compute something new of poses leave the poses as they are.
# Seen:      slerp between 10 degrees and the other sign of 50: the recorded first pose has all its components negated
#            afterwards. rotation_matrix, rotate() and yaw_pitch_roll bring a quaternion of length 2.01 to 1. A list of
#            poses whose differences are taken before and after an interpolation is not the same list.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyquaternion==0.9.9 numpy==2.4.6
cat > "$work/pose.py" <<'P'
import numpy as np
from pyquaternion import Quaternion

first, second = Quaternion(axis=[0, 0, 1], degrees=10), -Quaternion(axis=[0, 0, 1], degrees=50)
before = first.q.copy(), second.q.copy()
between = Quaternion.slerp(first, second, 0.5)
print(f"slerp: first {before[0].round(3)} becomes {first.q.round(3)}, second stays {second.q.round(3)}")
assert np.allclose(between.rotation_matrix, Quaternion(axis=[0, 0, 1], degrees=30).rotation_matrix)
assert np.array_equal(first.q, -before[0]) and np.array_equal(second.q, before[1])

for read in (lambda q: q.rotation_matrix, lambda q: q.rotate([1, 0, 0]), lambda q: q.yaw_pitch_roll):
    pose = Quaternion(2, 0, 0, 0.2)
    read(pose)
    print(f"length {Quaternion(2, 0, 0, 0.2).norm:.2f} becomes {pose.norm:.2f}")
    assert abs(pose.norm - 1) < 1e-6
P
"$work/venv/bin/python" "$work/pose.py"
