#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ensemble-boxes' soft_nms gives every box the score that it had: a duplicate keeps 0.9.
#
# Versions:  ensemble-boxes 1.0.9, numba 0.61.2, numpy 2.2.6.
# Guess:     of two boxes of one class that overlap the second gets a lower score, the more they overlap.
# Seen:      the lowered scores only decide whether a box falls below thresh (0.001 by default); what comes back are
#            the scores that went in. Two equal boxes of 0.9 both come back with 0.9, where 0.12 is meant; at an IoU of
#            0.9 the linear method, too, gives 0.9 for 0.09. The duplicate is a false positive of full confidence. With
#            thresh=0.2 it is left out.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numba==0.61.2 numpy==2.2.6
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ensemble-boxes==1.0.9
cat > "$work/soft.py" <<'P'
from ensemble_boxes import soft_nms

first, other = [0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.46]  # their IoU is 0.9
for name, second, method, thresh, expected in (
    ("equal boxes, Gaussian, meant 0.12", first, 2, 0.001, [0.9, 0.9]),
    ("IoU of 0.9, Gaussian, meant 0.18", other, 2, 0.001, [0.9, 0.9]),
    ("IoU of 0.9, linear, meant 0.09", other, 1, 0.001, [0.9, 0.9]),
    ("equal boxes, Gaussian, thresh 0.2", first, 2, 0.2, [0.9]),
):
    scores = soft_nms([[first, second]], [[0.9, 0.9]], [[0, 0]], method=method, sigma=0.5, thresh=thresh)[1].tolist()
    print(f"{name}: {scores}")
    assert scores == expected
P
"$work/venv/bin/python" "$work/soft.py"
