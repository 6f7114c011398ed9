"""What a frame should look like: a topic of clean pictures, or the frame itself before it is spoilt."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.reader import Bag

LOOK_BACK_FRAMES = 64


class TruthTopic:
    """Pictures of one topic, found by the stamp of their header. Ask in about the order of the bag.

    Args:
        bag: open, read on its own.
        topic: of the clean pictures.
        tolerance_ns: by which stamps may differ.

    Raises:
        BagError: no such topic.
    """

    def __init__(self, bag: Bag, topic: str, tolerance_ns: int = 1_000_000) -> None:
        self._frames = FrameReader(bag, [topic]).frames()
        self._recent: deque[SourceFrame] = deque(maxlen=LOOK_BACK_FRAMES)
        self._tolerance_ns = tolerance_ns

    def find(self, stamp_ns: int) -> SourceFrame | None:
        """The clean picture of that stamp, None if there is none nearby in the bag."""
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


@dataclass(frozen=True, kw_only=True)
class Spoiling:
    """Spoils clean frames in a known way, the same way at every run.

    Raises:
        ValueError: no such kind, or a severity outside [0, 1].
    """

    kind: str
    """blur, rain, blur_rain or drops."""
    severity: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("blur", "rain", "blur_rain", "drops"):
            raise ValueError(f"cannot spoil by {self.kind!r}; there are: blur, rain, blur_rain, drops")
        if not 0.0 <= self.severity <= 1.0:
            raise ValueError(f"severity is {self.severity}; it lies between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> "Spoiling":
        """``rain`` or ``rain:0.8``."""
        kind, _, severity = text.partition(":")
        try:
            return cls(kind=kind, severity=float(severity) if severity else 0.5)
        except ValueError as error:
            raise ValueError(f"--degrade {text}: {error}") from error

    def __call__(self, rgb_HWC: npt.NDArray[np.uint8], index: int) -> npt.NDArray[np.uint8]:
        """The frame number ``index``, spoilt: uint8 RGB of the same shape."""
        import torch

        from restoregan_core.data.camera_motion import whole_frame
        from restoregan_core.data.degrade import DegradeConfig, draw_degradation

        height, width = rgb_HWC.shape[:2]
        rng = np.random.default_rng((self.seed, index))
        drawn = draw_degradation(
            self.kind, DegradeConfig(), rng, whole_frame(height, width), severity=self.severity
        )
        margin = drawn.margin
        padded = np.pad(rgb_HWC, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
        sharp_CHW = torch.from_numpy(padded).permute(2, 0, 1).float() / 255
        with torch.no_grad():
            spoilt_CHW, _ = drawn.apply(sharp_CHW)
        return np.ascontiguousarray((spoilt_CHW.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
