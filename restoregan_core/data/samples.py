# SPDX-License-Identifier: Apache-2.0
"""One training sample: a place in a file, what is done to it, and where it came from.

Four ways: a real pair, a still degraded as a single image, a clip filmed from a still by a virtual camera, and a clip
of recorded frames. ``sources.py`` says which sample is made how. Of a clip that is to be unrolled these are the frames
alone, which ``sequences.py`` takes further.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restoregan_core.data.augment import draw_flips, flip
from restoregan_core.data.camera_motion import Window
from restoregan_core.data.clips import ClipConfig, ClipDegradation, draw_accidents, draw_clip, with_history
from restoregan_core.data.config import DataConfig, Folder
from restoregan_core.data.consecutive import ConsecutiveFrames, clip_of
from restoregan_core.data.degrade import Degradation, draw_degradation
from restoregan_core.data.ranges import draw
from restoregan_core.data.sequences import Mishaps
from restoregan_core.data.virtual_camera import film
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.images.folders import ImageCache, cut

_CLIP_CONTEXT_PX = 48
"""Around a patch of a recorded clip, so that alignment sees where things came from."""

_MOST_MARGIN_PX = 160
"""Around the window of a virtual camera; what lies beyond is mirrored."""

_REVERSED_SHARE = 0.3
"""Of real clips that are unrolled, how many run backwards in time."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a sample came from and what was done to it."""

    index: int
    kind: str
    """blur, rain, blur_rain, drops, clean or pair."""
    file: str
    top: int
    left: int
    downscale: float = 1.0
    degradation: Degradation | ClipDegradation | None = None
    """None for real pairs, of which nobody knows it."""
    mishaps: Mishaps | None = None
    """Of an unrolled clip."""

    def to_dict(self) -> dict[str, Any]:
        """For a JSON record."""
        place = {"index": self.index, "file": self.file, "top": self.top, "left": self.left}
        done = self.degradation.to_dict() if self.degradation else {"kind": self.kind}
        mishaps = {"mishaps": asdict(self.mishaps)} if self.mishaps else {}
        return {**place, "downscale": self.downscale, **done, **mishaps}


@dataclass(frozen=True)
class FilmedClip:
    """Consecutive frames, the current one first, and what is to be done to them."""

    drawn: ClipDegradation
    frames: list[npt.NDArray[np.float32]]
    """(side, side, 3) in [0, 1]; blurred where the clip is, otherwise not degraded."""
    sharp: list[npt.NDArray[np.float32]]
    """The current frame without blur, and of a clip that is to be unrolled all others."""
    origin: Origin

    def degraded(self) -> list[npt.NDArray[np.uint8]]:
        """Each frame as the camera delivers it, uint8 RGB."""
        return self.drawn.degrade(self.frames)

    def ground_truth(self) -> list[npt.NDArray[np.uint8]]:
        """What each sharp frame is to become, uint8 RGB."""
        return [self.drawn.ground_truth(frame, number) for number, frame in enumerate(self.sharp)]


class SampleMaker:
    """Makes samples from the folders of a recipe.

    Raises:
        ValueError: see ``TrainingSource``.
    """

    def __init__(self, config: DataConfig) -> None:
        self.config = config
        self.sharp = [folder.images() for folder in config.sharp]
        self.pairs = [folder.find() for folder in config.pairs]
        self.videos = [folder.frames() for folder in config.videos]
        self._read = ImageCache(config.cache_mb)
        self._unrolled = config.clips.unrolled if config.clips else 1
        if self._unrolled > 1:
            self._clips_of_pairs = [
                ConsecutiveFrames([pair.input_path for pair in pairs]) for pairs in self.pairs
            ]
            self._clips_of_videos = [ConsecutiveFrames(frames) for frames in self.videos]
            for folder, clips in zip(config.pairs, self._clips_of_pairs, strict=True):
                if folder.consecutive and clips.most_before < self._unrolled - 1:
                    raise ValueError(
                        f"{folder.path} has no {self._unrolled} frames of one clip in a row: lower "
                        "data.clips.unrolled, or set consecutive: false for single images"
                    )

    def make(
        self, index: int, kind: str, rng: np.random.Generator, side: int, clips: ClipConfig | None
    ) -> tuple[Tensor, Tensor, Origin]:
        """Sample ``index`` of a kind, ``side`` px square: input, target, origin.

        Args:
            rng: all that is drawn comes from it.
            clips: how clips are made; None makes single images, (3, side, side), instead of (3 (1 + history), ...).
                Of a clip that is to be unrolled, input and target are all frames, the oldest first, (3 unrolled, ...);
                a real pair that has none before it is a single image all the same.
        """
        if kind == "pair":
            return self._real_pair(index, rng, side, clips)
        if clips:
            return self._synthetic_clip(index, kind, rng, side, clips)
        return self._synthetic(index, kind, rng, side)

    def _real_pair(
        self, index: int, rng: np.random.Generator, patch_size: int, clips: ClipConfig | None
    ) -> tuple[Tensor, Tensor, Origin]:
        number = _draw_folder(self.config.pairs, rng)
        folder, pairs = self.config.pairs[number], self.pairs[number]
        steps = [0]
        if clips and clips.unrolled > 1 and folder.consecutive:
            steps = self._draw_steps(number, rng, clips)
            place = self._clips_of_pairs[number].draw(rng, max(steps))
        else:
            place = int(rng.integers(len(pairs)))
        scale = draw(rng, folder.enlarge)
        has_history = bool(clips and clips.unrolled == 1 and folder.consecutive)
        context = _CLIP_CONTEXT_PX if has_history else 0
        side = round((patch_size + 2 * context) / scale)
        top, left = _draw_corner(self._read(pairs[place].input_path), side, rng)
        flips = draw_flips(rng) if self.config.flips else (False, False)

        def window(path: Path) -> np.ndarray:
            box = cut(self._read(path), top, left, side, side)
            if side != patch_size + 2 * context:
                whole = (patch_size + 2 * context,) * 2
                box = cv2.resize(box, whole, interpolation=cv2.INTER_CUBIC)
            return np.ascontiguousarray(flip(box, flips))

        chosen = [pairs[place - step] for step in steps]
        target = np.concatenate([window(pair.target_path) for pair in chosen], axis=2)
        given = np.concatenate([window(pair.input_path) for pair in chosen], axis=2)
        if clips and has_history:
            step = int(rng.integers(2, 4)) if rng.random() < clips.dropped_share else 1
            older = _frames_before(pairs, place, step, clips.history)
            frames = [given, *(window(path) for path in older)]
            accidents = draw_accidents(clips, rng, is_recorded=True)
            missing = max(accidents.missing, clips.history - len(older))
            frames += [given] * (clips.history - len(older))
            given = with_history(frames, replace(accidents, missing=missing), clips.path)
        inner = slice(context, context + patch_size)
        origin = Origin(
            index=index,
            kind="pair",
            file=str(pairs[place].input_path),
            top=top,
            left=left,
            downscale=1 / scale,
        )
        return _to_tensor(given[inner, inner]), _to_tensor(target[inner, inner]), origin

    def _draw_steps(self, number: int, rng: np.random.Generator, clips: ClipConfig) -> list[int]:
        """How far before a place of a folder of pairs each frame of a clip lies."""
        step = int(rng.integers(2, 4)) if rng.random() < clips.dropped_share else 1
        step = min(step, self._clips_of_pairs[number].most_before // clips.frames_before)
        steps = [step * older for older in range(clips.frames_before, -1, -1)]
        return steps[::-1] if rng.random() < _REVERSED_SHARE else steps

    def _synthetic_clip(
        self, index: int, kind: str, rng: np.random.Generator, side: int, clips: ClipConfig
    ) -> tuple[Tensor, Tensor, Origin]:
        """A clip, every frame degraded, the older ones aligned unless it is to be unrolled."""
        clip = self.clip(index, kind, rng, side, clips)
        target = np.concatenate(clip.ground_truth()[::-1], axis=2)
        if clips.unrolled > 1:
            given = np.concatenate(clip.degraded()[::-1], axis=2)
        else:
            given = with_history(clip.degraded(), clip.drawn.accidents, clips.path)
        return _to_tensor(given), _to_tensor(target), clip.origin

    def clip(
        self, index: int, kind: str, rng: np.random.Generator, side: int, clips: ClipConfig
    ) -> FilmedClip:
        """A clip recorded, or filmed from a still by a virtual camera, and what is to be done to its frames.

        Args:
            kind: blur, rain, blur_rain, drops or clean.
            rng: all that is drawn comes from it.
        """
        if self.videos and kind in ("rain", "drops", "clean") and rng.random() < clips.video_share:
            return self._recorded_clip(index, kind, rng, side, clips)
        path, rgb_HWC, scale, corner = self._draw_place(rng, side)
        drawn = draw_clip(kind, clips, self.config.degrade, rng, side)
        flips = draw_flips(rng) if self.config.flips else (False, False)
        margin = min(drawn.motion.margin_px(1 + round(-min(drawn.times)), side), _MOST_MARGIN_PX)

        def surroundings(
            rgb_HWC: np.ndarray, scale: float, corner: tuple[int, int], margin: int
        ) -> np.ndarray:
            box = _scaled_cut(rgb_HWC, scale, corner[0] - margin, corner[1] - margin, side + 2 * margin)
            return np.ascontiguousarray(flip(box, flips))

        thing = None
        if drawn.motion.object_path is not None:
            _, other_HWC, other_scale, other_corner = self._draw_place(rng, side)
            thing = surroundings(other_HWC, other_scale, other_corner, 0)
        scene = surroundings(rgb_HWC, scale, corner, margin)
        frames, sharp_frames = film(scene, drawn.motion, list(drawn.times), side, thing, clips.unrolled)
        origin = Origin(
            index=index,
            kind=kind,
            file=path,
            top=corner[0],
            left=corner[1],
            downscale=scale,
            degradation=drawn,
        )
        return FilmedClip(drawn, frames, sharp_frames, origin)

    def _recorded_clip(
        self, index: int, kind: str, rng: np.random.Generator, side: int, clips: ClipConfig
    ) -> FilmedClip:
        """A clip of clean recorded frames."""
        number = _draw_folder(self.config.videos, rng)
        paths = self.videos[number]
        place = int(rng.integers(len(paths)))
        drawn = draw_clip(kind, clips, self.config.degrade, rng, side)
        if clips.unrolled > 1:
            place = self._clips_of_videos[number].draw(rng, round(-min(drawn.times)))
        chosen = _frames_at(paths, place, [round(t) for t in drawn.times])
        rgb_HWC = self._read(paths[place])
        low, high = self.config.downscale
        scale = draw(rng, (low, max(low, min(high, min(rgb_HWC.shape[:2]) / side))))
        top, left = (int(rng.integers(max(round(n / scale) - side, 0) + 1)) for n in rgb_HWC.shape[:2])
        flips = draw_flips(rng) if self.config.flips else (False, False)
        frames: list[npt.NDArray[np.float32]] = []
        for chosen_path in chosen:
            rgb_HWC = flip(_scaled_cut(self._read(chosen_path), scale, top, left, side), flips)
            frames.append((rgb_HWC / np.float32(255)).astype(np.float32))
        origin = Origin(
            index=index,
            kind=kind,
            file=str(paths[place]),
            top=top,
            left=left,
            downscale=scale,
            degradation=drawn,
        )
        return FilmedClip(drawn, frames, frames[: clips.unrolled], origin)

    def _synthetic(
        self, index: int, kind: str, rng: np.random.Generator, patch_size: int
    ) -> tuple[Tensor, Tensor, Origin]:
        path, rgb_HWC, scale, corner = self._draw_place(rng, patch_size)
        height, width = (round(n / scale) for n in rgb_HWC.shape[:2])
        window = Window(
            top=corner[0],
            left=corner[1],
            height=patch_size,
            width=patch_size,
            frame_height=height,
            frame_width=width,
        )
        degradation = draw_degradation(kind, self.config.degrade, rng, window)
        flips = draw_flips(rng) if self.config.flips else (False, False)
        margin = degradation.margin

        def padded(rgb_HWC: np.ndarray, scale: float, corner: tuple[int, int]) -> Tensor:
            box = _scaled_cut(rgb_HWC, scale, corner[0] - margin, corner[1] - margin, patch_size + 2 * margin)
            return _to_tensor(flip(box, flips))

        moving = None
        if degradation.wants_object:
            _, other_HWC, other_scale, other_corner = self._draw_place(rng, patch_size)
            moving = padded(other_HWC, other_scale, other_corner)
        given, target = degradation.apply(padded(rgb_HWC, scale, corner), moving)
        origin = Origin(
            index=index,
            kind=kind,
            file=path,
            top=window.top,
            left=window.left,
            downscale=scale,
            degradation=degradation,
        )
        return given, target, origin

    def _draw_place(
        self, rng: np.random.Generator, patch_size: int
    ) -> tuple[str, np.ndarray, float, tuple[int, int]]:
        """A sharp image, its downscale, and the corner of a crop in the downscaled image."""
        paths = self.sharp[_draw_folder(self.config.sharp, rng)]
        path = paths[int(rng.integers(len(paths)))]
        rgb_HWC = self._read(path)
        low, high = self.config.downscale
        scale = draw(rng, (low, max(low, min(high, min(rgb_HWC.shape[:2]) / patch_size))))
        height, width = (round(n / scale) for n in rgb_HWC.shape[:2])
        best, corner = -1.0, (0, 0)
        for _ in range(self.config.crop_candidates):
            top, left = (int(rng.integers(max(n - patch_size, 0) + 1)) for n in (height, width))
            rows = slice(int(top * scale), int((top + patch_size) * scale), 2)
            columns = slice(int(left * scale), int((left + patch_size) * scale), 2)
            grey = rgb_HWC[rows, columns, 1]
            detail = (
                float(cv2.absdiff(grey[1:], grey[:-1]).mean()) if self.config.crop_candidates > 1 else 0.0
            )
            if detail > best:
                best, corner = detail, (top, left)
        return str(path), rgb_HWC, scale, corner


def _frames_before(pairs: Sequence[Pair], place: int, step: int, count: int) -> list[Path]:
    """Up to ``count`` frames before one, newest first, of the same clip."""
    older: list[Path] = []
    while len(older) < count:
        place -= step
        if place < 0 or clip_of(pairs[place].input_path) != clip_of(pairs[place + step].input_path):
            break
        older.append(pairs[place].input_path)
    return older


def _frames_at(paths: Sequence[Path], place: int, steps: Sequence[int]) -> list[Path]:
    """Frames so many steps away within a frame's clip; where there is none, the one nearer to it stands for it."""
    found: list[Path] = []
    for step in steps:
        other = place + step
        is_there = 0 <= other < len(paths) and clip_of(paths[other]) == clip_of(paths[place])
        found.append(paths[other] if is_there else (found[-1] if found else paths[place]))
    return found


def _draw_folder(folders: Sequence[Folder], rng: np.random.Generator) -> int:
    weights = np.array([folder.weight for folder in folders])
    return int(rng.choice(len(folders), p=weights / weights.sum()))


def _draw_corner(rgb_HWC: np.ndarray, patch_size: int, rng: np.random.Generator) -> tuple[int, int]:
    top, left = (int(rng.integers(max(n - patch_size, 0) + 1)) for n in rgb_HWC.shape[:2])
    return top, left


def _scaled_cut(rgb_HWC: np.ndarray, scale: float, top: int, left: int, side: int) -> np.ndarray:
    """A square of the image as if it were downscaled as a whole, uint8 (side, side, 3)."""
    if scale == 1:
        return cut(rgb_HWC, top, left, side, side)
    source_side = round(side * scale)
    box = cut(rgb_HWC, round(top * scale), round(left * scale), source_side, source_side)
    return cv2.resize(box, (side, side), interpolation=cv2.INTER_AREA)


def _to_tensor(rgb_HWC: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) -> float32 (3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(rgb_HWC.transpose(2, 0, 1))).float().div_(255)
