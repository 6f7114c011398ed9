#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An MCAP file compressed by message is read by other MCAP tools as wrong strings, without an error.
#
# Versions:  rosbags 0.11.9 (writes), mcap 1.6.0, mcap-ros2-support 0.6.0 (reads), zstandard 0.25.0.
# Guess:     the zstd bytes raise when they are decoded as CDR; rosbags itself undoes them in the bare .mcap.
# Seen:      the four bytes of zstd's magic number pass for the CDR header; three wrong strings and no exception.
#            rosbags' Reader hands out the compressed bytes when it is given the bare file, although the file's
#            own metadata record says compression_mode: message; given the folder it undoes them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  rosbags==0.11.9 mcap==1.6.0 mcap-ros2-support==0.6.0 zstandard==0.25.0
"$work/venv/bin/python" - "$work/bag" <<'P'
import sys
from pathlib import Path

from mcap.stream_reader import StreamReader
from mcap_ros2.reader import read_ros2_messages
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

folder, string = Path(sys.argv[1]), "std_msgs/msg/String"
store = get_typestore(Stores.ROS2_JAZZY)
writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
writer.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
with writer:
    connection = writer.add_connection("/text", string, typestore=store)
    for number in (1, 2, 3):
        writer.write(connection, number, store.serialize_cdr(store.types[string]("abc"), string))
(file,) = folder.glob("*.mcap")

texts = [message.ros_msg.data for message in read_ros2_messages(str(file))]
print(f"mcap-ros2-support: {texts}")
assert len(texts) == 3 and "abc" not in texts and all("abc" in text for text in texts)
with Reader(folder) as reader:
    in_folder = [bytes(raw) for _, _, raw in reader.messages()]
with Reader(file) as reader:
    bare = [bytes(raw) for _, _, raw in reader.messages()]
print(f"rosbags, folder: {in_folder[0]}")
print(f"rosbags, bare file: {bare[0]}")
assert in_folder[0][:4] == b"\0\1\0\0" and bare[0][:4] == b"\x28\xb5\x2f\xfd"
with file.open("rb") as stream:
    records = [r for r in StreamReader(stream).records if type(r).__name__ == "Metadata" and r.name == "rosbag2"]
assert "compression_mode: message" in records[0].metadata["serialized_metadata"]
P
