#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags and rosidl give a message with a `char` field different type hashes.
#
# Versions:  rosbags 0.11.9 against ros-jazzy-std-msgs 5.3.6.
# Guess:     the hash RIHS01 is defined by what is written in the .msg file, and both follow the same text.
# Seen:      std_msgs/msg/Char: another hash in each; std_msgs/msg/UInt8 and String: the same. rosidl turns char
#            into uint8 before it hashes, rosbags hashes it as a type of its own.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9 ros-jazzy-std-msgs==5.3.6
"$work/venv/bin/python" - "$work/venv" <<'P'
import json
import sys
from pathlib import Path

from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS2_JAZZY)
for name, is_equal in (("Char", False), ("UInt8", True), ("String", True)):
    (file,) = Path(sys.argv[1]).rglob(f"std_msgs/msg/{name}.json")
    hashes = json.loads(file.read_text())["type_hashes"]
    (theirs,) = [h["hash_string"] for h in hashes if h["type_name"] == f"std_msgs/msg/{name}"]
    ours = store.hash_rihs01(f"std_msgs/msg/{name}")
    print(f"{name}: rosbags {ours[:20]}..., rosidl {theirs[:20]}...")
    assert (ours == theirs) == is_equal
P
