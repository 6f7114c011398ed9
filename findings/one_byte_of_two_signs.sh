#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A byte of 200 in a ROS 2 message is -56 by rosbags, and a char of 200 is -56 by mcap-ros2-support.
#
# Versions:  rosbags 0.11.9, mcap-ros2-support 0.6.0, mcap-ros2-support-fast 0.8.0, pybag-sdk 0.13.0, mcap 1.6.0.
# Guess:     byte is an octet and char a uint8 in ROS 2, alone and in arrays, and every reader gives 200.
# Seen:      rosbags reads byte as signed and char as unsigned; mcap-ros2-support reads byte and byte[] as unsigned and
#            char and char[] as signed, and its writer refuses a char of 200. Of four only mcap-ros2-support-fast gives
#            200 each time. pybag takes a char for a letter: 65 is "A", 200 is an error.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rosbags==0.11.9 mcap==1.6.0 numpy==2.4.6 \
  mcap-ros2-support==0.6.0 mcap-ros2-support-fast==0.8.0 pybag-sdk==0.13.0
cat > "$work/signs.py" <<'P'
import logging
import struct
import sys

logging.disable()

import mcap_ros2.decoder
import mcap_ros2.writer
import mcap_ros2_support_fast.decoder
import numpy as np
from mcap.reader import make_reader
from mcap.writer import Writer
from pybag.mcap_reader import McapFileReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

path, name = f"{sys.argv[1]}/one.mcap", "example_msgs/msg/One"


def write(definition, body):
    with open(path, "wb") as file:
        writer = Writer(file)
        writer.start(profile="ros2")
        schema = writer.register_schema(name, "ros2msg", definition.encode())
        channel = writer.register_channel("/one", "cdr", schema)
        writer.add_message(channel, 1, b"\0\1\0\0" + body, 1)
        writer.finish()


def numbers(value):
    return np.atleast_1d(list(value) if isinstance(value, bytes) else value).tolist()


def by_rosbags(definition, body):
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(definition, name))
    return numbers(store.deserialize_cdr(b"\0\1\0\0" + body, name).value)


def by_mcap(module):
    with open(path, "rb") as file:
        reader = make_reader(file, decoder_factories=[module.decoder.DecoderFactory()])
        return numbers(next(reader.iter_decoded_messages()).decoded_message.value)


def by_pybag():
    with McapFileReader.from_file(path) as reader:
        try:
            return [message.data.value for message in reader.messages("/one")][0]
        except UnicodeDecodeError as error:
            return type(error).__name__


for kind, body, expected in (
    ("byte", bytes([200]), ([-56], [200], [200])),
    ("byte[]", struct.pack("<IB", 1, 200), ([-56], [200], [200])),
    ("char", bytes([200]), ([200], [-56], [200])),
    ("char[]", struct.pack("<IB", 1, 200), ([200], [-56], [200])),
    ("uint8", bytes([200]), ([200], [200], [200])),
):
    write(f"{kind} value", body)
    seen = by_rosbags(f"{kind} value", body), by_mcap(mcap_ros2), by_mcap(mcap_ros2_support_fast)
    print(f"{kind} of 200: rosbags {seen[0]}, mcap-ros2 {seen[1]}, fast {seen[2]}, pybag {by_pybag()}")
    assert seen == expected
    assert kind != "char" or by_pybag() == "UnicodeDecodeError"
write("char value", b"A")
assert by_pybag() == "A"
for kind, refused in (("byte", False), ("char", True)):
    with open(path, "wb") as file:
        writer = mcap_ros2.writer.Writer(file)
        schema = writer.register_msgdef(name, f"{kind} value")
        try:
            writer.write_message("/one", schema, {"value": 200}, 1, 1)
            seen = "taken"
        except struct.error as error:
            seen = str(error)
        writer.finish()
    print(f"mcap-ros2's writer, {kind} of 200: {seen}")
    assert (seen != "taken") == refused
P
"$work/venv/bin/python" "$work/signs.py" "$work"
