# SPDX-License-Identifier: Apache-2.0
"""Which frames of a replay are worth a look, and their images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.replay.published import read_published
from restoregan_core.replay.segments import frame_badness
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames
from restoregan_core.report.page import encode_jpeg

GROUP_FRAMES = 16
IMAGE_WIDTH_PX = 800


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


def write_images(
    folder: ReplayFolder, settings: dict[str, Any], frames: Frames, chosen: Sequence[int]
) -> dict[int, dict[str, Path]]:
    """JPEG files of frames: position -> name (``before``, ``after``, ``truth``) -> file."""
    folder.images.mkdir(exist_ok=True)
    made: dict[int, dict[str, Path]] = {}
    for shown in read_published(folder, settings, frames, chosen):
        made[shown.position] = {}
        for name, rgb_HWC in (("before", shown.before), ("truth", shown.truth), ("after", shown.after)):
            if rgb_HWC is not None:
                file = folder.images / f"{shown.position:06d}_{name}.jpg"
                file.write_bytes(encode_jpeg(rgb_HWC, IMAGE_WIDTH_PX))
                made[shown.position][name] = file
    return made
