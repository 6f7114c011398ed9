#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mcap's reader gives the messages of a file without chunks forward when it is asked for them in reverse.
#
# Versions:  mcap 1.6.0.
# Guess:     iter_messages(reverse=True) is "in descending log time order", as its documentation says, whatever the
#            file's index: it sorts the messages of an unindexed file anyway.
# Seen:      with chunks 3 2 1; without them, as rosbag2's preset "fastwrite" writes, 1 2 3, and no warning. Who takes
#            the first message in reverse for the last one that was recorded, the latest intrinsics say, gets the
#            first one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mcap==1.6.0
cat > "$work/reverse.py" <<'P'
import io
import warnings

from mcap.reader import make_reader
from mcap.writer import Writer

warnings.simplefilter("error")


def times(use_chunking, **options):
    stream = io.BytesIO()
    writer = Writer(stream, use_chunking=use_chunking)
    writer.start()
    channel = writer.register_channel("/camera_info", "json", 0)
    for time in (2, 1, 3):
        writer.add_message(channel, time, b"{}", time)
    writer.finish()
    stream.seek(0)
    found = [message.log_time for _, _, message in make_reader(stream).iter_messages(**options)]
    print(f"chunks: {use_chunking}, {options}: {found}")
    return found


assert times(True) == times(False) == [1, 2, 3]
assert times(True, reverse=True) == [3, 2, 1]
assert times(False, reverse=True) == [1, 2, 3]
P
"$work/venv/bin/python" "$work/reverse.py"
