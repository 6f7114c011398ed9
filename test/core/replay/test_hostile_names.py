# SPDX-License-Identifier: Apache-2.0
"""Names in a bag are only names: none becomes a path or markup, and what is written is the user's as umask says."""

import os
import stat
from pathlib import Path

import pytest
from replay_bags import IMAGE, START_NS, TYPES, image_message, rgb_image, write_bag

from restoregan_core.replay.request import ReplayRequest
from restoregan_core.replay.run import run

HOSTILE = "../../<img src=x onerror=alert(1)>'\"&"


@pytest.fixture
def replayed(tmp_path: Path, weights: Path) -> Path:
    """The output folder of a replay whose camera, frame and bag have names that nobody should trust."""
    messages = []
    for number in range(6):
        stamp_ns = START_NS + number * 40_000_000
        sent = image_message(rgb_image(number), stamp_ns)
        sent = TYPES[IMAGE](
            TYPES["std_msgs/msg/Header"](sent.header.stamp, HOSTILE),
            *(
                getattr(sent, name)
                for name in ("height", "width", "encoding", "is_bigendian", "step", "data")
            ),
        )
        messages.append((f"/{HOSTILE}/image_raw", IMAGE, stamp_ns, sent))
    (tmp_path / "in").mkdir()
    bag = write_bag(tmp_path / "in/<b>bag", messages)
    before = os.umask(0o027)
    try:
        run(
            ReplayRequest(
                bag=str(bag), output=str(tmp_path / "a/b/out"), model=str(weights), runtime="torch",
                assessor="classical", preset="always", clips=1,
            )
        )  # fmt: skip
    finally:
        os.umask(before)
    return tmp_path / "a/b/out"


def test_no_name_of_a_bag_becomes_a_path_or_markup_and_files_are_as_umask_says(replayed: Path) -> None:
    root = replayed.parents[2]
    written = {path for path in root.rglob("*") if path.is_file() and (root / "in") not in path.parents}
    assert written
    assert all(replayed in path.parents for path in written)
    page = (replayed / "report.html").read_text()
    assert "<img src=x" not in page
    assert "<b>bag" not in page
    for path in (replayed, *replayed.rglob("*")):
        wanted = 0o750 if path.is_dir() else 0o640
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
