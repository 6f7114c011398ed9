#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rosbags' readers give every message of a bag when they are asked for those of no connection.
#
# Versions:  rosbags 0.11.9, mcap 1.6.0.
# Guess:     a list of connections is a filter, and nothing passes an empty one, as with mcap's
#            iter_messages(topics=[]).
# Seen:      messages(connections=[c for c in reader.connections if c.topic == "/gone"]) gives all topics of the bag,
#            of sqlite3 and of MCAP, by Reader and by AnyReader. So a loop over a topic that this one recording lacks
#            gets messages of other types. messages(stop=0), on the other hand, gives none.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9 mcap==1.6.0
cat > "$work/connections.py" <<'P'
import sys
from pathlib import Path

from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

store = get_typestore(Stores.ROS2_JAZZY)
TYPES = {"/speed": ("std_msgs/msg/Float64", 30.0), "/note": ("std_msgs/msg/String", "rain")}


def write(path, plugin):
    with Writer(path, version=9, storage_plugin=plugin) as bag:
        for time, (topic, (name, value)) in enumerate(TYPES.items(), 1):
            connection = bag.add_connection(topic, name, typestore=store)
            bag.write(connection, time, store.serialize_cdr(store.types[name](data=value), name))


def topics(reader, wanted):
    with reader:
        connections = [c for c in reader.connections if c.topic in wanted]
        found = [c.topic for c, _, _ in reader.messages(connections=connections)]
        assert not list(reader.messages(stop=0))
    print(f"{type(reader).__name__}: {wanted} gives {found}")
    return found


for plugin in (StoragePlugin.SQLITE3, StoragePlugin.MCAP):
    path = Path(sys.argv[1]) / plugin.name
    write(path, plugin)
    for kind in (Reader(path), AnyReader([path])):
        assert topics(kind, ["/note"]) == ["/note"]
        assert topics(kind, ["/gone"]) == ["/speed", "/note"]
with open(path / "MCAP.mcap", "rb") as file:
    assert not list(make_reader(file).iter_messages(topics=[]))
P
"$work/venv/bin/python" "$work/connections.py" "$work"
