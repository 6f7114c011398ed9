# SPDX-License-Identifier: Apache-2.0
"""Frames of one bag found by the times of another's."""

from collections import deque
from collections.abc import Collection
from typing import Literal

from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.reader import Bag

LOOK_BACK_FRAMES = 64
STAMP_TOLERANCE_NS = 1_000_000
"""By which the stamps of an image and of its ground truth may differ."""


class FrameFinder:
    """Frames by their time. Ask in about the order of the bag, which is gone through once.

    Args:
        bag: open.
        topics: where to look; without any, nothing is found.
        by: the stamp of the header, or the time of recording.
        tolerance_ns: by which times may differ.

    Raises:
        BagError: no such topic.
    """

    def __init__(
        self,
        bag: Bag,
        topics: Collection[str],
        by: Literal["stamp_ns", "time_ns"] = "stamp_ns",
        tolerance_ns: int = 0,
    ) -> None:
        self._frames = FrameReader(bag, list(topics)).frames() if topics else iter(())
        self._by, self._tolerance_ns = by, tolerance_ns
        self._recent: deque[SourceFrame] = deque(maxlen=LOOK_BACK_FRAMES)

    def find(self, when_ns: int, base: str | None = None) -> SourceFrame | None:
        """The frame of that time, None if there is none nearby in the bag.

        Args:
            base: of its camera (``Camera.base``), where ``topics`` are of several.
        """
        for frame in reversed(self._recent):
            if self._matches(frame, when_ns, base):
                return frame
        while not self._recent or getattr(self._recent[-1], self._by) <= when_ns:
            following = next(self._frames, None)
            if following is None:
                return None
            self._recent.append(following)
            if self._matches(following, when_ns, base):
                return following
        return None

    def _matches(self, frame: SourceFrame, when_ns: int, base: str | None) -> bool:
        is_near = abs(getattr(frame, self._by) - when_ns) <= self._tolerance_ns
        return is_near and base in (None, frame.camera.base)
