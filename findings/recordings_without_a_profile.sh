#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ROS 2 messages that foxglove-sdk records are refused by rosbags, for want of one word in the file's header.
#
# Versions:  foxglove-sdk 0.30.3 (writes), rosbags 0.11.9, mcap-ros2-support 0.6.0 (read).
# Guess:     message encoding "cdr" and schema encoding "ros2msg" say what is in the file; the profile is a hint.
# Seen:      open_mcap() leaves the profile empty, whatever its channels hold; rosbags: ReaderError "Profile is not
#            ros2.", mcap-ros2-support reads the message. writer_options=MCAPWriteOptions(profile="ros2") makes both
#            read it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  foxglove-sdk==0.30.3 rosbags==0.11.9 mcap==1.6.0 mcap-ros2-support==0.6.0
cat > "$work/read.py" <<'P'
import sys
from pathlib import Path

import foxglove
from foxglove.mcap import MCAPWriteOptions
from mcap.reader import make_reader
from mcap_ros2.reader import read_ros2_messages
from rosbags.rosbag2 import Reader, ReaderError

schema = foxglove.Schema(name="std_msgs/msg/String", encoding="ros2msg", data=b"string data")
channel = foxglove.Channel("/text", message_encoding="cdr", schema=schema)


def read(options):
    file = Path(sys.argv[1])
    with foxglove.open_mcap(file, allow_overwrite=True, writer_options=options):
        channel.log(b"\0\1\0\0\4\0\0\0abc\0", log_time=1)
    with file.open("rb") as stream:
        profile = make_reader(stream).get_header().profile
    try:
        with Reader(file) as reader:
            by_rosbags = len(list(reader.messages()))
    except ReaderError as error:
        by_rosbags = str(error)
    seen = profile, by_rosbags, [message.ros_msg.data for message in read_ros2_messages(file)]
    print(seen)
    return seen


assert read(None) == ("", "Profile is not ros2.", ["abc"])
assert read(MCAPWriteOptions(profile="ros2")) == ("ros2", 1, ["abc"])
P
"$work/venv/bin/python" "$work/read.py" "$work/text.mcap"
