# SPDX-License-Identifier: Apache-2.0
"""Frames of a replay as they came and as they were published, taken from both bags in one pass."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.reader import Bag, open_bag
from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.images.rgb import RgbImage
from restoregan_core.replay.ground_truth import GroundTruthTopic
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames


@dataclass(frozen=True)
class PublishedFrame:
    """One frame: uint8 RGB images of (height, width, 3).

    Attributes:
        position: in frames.parquet.
        before: as the pipeline got it.
        after: as it was published.
        truth: the clean image, where one is known.
    """

    position: int
    before: RgbImage
    after: RgbImage
    truth: RgbImage | None


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
            truths = GroundTruthTopic(stack.enter_context(open_bag(bag.path)), settings["ground_truth_topic"])
        published = _restored_frames(restored)
        for frame in FrameReader(bag, settings["cameras"]).frames(settings["start_s"], settings["end_s"]):
            position = wanted.get((frame.camera.name, frame.time_ns))
            if position is None:
                continue
            before, truth = _pixels(frame), None
            if before is not None and degradation:
                before, truth = degradation(before, frame.index), before
            elif truths and (clean := truths.find(frame.stamp_ns)):
                truth = _pixels(clean)
            found = published(f"{frame.camera.base}/restored", frame.time_ns)
            after = before if found is None else _pixels(found)
            if before is not None and after is not None:
                yield PublishedFrame(position, before, after, truth)


def _restored_frames(bag: Bag) -> Callable[[str, int], SourceFrame | None]:
    """A look-up (base, time) -> frame in the restored bag; ask in the order of the bag."""
    topics = [t for t in bag.topics if "/restored/image_raw" in t]
    frames = FrameReader(bag, topics).frames() if topics else iter(())
    ahead: list[SourceFrame] = []

    def find(base: str, time_ns: int) -> SourceFrame | None:
        while True:
            for k, frame in enumerate(ahead):
                if frame.camera.base == base and frame.time_ns == time_ns:
                    del ahead[: k + 1]
                    return frame
            following = next(frames, None)
            if following is None:
                return None
            ahead.append(following)
            del ahead[:-64]

    return find


def _pixels(frame: SourceFrame) -> RgbImage | None:
    try:
        return frame.decode()
    except (UnsupportedEncodingError, MalformedImageError):
        return None
