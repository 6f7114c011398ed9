#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pybag compresses nothing, and writes no index, unless it is given a chunk size beside the compression.
#
# Versions:  pybag-sdk 0.13.0, mcap 1.6.0.
# Guess:     McapFileWriter.open(path, chunk_compression="zstd") writes compressed chunks of some default size.
# Seen:      MCAP compresses chunks, and without chunk_size there are none: 1 MB of one letter takes 1 MB with "lz4" and
#            "zstd" as well as without, where 1 kB is possible, and no message is indexed, so that a topic or a time is
#            found by reading the whole file. There is no error and no warning. Besides, pybag's
#            reader includes end_time, where mcap's and rosbags' leave it out.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pybag-sdk==0.13.0 mcap==1.6.0
cat > "$work/chunks.py" <<'P'
import os
import sys
import warnings

warnings.simplefilter("ignore")  # mcap has new names for the two times

from mcap.reader import make_reader
from pybag.mcap_reader import McapFileReader
from pybag.mcap_writer import McapFileWriter
from pybag.ros2.humble import std_msgs

path = f"{sys.argv[1]}/letters.mcap"
for options, chunks in (
    ({"chunk_compression": "none"}, 0),
    ({"chunk_compression": "lz4"}, 0),
    ({"chunk_compression": "zstd"}, 0),
    ({"chunk_compression": "zstd", "chunk_size": 1 << 20}, 1),
):
    with McapFileWriter.open(path, profile="ros2", **options) as writer:
        for stamp in range(10):
            writer.write_message("/letters", stamp, std_msgs.String(data="x" * 100_000))
    with open(path, "rb") as file:
        found = make_reader(file).get_summary().statistics.chunk_count
    print(f"{options}: {os.path.getsize(path)} bytes, {found} chunks")
    assert found == chunks and (os.path.getsize(path) < 10_000) == bool(chunks)
with McapFileReader.from_file(path) as reader:
    ours = [message.log_time for message in reader.messages("/letters", start_time=2, end_time=4)]
with open(path, "rb") as file:
    theirs = [message.log_time for _, _, message in make_reader(file).iter_messages(start_time=2, end_time=4)]
print(f"2 to 4: pybag {ours}, mcap {theirs}")
assert ours == [2, 3, 4] and theirs == [2, 3]
P
"$work/venv/bin/python" "$work/chunks.py" "$work"
