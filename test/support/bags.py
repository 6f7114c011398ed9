# SPDX-License-Identifier: Apache-2.0
"""Small bags and child processes for the tests of the bag nodes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dds_segments
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE, STRING = "sensor_msgs/msg/Image", "std_msgs/msg/String"
PATIENCE_S = 300.0
"""For what never comes: where twenty processes wait for two cores, a node alone takes over two minutes to start."""


def write_bag(
    folder: Path,
    frames: int = 12,
    rate_hz: float = 20.0,
    storage: str = "mcap",
    compression: CompressionMode = CompressionMode.NONE,
) -> Path:
    """Noise of 64x48 on /camera/image_raw, its number on /note, and a type nobody has on /odd."""
    rng = np.random.default_rng(0)
    types = STORE.types
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression != CompressionMode.NONE:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        images = writer.add_connection("/camera/image_raw", IMAGE, typestore=STORE)
        notes = writer.add_connection("/note", STRING, typestore=STORE)
        odd = writer.add_connection("/odd", "nobody_msgs/msg/Odd", msgdef="uint8 x\n", rihs01="RIHS01_0")
        for number in range(frames):
            ns = 10**18 + round(number / rate_hz * 1e9)
            stamp = types["builtin_interfaces/msg/Time"](sec=ns // 10**9, nanosec=ns % 10**9)
            header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")
            pixels = rng.integers(0, 256, 48 * 64 * 3, dtype=np.uint8)
            image = types[IMAGE](
                header=header, height=48, width=64, encoding="rgb8", is_bigendian=0, step=192, data=pixels
            )
            writer.write(images, ns, STORE.serialize_cdr(image, IMAGE))
            writer.write(notes, ns, STORE.serialize_cdr(types[STRING](data=str(number)), STRING))
            writer.write(odd, ns, b"\0\1\0\0\7")
    return folder


def read_topic(folder: Path, topic: str) -> list[tuple[int, bytes]]:
    """(time, CDR) of a topic's messages."""
    with Reader(folder) as reader:
        return [(ns, bytes(raw)) for connection, ns, raw in reader.messages() if connection.topic == topic]


def read_notes(folder: Path) -> list[str]:
    return [STORE.deserialize_cdr(raw, STRING).data for _, raw in read_topic(folder, "/note")]


class Child:
    """A node of ours in a process of its own."""

    def __init__(self, domain_id: int, module: str, *arguments: Any) -> None:
        command = [sys.executable, "-m", module, *map(str, arguments)]
        env = {**os.environ, "ROS_DOMAIN_ID": str(domain_id), "PYTHONUNBUFFERED": "1"}
        self._child = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait(self) -> tuple[int, str]:
        """Exit code and everything that it printed."""
        try:
            printed, _ = self._child.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self._child.returncode, printed

    def send(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def kill(self) -> None:
        dds_segments.kill(self._child)

    def end(self) -> None:
        dds_segments.end(self._child)


def until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:g} s"
        time.sleep(0.02)
