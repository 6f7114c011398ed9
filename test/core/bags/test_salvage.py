# SPDX-License-Identifier: Apache-2.0
"""Mcap files that were cut off or have little of an index, of every writer and compression: what they hold is read."""

from pathlib import Path
from typing import Any

import pytest
from replay_bags import IMAGE, START_NS, STEP_NS, STORE, image_message, rgb_image

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import open_bag

pytest.importorskip("mcap")
from mcap.writer import CompressionType, IndexType, Writer

COUNT, CHUNK = 24, 3
RAW_BYTES = 96 * 128 * 3


def write_mcap(file: Path, compression: str, profile: str, **options: Any) -> list[int]:
    """Images in chunks of three; returns where in the file each chunk (unchunked: message) ends."""
    ends = []
    with file.open("wb") as stream:
        writer = Writer(
            stream, chunk_size=CHUNK * RAW_BYTES, use_chunking=compression != "unchunked",
            compression=CompressionType[compression.upper() if compression != "unchunked" else "NONE"], **options,
        )  # fmt: skip
        writer.start(profile=profile)
        schema = writer.register_schema(
            IMAGE, "ros2msg", STORE.generate_msgdef(IMAGE, ros_version=2)[0].encode()
        )
        channel = writer.register_channel("/front/image_raw", "cdr", schema)
        for number in range(COUNT):
            at = START_NS + number * STEP_NS
            writer.add_message(
                channel, at, bytes(STORE.serialize_cdr(image_message(rgb_image(number), at), IMAGE)), at
            )
            if not ends or stream.tell() != ends[-1]:
                ends.append(stream.tell())
        writer.finish()
    return ends


@pytest.mark.parametrize("profile", ["ros2", ""])
@pytest.mark.parametrize("compression", ["none", "lz4", "zstd", "unchunked"])
@pytest.mark.parametrize("cut", ["in the middle", "without its summary", "nowhere"])
def test_what_lies_before_the_cut_is_read(tmp_path: Path, cut: str, compression: str, profile: str) -> None:
    file = tmp_path / "drive.mcap"
    ends = write_mcap(file, compression, profile)
    content = file.read_bytes()
    keep = {
        "in the middle": (ends[4] + ends[5]) // 2,
        "without its summary": ends[-1],
        "nowhere": len(content),
    }[cut]
    file.write_bytes(content[:keep])
    with open_bag(file) as bag:
        found = [frame.stamp_ns for frame in FrameReader(bag).frames()]
        assert found == [START_NS + i * STEP_NS for i in range(len(found))]
        whole = 5 if compression == "unchunked" else 5 * CHUNK - 3
        assert (
            len(found) == COUNT
            if cut == "nowhere"
            else len(found) >= (whole if "middle" in cut else COUNT - CHUNK)
        )
        assert bool(bag.damage) == (cut != "nowhere")


@pytest.mark.parametrize(
    "options",
    [
        {"index_types": IndexType.CHUNK},
        {"index_types": IndexType.CHUNK, "use_statistics": False},
        {"index_types": IndexType.NONE},
        {"repeat_channels": False},
        {"repeat_schemas": False},
        {"repeat_channels": False, "repeat_schemas": False},
    ],
    ids=str,
)
def test_all_is_read_whatever_the_writer_left_out_of_the_index(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    file = tmp_path / "drive.mcap"
    write_mcap(file, "zstd", "ros2", **options)
    with open_bag(file) as bag:
        assert [camera.topic for camera in FrameReader(bag).cameras] == ["/front/image_raw"]
        assert [f.stamp_ns for f in FrameReader(bag).frames()] == [
            START_NS + i * STEP_NS for i in range(COUNT)
        ]
        assert bag.damage == []
