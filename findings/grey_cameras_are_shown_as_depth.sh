#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rerun takes every camera of one channel for a depth camera.
#
# Versions:  rerun-sdk 0.41.0; the bag is written by rosbags 0.11.9.
# Guess:     mono8 and mono16 become an Image of one channel, 16UC1 a DepthImage.
# Seen:      all three become DepthImage (grey, infrared and thermal cameras are drawn in false colours and lifted
#            into the 3-D view); rgb8 becomes Image.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rerun-sdk==0.41.0 rosbags==0.11.9 numpy==2.4.6
cat > "$work/shown.py" <<'P'
"""write: a bag with one image in each encoding; read: which archetypes a printed recording has for each."""

import re
import sys
from pathlib import Path

ENCODINGS = {"mono8": 1, "mono16": 2, "16UC1": 2, "rgb8": 3}
WANTED = {"mono8": "DepthImage", "mono16": "DepthImage", "16UC1": "DepthImage", "rgb8": "Image"}


def write(folder):
    import numpy as np
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store, image = get_typestore(Stores.ROS2_JAZZY), "sensor_msgs/msg/Image"
    header = store.types["std_msgs/msg/Header"](store.types["builtin_interfaces/msg/Time"](100, 0), "camera")
    with Writer(Path(folder), version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for encoding, size in ENCODINGS.items():
            connection = writer.add_connection(f"/as_{encoding}", image, typestore=store)
            pixels = np.arange(64 * size, dtype=np.uint8)
            message = store.types[image](header, 8, 8, encoding, 0, 8 * size, pixels)
            writer.write(connection, 100 * 10**9, store.serialize_cdr(message, image))


def read(printed):
    chunks = re.split(r"(?m)^Chunk\(", re.sub(r"\x1b\[[0-9;]*m", "", Path(printed).read_text()))
    shown = {}
    for chunk in chunks:
        for encoding in ENCODINGS:
            if f" - /as_{encoding} " in chunk.splitlines()[0]:
                shown.setdefault(encoding, set()).update(re.findall(r"component: (\w*Image):buffer", chunk))
    print(shown)
    assert shown == {encoding: {archetype} for encoding, archetype in WANTED.items()}


{"write": write, "read": read}[sys.argv[1]](sys.argv[2])
P
"$work/venv/bin/python" "$work/shown.py" write "$work/bag"
"$work/venv/bin/rerun" mcap convert "$work/bag/bag.mcap" -o "$work/bag.rrd" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/venv/bin/rerun" rrd print -vv "$work/bag.rrd" >"$work/printed" 2>/dev/null
"$work/venv/bin/python" "$work/shown.py" read "$work/printed"
