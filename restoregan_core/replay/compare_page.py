# SPDX-License-Identifier: Apache-2.0
"""The page of a comparison: figures with intervals, and the frames where two replays differ most."""

from pathlib import Path
from typing import Any

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import open_bag
from restoregan_core.files import write_text
from restoregan_core.replay.compare import Comparison
from restoregan_core.report import page
from restoregan_core.report.page import data_uri, encode_jpeg


def write_compare_report(a: Path, b: Path, comparison: Comparison, file: Path) -> None:
    """One self-contained page."""
    wanted = {(entry["camera"], entry["time_ns"]) for entry in comparison.most_different}
    images = [_restored(folder, wanted) for folder in (a, b)]
    shown: list[dict[str, Any]] = []
    for entry in comparison.most_different:
        key = entry["camera"], entry["time_ns"]
        shown.append({**entry, "a": images[0].get(key), "b": images[1].get(key)})
    write_text(file, page.render("compare.html", a=a.name, b=b.name, comparison=comparison, shown=shown))


def _restored(folder: Path, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The published images of these (camera, time), as data URIs."""
    found: dict[tuple[str, int], str] = {}
    with open_bag(folder / "bag") as bag:
        topics = [topic for topic in bag.topics if "/restored/image_raw" in topic]
        for frame in FrameReader(bag, topics).frames() if topics else ():
            key = frame.camera.name.removesuffix("/restored"), frame.time_ns
            if key in wanted:
                found[key] = data_uri(encode_jpeg(frame.decode(), 800))
    return found
