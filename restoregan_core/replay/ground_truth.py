# SPDX-License-Identifier: Apache-2.0
"""What a frame should look like: the images of a clean topic."""

from collections import deque

from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.reader import Bag

LOOK_BACK_FRAMES = 64


class GroundTruthTopic:
    """Images of one topic, found by the stamp of their header. Ask in about the order of the bag.

    Args:
        bag: open, read on its own.
        topic: of the clean images.
        tolerance_ns: by which stamps may differ.

    Raises:
        BagError: no such topic.
    """

    def __init__(self, bag: Bag, topic: str, tolerance_ns: int = 1_000_000) -> None:
        self._frames = FrameReader(bag, [topic]).frames()
        self._recent: deque[SourceFrame] = deque(maxlen=LOOK_BACK_FRAMES)
        self._tolerance_ns = tolerance_ns

    def find(self, stamp_ns: int) -> SourceFrame | None:
        """The clean image of that stamp, None if there is none nearby in the bag."""
        match = self._recent_match(stamp_ns)
        while match is None and (not self._recent or self._recent[-1].stamp_ns < stamp_ns):
            frame = next(self._frames, None)
            if frame is None:
                return None
            self._recent.append(frame)
            match = self._recent_match(stamp_ns)
        return match

    def _recent_match(self, stamp_ns: int) -> SourceFrame | None:
        for frame in reversed(self._recent):
            if abs(frame.stamp_ns - stamp_ns) <= self._tolerance_ns:
                return frame
        return None
