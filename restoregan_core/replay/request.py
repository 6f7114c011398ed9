# SPDX-License-Identifier: Apache-2.0
"""One replay as a value: what ``restoregan replay`` is asked for, as JSON carries it to another process or machine."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.documents import build, parse_json
from restoregan_core.replay.live_run import accepted_stamps, recorded_detections
from restoregan_core.replay.messages import OutputFormat
from restoregan_core.replay.replay import ReplayOptions
from restoregan_core.restoration.gate import DEFAULT_PRESET


@dataclass(frozen=True, kw_only=True)
class ReplayRequest:
    """Where from, where to, with what network, and what to measure. Paths are texts, so that it is plain JSON."""

    bag: str
    output: str
    """Folder; a replay that was broken off there is continued."""
    start_s: float = 0.0
    end_s: float | None = None
    warm_up_s: float = 0.0
    """Seconds before ``start_s`` that are only judged."""
    cameras: tuple[str, ...] = ()
    """Topics or names; empty: all."""
    model: str = "lite"
    runtime: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    """Most that each of networks and OpenCV compute on; 0: half of the cores."""
    assessor: str = "learned"
    preset: str = DEFAULT_PRESET
    image_format: str = "jpeg"
    jpeg_quality: int = 92
    with_source: bool = False
    detector: str | None = None
    """A YOLOX network as ONNX, run before and after."""
    detections: tuple[str, str] | None = None
    """Topics of a recorded detector's findings on source and restored images."""
    truth: str | None = None
    """Topic of clean images with the same stamps."""
    degrade: str | None = None
    """``KIND`` or ``KIND:SEVERITY``, as ``KnownDegradation.parse`` reads it."""
    accepted_in: str | None = None
    """A bag of a live run, whose reports name the frames to replay."""
    deadline_ms: float = 100.0
    checkpoint_frames: int = 100
    clips: int = 3
    overwrite: bool = False
    html: bool = True
    """Write report.html."""

    def to_json(self) -> str:
        """For ``from_json``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ReplayRequest":
        """What ``to_json`` wrote. Raises ValueError for anything else."""
        return build(cls, parse_json(text, "the request"), "the request")

    def absolute(self) -> "ReplayRequest":
        """The same from any working directory. Names of the zoo stay names."""
        files = {
            name: os.path.abspath(value)
            for name in ("model", "assessor", "detector", "accepted_in")
            if (value := getattr(self, name)) is not None and Path(value).exists()
        }
        return replace(self, bag=os.path.abspath(self.bag), output=os.path.abspath(self.output), **files)

    def options(self) -> ReplayOptions:
        """What ``replay`` takes; reads the bags that are named.

        Raises:
            ValueError: a value out of its range, or a bag without the topics (BagError is one).
        """
        if not self.deadline_ms > 0:
            raise ValueError(f"the deadline is {self.deadline_ms} ms; it must be above 0")
        return ReplayOptions(
            cameras=self.cameras,
            start_s=self.start_s,
            end_s=self.end_s,
            form=OutputFormat(
                image_format=self.image_format, jpeg_quality=self.jpeg_quality, with_source=self.with_source
            ),
            ground_truth_topic=self.truth,
            degradation=KnownDegradation.parse(self.degrade) if self.degrade else None,
            only_stamps_ns=accepted_stamps(Path(self.accepted_in)) if self.accepted_in else None,
            detections=recorded_detections(Path(self.bag), *self.detections) if self.detections else None,
            checkpoint_frames=self.checkpoint_frames,
            warm_up_s=self.warm_up_s,
        )
