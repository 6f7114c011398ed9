# SPDX-License-Identifier: Apache-2.0
"""The stretches of a drive that went worst, and their export as small bags."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import open_bag
from restoregan_core.bags.writer import BagParts, OutputMessage
from restoregan_core.replay.table import Frames

SEGMENT_S = 2.0


@dataclass(frozen=True)
class Segment:
    """A stretch of one camera; times as recorded."""

    camera: str
    start_s: float
    """Seconds after the first frame of the drive."""
    start_ns: int
    end_ns: int
    first_index: int
    badness: float
    why: str

    def to_dict(self) -> dict[str, object]:
        """For report.json."""
        return asdict(self)


def frame_badness(frames: Frames) -> tuple[np.ndarray, list[str]]:
    """How badly each frame went, and the largest part of it: what a person should look at first.

    Objects lost (less those gained) count 1 each, a fail-open 1, PSNR lost 1 a dB, and the larger residual
    probability up to 1: so without detector and truth the most degraded frames that stay so come first.
    """
    columns = frames.columns(
        "action", "residual_blur_probability", "residual_rain_probability", "objects_gained", "objects_lost",
        "psnr_before", "psnr_after",
    )  # fmt: skip
    number = {name: np.nan_to_num(np.asarray(v, float)) for name, v in columns.items() if name != "action"}
    parts = {
        "objects lost": np.maximum(0, number["objects_lost"] - number["objects_gained"]),
        "failed open": (columns["action"] == "FAILED_OPEN").astype(float),
        "farther from the truth": np.maximum(0, number["psnr_before"] - number["psnr_after"]),
        "still blurred or rainy": np.maximum(
            number["residual_blur_probability"], number["residual_rain_probability"]
        ),
    }
    table = np.stack(list(parts.values()))
    names = list(parts)
    return table.sum(axis=0), [names[i] for i in table.argmax(axis=0)]


def worst_segments(frames: Frames, count: int = 3, length_s: float = SEGMENT_S) -> list[Segment]:
    """The worst stretches by mean badness, worst first, of at most ``length_s`` and without overlap."""
    badness, why = frame_badness(frames)
    columns = frames.columns("camera", "time_ns", "index")
    first_ns = columns["time_ns"].min()
    candidates: list[Segment] = []
    for camera in dict.fromkeys(columns["camera"]):
        rows = np.flatnonzero(columns["camera"] == camera)
        rows = rows[np.argsort(columns["time_ns"][rows], kind="stable")]
        slots = (columns["time_ns"][rows] - columns["time_ns"][rows[0]]) // int(length_s * 1e9)
        for slot in np.unique(slots):
            inside = rows[slots == slot]
            times = columns["time_ns"][inside]
            worst = int(inside[badness[inside].argmax()])
            candidates.append(
                Segment(
                    str(camera), float(times.min() - first_ns) / 1e9, int(times.min()), int(times.max()),
                    int(columns["index"][inside[0]]),
                    float(badness[inside].mean()), why[worst],
                )
            )  # fmt: skip
    return sorted((c for c in candidates if c.badness > 0), key=lambda c: -c.badness)[:count]


def export_clips(
    source: Path, restored: Path, cameras: Sequence[str], segments: Sequence[Segment], folder: Path
) -> list[Path]:
    """Write each segment as a bag of its own: what was recorded of its camera and what was made of it."""
    shutil.rmtree(folder, ignore_errors=True)
    made = []
    for number, segment in enumerate(segments):
        clip = BagParts(folder / f"worst_{number}", folder / "scratch")
        for bag_path, is_source in ((source, True), (restored, False)):
            with open_bag(bag_path) as bag:
                topics = bag.topics
                if is_source:
                    camera = next(c for c in FrameReader(bag, cameras).cameras if c.name == segment.camera)
                    wanted = [t for t in (camera.topic, camera.info_topic) if t]
                else:
                    wanted = [t for t in topics if t.startswith(f"{camera.base}/restored/")]
                if bag.is_ros1:
                    continue  # its bytes are ROS 1's: the restored topics stand alone
                for message in bag.messages(
                    wanted,
                    max(0.0, (segment.start_ns - bag.start_ns) / 1e9 - 1e-3),
                    (segment.end_ns - bag.start_ns) / 1e9 + 1e-3,
                ):
                    text = topics[message.topic].definition
                    clip.write(
                        OutputMessage(message.topic, message.msgtype, message.time_ns, message.data, text)
                    )
        clip.finish_part()
        made.append(clip.folder)
    return made
