# SPDX-License-Identifier: Apache-2.0
"""Which frames of a replay are worth a look, and their pictures, taken from both bags in one pass."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.reader import Bag, open_bag
from restoregan_core.data.known_degradation import Spoiling
from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.replay.segments import frame_badness
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames
from restoregan_core.replay.truth import TruthTopic
from restoregan_core.report.page import encode_jpeg

GROUP_FRAMES = 16
PICTURE_WIDTH_PX = 800


@dataclass(frozen=True)
class Choice:
    """Frames to show, as positions in frames.parquet."""

    groups: dict[str, list[int]]
    """``worst``, ``most improved``, ``most changed``: best example first."""
    timeline: list[int]
    """Evenly spread, for clicks on the timeline."""

    @property
    def all(self) -> list[int]:
        """Every position once, those of the groups first."""
        return list(dict.fromkeys([*(i for group in self.groups.values() for i in group), *self.timeline]))


def choose_frames(frames: Frames, timeline_frames: int = 400) -> Choice:
    """What to show of a replay."""
    badness, _ = frame_badness(frames)
    names = (
        "blur_probability", "rain_probability", "residual_blur_probability", "residual_rain_probability",
        "mean_change", "psnr_before", "psnr_after", "objects_gained", "objects_lost", "height",
    )  # fmt: skip
    c = {name: np.nan_to_num(np.asarray(v, float)) for name, v in frames.columns(*names).items()}
    before = np.maximum(c["blur_probability"], c["rain_probability"])
    after = np.maximum(c["residual_blur_probability"], c["residual_rain_probability"])
    improved = (before - after) + (c["psnr_after"] - c["psnr_before"])
    improved += c["objects_gained"] - c["objects_lost"]
    decoded = np.flatnonzero(c["height"] > 0)
    groups = {
        "worst": _best(badness, decoded),
        "most improved": _best(improved, decoded),
        "most changed": _best(c["mean_change"], decoded),
    }
    spread = np.linspace(0, len(decoded) - 1, min(timeline_frames, len(decoded))).round().astype(int)
    return Choice(groups, decoded[spread].tolist() if len(decoded) else [])


def _best(score: np.ndarray, among: np.ndarray) -> list[int]:
    """Highest first; neighbours of a chosen frame are left out where there is enough else to show."""
    order = among[np.argsort(-score[among], kind="stable")]
    order = order[score[order] > 0]
    apart: list[int] = []
    for i in order:
        if len(apart) < GROUP_FRAMES and all(abs(int(i) - j) > 3 for j in apart):
            apart.append(int(i))
    return apart


def write_pictures(
    folder: ReplayFolder, settings: dict[str, Any], frames: Frames, chosen: Sequence[int]
) -> dict[int, dict[str, Path]]:
    """JPEG files of frames: position -> name (``before``, ``after``, ``truth``) -> file."""
    columns = frames.columns("index", "camera", "time_ns")
    wanted = {(columns["camera"][i], int(columns["time_ns"][i])): i for i in chosen}
    spoiling = Spoiling(**settings["spoiling"]) if settings["spoiling"] else None
    folder.pictures.mkdir(exist_ok=True)
    made: dict[int, dict[str, Path]] = {}
    with contextlib.ExitStack() as stack:
        bag = stack.enter_context(open_bag(Path(settings["bag"])))
        restored = stack.enter_context(open_bag(folder.bag))
        truth = None
        if settings["truth_topic"]:
            truth = TruthTopic(stack.enter_context(open_bag(bag.path)), settings["truth_topic"])
        published = _restored_frames(restored)
        for frame in FrameReader(bag, settings["cameras"]).frames(settings["start_s"], settings["end_s"]):
            position = wanted.get((frame.camera.name, frame.time_ns))
            if position is None:
                continue
            pixels = {"before": _pixels(frame)}
            if pixels["before"] is not None and spoiling:
                pixels["truth"] = pixels["before"]
                pixels["before"] = spoiling(pixels["before"], frame.index)
            elif truth and (clean := truth.find(frame.stamp_ns)):
                pixels["truth"] = _pixels(clean)
            found = published(f"{frame.camera.base}/restored", frame.time_ns)
            pixels["after"] = pixels["before"] if found is None else _pixels(found)
            if pixels["before"] is None or pixels["after"] is None:
                continue
            made[position] = {}
            for name, rgb_HWC in pixels.items():
                if rgb_HWC is not None:
                    file = folder.pictures / f"{position:06d}_{name}.jpg"
                    file.write_bytes(encode_jpeg(rgb_HWC, PICTURE_WIDTH_PX))
                    made[position][name] = file
    return made


def _restored_frames(bag: Bag):  # type: ignore[no-untyped-def]
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


def _pixels(frame: SourceFrame) -> np.ndarray | None:
    try:
        return frame.decode()
    except (UnsupportedEncodingError, MalformedImageError):
        return None
