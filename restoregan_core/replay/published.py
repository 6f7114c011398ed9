# SPDX-License-Identifier: Apache-2.0
"""Frames of a replay as they came and as they were published, taken from both bags in one pass."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoregan_core.bags.frame_finder import STAMP_TOLERANCE_NS, FrameFinder
from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.reader import open_bag
from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.images.rgb import RgbImage
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames


@dataclass(frozen=True)
class PublishedFrame:
    """One frame: uint8 RGB images of (height, width, 3)."""

    position: int
    """Row in frames.parquet."""
    before: RgbImage
    """As the pipeline got it."""
    after: RgbImage
    """As it was published."""
    truth: RgbImage | None
    """The clean image, where one is known."""


def read_published(
    folder: ReplayFolder, settings: dict[str, Any], frames: Frames, chosen: Collection[int]
) -> Iterator[PublishedFrame]:
    """The chosen frames in the order of the bag; only those are decoded, and those that do not decode left out.

    Args:
        settings: of the replay.
        chosen: positions in ``frames``.
    """
    columns = frames.columns("camera", "time_ns")
    wanted = {(columns["camera"][i], int(columns["time_ns"][i])): i for i in chosen}
    degradation = KnownDegradation(**settings["degradation"]) if settings["degradation"] else None
    with contextlib.ExitStack() as stack:
        bag = stack.enter_context(open_bag(Path(settings["bag"])))
        restored = stack.enter_context(open_bag(folder.bag))
        truths = None
        if settings["ground_truth_topic"]:
            clean_bag = stack.enter_context(open_bag(bag.path))
            truths = FrameFinder(clean_bag, [settings["ground_truth_topic"]], tolerance_ns=STAMP_TOLERANCE_NS)
        topics = [topic for topic in restored.topics if "/restored/image_raw" in topic]
        published = FrameFinder(restored, topics, by="time_ns")
        for frame in FrameReader(bag, settings["cameras"]).frames(settings["start_s"], settings["end_s"]):
            position = wanted.get((frame.camera.name, frame.time_ns))
            if position is None:
                continue
            before, truth = _pixels(frame), None
            if before is not None and degradation:
                before, truth = degradation(before, frame.index), before
            elif truths and (clean := truths.find(frame.stamp_ns)):
                truth = _pixels(clean)
            found = published.find(frame.time_ns, f"{frame.camera.base}/restored")
            after = before if found is None else _pixels(found)
            if before is not None and after is not None:
                yield PublishedFrame(position, before, after, truth)


def _pixels(frame: SourceFrame) -> RgbImage | None:
    try:
        return frame.decode()
    except (UnsupportedEncodingError, MalformedImageError):
        return None
