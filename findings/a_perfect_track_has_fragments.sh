#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TrackEval counts a fragmentation where an object was not there, motmetrics does not: a perfect tracker has some.
#
# Versions:  trackeval 1.3.0, motmetrics 1.4.0, numpy 2.4.6.
# Guess:     both give CLEAR MOT's numbers, and answers equal to the labels have no fragmentation.
# Seen:      two cars, one of them hidden and not labelled in the third of five frames, tracks equal to the labels: MOTA
#            is 1 in both, Frag is 1 by TrackEval and 0 by motmetrics. MOTA, identity switches, IDF1, false positives
#            and misses of random tracks were equal.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
  trackeval==1.3.0 motmetrics==1.4.0 numpy==2.4.6 scipy==1.17.1 pycocotools==2.0.11 tabulate==0.10.0 tqdm==4.70.1 \
  pandas==3.1.1 python-dateutil==4.0.0 six==1.17.0 xmltodict==1.0.4
cat > "$work/tracks.py" <<'P'
import motmetrics
import numpy as np
from trackeval.metrics import CLEAR

present = [np.array(ids) for ids in ([0, 1], [0, 1], [1], [0, 1], [0, 1])]
count = sum(map(len, present))
clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence({
    "num_timesteps": len(present), "gt_ids": present, "tracker_ids": present,
    "similarity_scores": [np.eye(len(ids)) for ids in present], "num_gt_dets": count, "num_tracker_dets": count,
    "num_gt_ids": 2, "num_tracker_ids": 2,
})  # fmt: skip
tracks = motmetrics.MOTAccumulator(auto_id=True)
for ids in present:
    tracks.update(ids, ids, 1 - np.eye(len(ids)))
other = motmetrics.metrics.create().compute(tracks, metrics=["num_fragmentations", "mota"]).iloc[0]
print(f"TrackEval: {clear['Frag']:.0f} fragmentation, MOTA {clear['MOTA']}")
print(f"motmetrics: {other['num_fragmentations']:.0f} fragmentations, MOTA {other['mota']}")
assert clear["Frag"] == 1 and other["num_fragmentations"] == 0 and clear["MOTA"] == other["mota"] == 1
P
"$work/venv/bin/python" "$work/tracks.py"
