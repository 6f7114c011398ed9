#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# expelliarmus reads one second of an event camera's EVT3 stream as two.
#
# Versions:  expelliarmus 1.1.12, faery 0.7.1 to compare with, numpy 2.4.6; no camera is needed.
# Guess:     the stamps of an EVT 3.0 file come back as they were written.
# Seen:      a stamp is 12 high and 12 low bits. Where the low bits begin again, expelliarmus counts an overflow and
#            adds the new high bits as well: each 4096 us of the stream become 8192, and the last of 1,000,000 us is
#            1,991,232. Repeating the high bits before each event, as cameras may, changes nothing. faery reads the same
#            bytes to the microsecond. In a file that expelliarmus writes, events of 4096 us apart have one stamp in
#            both: it leaves the high bits out where the low ones do not change.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check expelliarmus==1.1.12 faery==0.7.1 numpy==2.4.6
cat > "$work/time.py" <<'P'
import sys

import faery
import numpy as np
from expelliarmus import Wizard

path = f"{sys.argv[1]}/events.raw"
stamps = list(range(10_000, 1_000_001, 990))


def read():
    """Stamps by expelliarmus and by faery."""
    by_faery = np.concatenate(list(faery.events_stream_from_file(path)))["t"].tolist()
    return Wizard(encoding="evt3").read(path)["t"].tolist(), by_faery


for repeated in (False, True):
    words, last = [], None
    for stamp in stamps:
        if repeated or stamp >> 12 != last:
            last = stamp >> 12
            words.append(0x8000 | last)  # the upper 12 bits of the stamp
        words += [0x6000 | stamp & 0xFFF, 0x0005, 0x2807]  # the lower 12 bits, row 5, a positive event in column 7
    with open(path, "wb") as file:
        file.write(b"% evt 3.0\n% format EVT3;height=720;width=1280\n% geometry 1280x720\n% end\n")
        file.write(np.array(words, "<u2").tobytes())
    ours, theirs = read()
    print(f"high bits repeated {repeated}: written {stamps[:4]} to {stamps[-1]}, "
          f"expelliarmus {ours[:4]} to {ours[-1]}, faery {theirs[:4]} to {theirs[-1]}")
    assert theirs == stamps and ours[:4] == [10000, 10990, 11980, 17066] and ours[-1] == 1991232
events = np.zeros(4, [("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", np.uint8)])
events["t"] = 100, 4196, 8292, 12388
Wizard(encoding="evt3").save(fpath=path, arr=events)
print(f"saved {events['t'].tolist()}: expelliarmus, faery {read()}")
assert read() == ([100] * 4, [100] * 4)
P
"$work/venv/bin/python" "$work/time.py" "$work"
