#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags reads an sqlite3 bag of a killed recorder without the messages that lie in its write-ahead log, silently.
#
# Versions:  rosbags 0.11.9; SQLite of Python 3.11 for comparison.
# Guess:     the -wal beside the database is read as SQLite itself reads it, or its presence is an error.
# Seen:      a bag of 5 messages, 15 more of which lie in bag.db3-wal: rosbags gives 5 and no error; sqlite3 gives 20.
#            The reader opens the database as immutable, which makes SQLite ignore the log.
#            rosbag2's recorder leaves such a log when it is killed or the power goes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9
cat > "$work/read.py" <<'P'
import shutil
import sqlite3
import sys
from pathlib import Path

from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

work = Path(sys.argv[1])
store = get_typestore(Stores.ROS2_JAZZY)
String = store.types["std_msgs/msg/String"]
with Writer(work / "bag", version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
    chatter = writer.add_connection("/chatter", String.__msgtype__, typestore=store)
    for number in range(5):
        writer.write(chatter, number, store.serialize_cdr(String(str(number)), String.__msgtype__))

# A recorder that is still writing: its database is copied as a cut of the power would leave it.
recorder = sqlite3.connect(work / "bag/bag.db3")
recorder.execute("PRAGMA journal_mode=WAL")
recorder.execute("PRAGMA wal_autocheckpoint=0")
for number in range(5, 20):
    recorder.execute(
        "INSERT INTO messages(topic_id, timestamp, data) SELECT topic_id, ?, data FROM messages LIMIT 1", (number,)
    )
recorder.commit()
shutil.copytree(work / "bag", work / "killed")
recorder.close()
assert (work / "killed/bag.db3-wal").stat().st_size > 0

with Reader(work / "killed/bag.db3") as reader:
    by_rosbags = sum(1 for _ in reader.messages())
by_sqlite = sqlite3.connect(work / "killed/bag.db3").execute("SELECT COUNT(*) FROM messages").fetchone()[0]
print(f"rosbags: {by_rosbags} messages, sqlite3: {by_sqlite}")
assert (by_rosbags, by_sqlite) == (5, 20)
P
"$work/venv/bin/python" "$work/read.py" "$work"
