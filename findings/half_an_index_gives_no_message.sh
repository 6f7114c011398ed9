#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags counts the messages of an MCAP file without message indexes, and gives none of them.
#
# Versions:  foxglove-sdk 0.30.3 and mcap 1.6.0 (write), rosbags 0.11.9 (reads), mcap 1.6.0 for comparison.
# Guess:     message indexes and the summary's repeated channels and schemas are optional in MCAP, so a reader looks
#            into the chunks where they are missing, or says that it cannot.
# Seen:      without message indexes rosbags says message_count 6, two connections of three messages each, and
#            messages() yields nothing; without the repeated channels there are no connections either; without the
#            repeated schemas each message has the type "__schemaless__". No error anywhere. Without chunk indexes
#            too, all six are read. mcap's own reader gives all six in the first case and raises KeyError in the two
#            others.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check foxglove-sdk==0.30.3 rosbags==0.11.9 mcap==1.6.0
cat > "$work/read.py" <<'P'
import sys
from pathlib import Path

import foxglove
from foxglove.mcap import MCAPWriteOptions
from mcap.reader import make_reader
from rosbags.rosbag2 import Reader

schema = foxglove.Schema(name="std_msgs/msg/String", encoding="ros2msg", data=b"string data")
channels = [foxglove.Channel(topic, message_encoding="cdr", schema=schema) for topic in ("/a", "/b")]


def read(**options):
    file = Path(sys.argv[1])
    write = MCAPWriteOptions(profile="ros2", **options)
    with foxglove.open_mcap(file, allow_overwrite=True, writer_options=write):
        for number in range(6):
            channels[number % 2].log(b"\0\1\0\0\2\0\0\0a\0", log_time=number + 1)
    with Reader(file) as reader:
        types = sorted({connection.msgtype for connection in reader.connections})
        seen = reader.message_count, [c.msgcount for c in reader.connections], len(list(reader.messages())), types
    with file.open("rb") as stream:
        try:
            by_mcap = len(list(make_reader(stream).iter_messages()))
        except KeyError as error:
            by_mcap = repr(error)
    print(f"{options}: rosbags {seen}, mcap {by_mcap}")
    return *seen, by_mcap


string, nothing = ["std_msgs/msg/String"], ["__schemaless__"]
assert read() == (6, [3, 3], 6, string, 6)
assert read(emit_message_indexes=False) == (6, [3, 3], 0, string, 6)
assert read(repeat_channels=False) == (6, [], 0, [], "KeyError(1)")
assert read(repeat_schemas=False) == (6, [3, 3], 6, nothing, "KeyError(1)")
assert read(emit_message_indexes=False, emit_chunk_indexes=False) == (6, [3, 3], 6, string, 6)
P
"$work/venv/bin/python" "$work/read.py" "$work/drive.mcap"
