# SPDX-License-Identifier: Apache-2.0
"""Clips of three frames with what is true of the last one: what the assessor's judgement over time is fitted on.

Drawn ones are filmed and degraded as ``data/clips.py`` does it, through the cameras of ``data/camera.py``; recorded
ones are clean videos, and real pairs of a degraded and a clean one. Motion blur is measured (``data/blur_extent.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.camera import Camera, CameraConfig, draw_camera
from restoregan_core.data.camera_motion import whole_frame
from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, Folder, PairFolder
from restoregan_core.data.consecutive import clip_of
from restoregan_core.data.degrade import (
    SYNTHETIC_KINDS,
    Degradation,
    DegradeConfig,
    Shares,
    draw_degradation,
    mirrored,
)
from restoregan_core.data.labels import (
    Grid,
    LabelConfig,
    labels_of,
    labels_of_cover,
    labels_of_pair,
    streak_change,
    under_drops,
)
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.ranges import Range, check_range, draw, draw_choice
from restoregan_core.data.samples import SampleMaker
from restoregan_core.data.sensor import SensorConfig
from restoregan_core.images.folders import ImageCache
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import TILE_SIZE_PX, grid_shape

SIDE_PX = 256
_FRAMES = 3


@dataclass(frozen=True, kw_only=True)
class AssessmentClipConfig:
    """What the judgement over time is fitted on.

    Raises:
        ValueError: a field is out of its range; the message names it.
    """

    sharp: list[Folder] = field(default_factory=list)
    """Stills that a virtual camera films."""
    videos: list[Folder] = field(default_factory=list)
    """Clean consecutive frames, each clip ordered by name (see ``DataConfig.videos``): degraded, and as they are."""
    soft_videos: list[Folder] = field(default_factory=list)
    """Clean ones that are soft or compressed: as they are."""
    blur_pairs: list[PairFolder] = field(default_factory=list)
    rain_pairs: list[PairFolder] = field(default_factory=list)
    drawn: int = 4000
    """Clips that are filmed or degraded here."""
    driven: int = 0
    """Clips of whole recorded frames, some left out between them so that they move fast, degraded here."""
    driven_shares: Shares = field(
        default_factory=lambda: Shares(blur=0.15, rain=0.25, blur_rain=0.25, drops=0.0, clean=0.35, pair=0.0)
    )
    driven_step: tuple[int, int] = (0, 4)
    """Every so many recorded frames one belongs to a driven clip, from the lowest to the highest number; 0: the same
    one again and again, as a car that waits sees it."""
    driven_rain: RainConfig = field(
        default_factory=lambda: RainConfig(
            sparse_weight=0.1, dense_weight=0.05, video_weight=0.2, driving_weight=0.25, near_weight=0.1,
            thin_weight=0.2, far_weight=0.1,
        )
    )  # fmt: skip
    recorded_step: int = 5
    """Every so many recorded frames one is judged, with the two before it."""
    shares: Shares = field(
        default_factory=lambda: Shares(blur=0.2, rain=0.33, blur_rain=0.06, drops=0.05, clean=0.36, pair=0.0)
    )
    rain: RainConfig = field(
        default_factory=lambda: RainConfig(
            sparse_weight=0.15, dense_weight=0.1, video_weight=0.3, driving_weight=0.2, near_weight=0.12,
            thin_weight=0.13,
        )
    )  # fmt: skip
    clips: ClipConfig = field(
        default_factory=lambda: ClipConfig(history=_FRAMES - 1, blur_px=(0.7, 24.0), video_share=0.5)
    )
    downscale: Range = (1.0, 1.8)
    camera: CameraConfig = field(default_factory=CameraConfig)
    labels: LabelConfig = field(default_factory=LabelConfig)

    def __post_init__(self) -> None:
        low, high = check_range("driven_step", self.driven_step, 0, 30)
        object.__setattr__(self, "driven_step", (int(low), int(high)))


@dataclass(frozen=True)
class LabelledClip:
    """Consecutive frames, the one that is judged last, and what is true of it."""

    frames: list[RgbImage]
    tiles: Grid
    """float32 (3, rows, columns): probability of blur, of rain (streaks or drops), of drops; NaN: nobody knows."""
    frame: Grid
    """float32 (3,), likewise."""
    source: str
    """What it was made of: a file, or ``drawn``."""


def drawn_clips(config: AssessmentClipConfig, seed: int) -> Iterator[LabelledClip]:
    """Clips that are filmed and degraded here, ``SIDE_PX`` square."""
    silent = SensorConfig(noise_share=0, jpeg_share=0)
    maker = SampleMaker(
        DataConfig(
            sharp=config.sharp, videos=config.videos, downscale=config.downscale, crop_candidates=1,
            degrade=DegradeConfig(rain=config.rain, sensor=silent), clips=config.clips,
        )
    )  # fmt: skip
    kinds = config.shares.of(("blur", "rain", "blur_rain", "drops", "clean"))
    for index in range(config.drawn):
        rng = np.random.default_rng([seed, index, 11])
        clip = maker.clip(index, draw_choice(rng, kinds), rng, SIDE_PX, config.clips)
        camera = draw_camera(config.camera, rng)
        seen = []
        for number, frame_HWC in enumerate(clip.degraded()):
            lens = replace(camera, sensor=replace(camera.sensor, seed=camera.sensor.seed + number))
            seen.append(_recorded(lens.record((frame_HWC / np.float32(255)).astype(np.float32))))
        if rng.random() < config.clips.single_share / 4:
            seen = [seen[0]] * len(seen)  # a camera that sends one frame again and again
        drawn, sharp_CHW = clip.drawn, _chw(clip.sharp[0])
        tiles: Grid = np.zeros((3, *grid_shape(SIDE_PX, SIDE_PX)), np.float32)
        frame: Grid = np.zeros(3, np.float32)
        if clip.drawn.motion.exposure:
            tiles, frame = labels_of_pair(_chw(clip.frames[0]), sharp_CHW, True, config.labels)
        under = under_drops(drawn.drops, SIDE_PX, SIDE_PX)
        change = np.zeros_like(under)
        if drawn.rain is not None:
            change = camera.lens(streak_change(_chw(clip.frames[0]), drawn.rain)) * camera.contrast
        tiles[1:], frame[1:] = labels_of_cover(change, under, config.labels)
        yield LabelledClip(seen[::-1], tiles, frame, "drawn")


def driven_clips(config: AssessmentClipConfig, seed: int) -> Iterator[LabelledClip]:
    """Clips of whole recorded frames, seen through one camera, with new streaks in each frame.

    Where frames are left out between them a car seems to drive faster, and turn more sharply, than alignment follows.
    """
    folders = (*config.videos, *config.soft_videos)
    weights = np.array([folder.weight for folder in folders])
    paths_of = [folder.frames() for folder in folders]
    kinds = config.driven_shares.of(SYNTHETIC_KINDS)
    silent = SensorConfig(noise_share=0, jpeg_share=0)
    degrade = DegradeConfig(rain=config.driven_rain, sensor=silent, blur=BlurConfig(object_share=0.0))
    read = ImageCache(200)
    for index in range(config.driven):
        rng = np.random.default_rng([seed, index, 13])
        paths = paths_of[int(rng.choice(len(folders), p=weights / weights.sum()))]
        last, step = int(rng.integers(len(paths))), int(rng.integers(*config.driven_step, endpoint=True))
        scale = draw(rng, config.downscale)
        frames = [_whole_tiles(_shrunk(read(path), scale)) for path in _run_at(paths, last, step)]
        done = draw_degradation(draw_choice(rng, kinds), degrade, rng, whole_frame(*frames[0].shape[1:]))
        camera = draw_camera(config.camera, rng)
        seen = [_seen(frame_CHW, number, done, camera) for number, frame_CHW in enumerate(frames)]
        tiles, frame = labels_of(done, frames[-1], config.labels, camera)
        # How far a recorded frame is smeared already, nobody knows.
        tiles[0], frame[0] = np.nan, np.nan
        yield LabelledClip(seen, tiles, frame, "driven")


def recorded_clips(config: AssessmentClipConfig) -> Iterator[LabelledClip]:
    """Whole frames of clean videos and of both sides of real pairs."""
    read = ImageCache(200)
    for folder in (*config.videos, *config.soft_videos):
        for paths in _runs(folder.images(), config.recorded_step):
            frames = [read(path) for path in paths]
            clean_tiles = np.zeros((3, *grid_shape(*frames[0].shape[:2])), np.float32)
            yield LabelledClip(frames, clean_tiles, np.zeros(3, np.float32), str(paths[-1]))
    for folder in (*config.blur_pairs, *config.rain_pairs):
        pairs = folder.find()
        target_of = {pair.input_path: pair.target_path for pair in pairs}
        for inputs in _runs([pair.input_path for pair in pairs], config.recorded_step):
            targets = [target_of[path] for path in inputs]
            given, clean = _whole_tiles(read(inputs[-1])), _whole_tiles(read(targets[-1]))
            for paths, is_input in ((inputs, True), (targets, False)):
                frames = [_cropped(read(path)) for path in paths]
                tiles, frame = labels_of_pair(
                    given, clean, is_input and folder in config.blur_pairs, config.labels
                )
                if is_input and folder in config.rain_pairs:
                    change = (given - clean).abs().amax(0).numpy()
                    tiles[1:], frame[1:] = labels_of_cover(change, np.zeros_like(change), config.labels)
                yield LabelledClip(frames, tiles, frame, str(paths[-1]))


def _runs(paths: list[Path], step: int) -> Iterator[list[Path]]:
    """Every ``step``-th path with the two before it, where those are of the same clip."""
    for last in range(_FRAMES - 1, len(paths), step):
        run = paths[last - _FRAMES + 1 : last + 1]
        if len({clip_of(path) for path in run}) == 1:
            yield run


def _run_at(paths: list[Path], last: int, step: int) -> list[Path]:
    """Frames ``step`` apart up to one of them, or from it on as far as its clip goes where that begins too near."""

    def is_of_the_clip(number: int) -> bool:
        return 0 <= number < len(paths) and clip_of(paths[number]) == clip_of(paths[last])

    way = range(_FRAMES)
    if is_of_the_clip(last - (_FRAMES - 1) * step):
        return [paths[last - number * step] for number in reversed(way)]
    end = next(number for number in range(last + (_FRAMES - 1) * step, -1, -1) if is_of_the_clip(number))
    return [paths[min(last + number * step, end)] for number in way]


def _shrunk(rgb_HWC: RgbImage, scale: float) -> RgbImage:
    height, width = (round(side / scale) for side in rgb_HWC.shape[:2])
    return np.asarray(cv2.resize(rgb_HWC, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _seen(frame_CHW: torch.Tensor, number: int, done: Degradation, camera: Camera) -> RgbImage:
    """One frame of a clip: all are degraded alike, but the streaks and the noise are each frame's own."""
    rain = replace(done.rain, seed=done.rain.seed + number) if done.rain is not None else None
    degraded_CHW, _ = replace(done, rain=rain).apply(mirrored(frame_CHW, done.margin))
    lens = replace(camera, sensor=replace(camera.sensor, seed=camera.sensor.seed + number))
    return _recorded(lens.record(np.ascontiguousarray(degraded_CHW.permute(1, 2, 0).numpy())))


def _cropped(rgb_HWC: RgbImage) -> RgbImage:
    """Without the tiles that the border cuts, of which pairs do not say what is true."""
    height, width = (side - side % TILE_SIZE_PX for side in rgb_HWC.shape[:2])
    return np.ascontiguousarray(rgb_HWC[:height, :width])


def _whole_tiles(rgb_HWC: RgbImage) -> torch.Tensor:
    return _chw((_cropped(rgb_HWC) / np.float32(255)).astype(np.float32))


def _chw(image_HWC: npt.NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image_HWC.transpose(2, 0, 1)))


def _recorded(image_CHW: torch.Tensor) -> RgbImage:
    return np.ascontiguousarray(image_CHW.mul(255).round().byte().permute(1, 2, 0).numpy())
