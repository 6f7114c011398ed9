# SPDX-License-Identifier: Apache-2.0
"""Room in the machine's shared memory, through which Fast DDS hands images from process to process.

Each participant of config/fastdds_large_images.xml takes a segment of it. One that was killed leaves its segment
behind; where no room is left, large images get lost and new nodes stop answering.
"""

import shutil
from pathlib import Path

FOLDER = Path("/dev/shm")
SEGMENT_BYTES = 70_255_136
"""What the segment of one participant takes with the profile for large images: its 64 MiB, and Fast DDS' own."""


def shortage(folder: Path = FOLDER, needed_bytes: int = SEGMENT_BYTES) -> str:
    """One line about too little free shared memory, with the remedy; empty where ``needed_bytes`` are free."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:  # a system without it
        return ""
    if usage.free >= needed_bytes:
        return ""
    free_mb, total_mb, needed_mb = (value / 1e6 for value in (usage.free, usage.total, needed_bytes))
    return (
        f"{folder} has {free_mb:.0f} of {total_mb:.0f} MB free, and one more participant needs {needed_mb:.0f}: images"
        " may get lost. Remove what killed processes left (fastdds shm clean), or make it larger (docker run"
        " --shm-size)"
    )
