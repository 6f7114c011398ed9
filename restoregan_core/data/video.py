# SPDX-License-Identifier: Apache-2.0
"""Frames in their order, and the blur that real motion leaves: their average, with sub-frames between."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.data.sensor import GAMMA
from restoregan_core.images.folders import find_frames, read_rgb
from restoregan_core.images.video_files import VideoReader


def read_frames(source: Path) -> Iterator[np.ndarray]:
    """The frames of a video file, or the images of a folder in the order of their numbers: uint8 (H, W, 3) RGB each.

    Raises:
        ValueError: no video that OpenCV can read, or frames of several sizes.
    """
    if source.is_dir():
        size = None
        for path in find_frames(source):
            rgb_HWC = read_rgb(path)
            size = size or rgb_HWC.shape
            if rgb_HWC.shape != size:
                raise ValueError(
                    f"{path} is {rgb_HWC.shape[0]}x{rgb_HWC.shape[1]}, not the size of the first frame"
                )
            yield rgb_HWC
        return
    with VideoReader(source) as video:
        for frame in video:
            yield frame.rgb_HWC


def windows(frames: Iterable[np.ndarray], count: int) -> Iterator[list[np.ndarray]]:
    """``count`` frames in a row, again and again without overlap; what is left over at the end is dropped."""
    held: deque[np.ndarray] = deque()
    for frame in frames:
        held.append(frame)
        if len(held) == count:
            yield list(held)
            held.clear()


def average_frames(
    frames_HWC: list[np.ndarray], linear_light: bool = True, step_px: float = 2.0, max_between: int = 15
) -> np.ndarray:
    """What one exposure over all these frames records (eqs. 1 to 3 of the paper), uint8 (H, W, 3) RGB.

    Between two frames sub-frames are interpolated along the optical flow, so many that the fastest pixels
    (99th percentile) move up to ``step_px`` from one to the next: real blur is continuous, and an average of
    the frames alone would show each edge several times.
    """
    total = np.zeros(frames_HWC[0].shape, np.float32)
    weight = 0.0
    for first, second in pairwise(frames_HWC):
        forth, back = _flow(first, second), _flow(second, first)
        speed = float(np.percentile(np.hypot(forth[..., 0], forth[..., 1]), 99))
        between = int(np.clip(np.ceil(speed / step_px) - 1, 0, max_between))
        lights = _to_light(first, linear_light), _to_light(second, linear_light)
        # Trapezoid rule: a frame where two spans meet counts half in each.
        total += (lights[0] + lights[1]) * (0.5 / (between + 1))
        for step in range(1, between + 1):
            time = step / (between + 1)
            early = _warp(lights[0], forth, -time)
            late = _warp(lights[1], back, -(1 - time))
            total += (early * (1 - time) + late * time) / (between + 1)
        weight += 1
    if not weight:
        return frames_HWC[0].copy()
    mean = np.clip(total / weight, 0, 1)
    shown = mean ** (1 / GAMMA) if linear_light else mean
    return np.rint(shown * 255).astype(np.uint8)


def _to_light(rgb_HWC: np.ndarray, linear_light: bool) -> np.ndarray:
    image = rgb_HWC.astype(np.float32) / 255
    return image**GAMMA if linear_light else image


def _flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    before, after = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second))
    start = np.zeros((*before.shape, 2), np.float32)
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(before, after, start)


def _warp(light: np.ndarray, flow: np.ndarray, amount: float) -> np.ndarray:
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        light,
        x + amount * flow[..., 0],
        y + amount * flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
