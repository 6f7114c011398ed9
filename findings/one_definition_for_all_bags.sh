#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags' AnyReader reads all bags that it is given by the definition of the last: fields swap their values.
#
# Versions:  rosbags 0.11.9.
# Guess:     each message is read by the definition of its own bag, which its connection has; or two that differ are
#            an error.
# Seen:      two bags of blur 1 and rain 2, whose type has the fields the other way round: together the first is read
#            as blur 2 and rain 1, in the other order the second is. Each alone is right, and connection.msgdef is, too.
#            Definitions of another size are an error, but about the message's bytes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9
cat > "$work/bags.py" <<'P'
from pathlib import Path

from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

HERE = Path(__file__).parent
NAME = "example_msgs/msg/Report"


def record(name, time_ns, definition, **fields):
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(definition, NAME))
    with Writer(HERE / name, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/report", NAME, typestore=store)
        writer.write(connection, time_ns, store.serialize_cdr(store.types[NAME](**fields), NAME))
    return HERE / name


def read(*bags):
    """Blur and rain of each message, by time."""
    with AnyReader(bags) as reader:
        messages = [reader.deserialize(data, connection.msgtype) for connection, _, data in reader.messages()]
        definitions = [connection.msgdef.data for connection, _, _ in reader.messages()]
    found = [(message.blur, message.rain) for message in messages]
    print(" and ".join(bag.name for bag in bags), "by", definitions, "-> blur, rain:", found)
    return found


old = record("old", 1, "float32 blur\nfloat32 rain\n", blur=1, rain=2)
new = record("new", 2, "float32 rain\nfloat32 blur\n", blur=1, rain=2)
longer = record("longer", 3, "float32 blur\nfloat32 rain\nfloat32 noise\n", blur=1, rain=2, noise=3)
assert read(old) == read(new) == read(longer) == [(1, 2)]
assert read(old, new) == [(2, 1), (1, 2)]
assert read(new, old) == [(1, 2), (2, 1)]
try:
    read(old, longer)
except Exception as error:
    print(f"old and longer: {type(error).__name__}: {error}")
else:
    raise SystemExit("no error")
P
"$work/venv/bin/python" "$work/bags.py"
