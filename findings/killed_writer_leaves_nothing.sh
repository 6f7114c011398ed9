#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags' Writer commits an sqlite3 bag once, when it is closed: a process that is killed before leaves no message.
#
# Versions:  rosbags 0.11.9.
# Guess:     a database keeps what was written, but for the last moments, as rosbag2's own recorder does.
# Seen:      200 messages of 100 kB, then SIGKILL: 0 messages in sqlite3, 198 in mcap, whose last MiB was in memory.
#            The database is 18 MB large all the same; its journal rolls all of it back. A disk that fills up has the same
#            end, since the writer then rolls back itself. Calling writer.storage.conn.commit() each second helps.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9 mcap==1.6.0
cat > "$work/write.py" <<'P'
import os
import signal
import sqlite3
import sys
from pathlib import Path

from mcap.stream_reader import StreamReader
from mcap.records import Message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

work = Path(sys.argv[1])
for storage in StoragePlugin:
    if os.fork() == 0:
        writer = Writer(work / storage.name, version=9, storage_plugin=storage)
        writer.open()
        chatter = writer.add_connection("/chatter", "std_msgs/msg/String", typestore=get_typestore(Stores.ROS2_JAZZY))
        for number in range(200):
            writer.write(chatter, number, bytes(100_000))
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()

database = work / "SQLITE3/SQLITE3.db3"
size_mb = database.stat().st_size / 1e6
(in_sqlite,) = sqlite3.connect(database).execute("SELECT COUNT(*) FROM messages").fetchone()
in_mcap = 0
with (work / "MCAP/MCAP.mcap").open("rb") as stream:
    try:
        for record in StreamReader(stream).records:
            in_mcap += isinstance(record, Message)
    except Exception as error:  # the file ends in the middle of a record
        print(f"mcap: {type(error).__name__} at its end")
print(f"of 200 messages: {in_sqlite} in sqlite3 ({size_mb:.0f} MB on the disk), {in_mcap} in mcap")
assert in_sqlite == 0
assert in_mcap > 180
P
"$work/venv/bin/python" "$work/write.py" "$work"
