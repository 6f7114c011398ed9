# SPDX-License-Identifier: Apache-2.0
"""Small clips whose truth is known: a camera that moves, rain, and something that goes its own way."""

from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH = 96, 128


def texture(height: int, width: int, seed: int) -> np.ndarray:
    """Soft random detail: uint8 RGB."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.float32)
    return np.clip((smooth - 127) * 4 + 110, 0, 200).astype(np.uint8)


def clean_clip(count: int, step_px: int = 2, object_step_px: int = 0) -> list[np.ndarray]:
    """Frames of a camera that moves to the right; with an object that goes the other way, if it goes."""
    world = texture(HEIGHT, WIDTH + step_px * count, seed=0)
    frames = [world[:, step_px * t : step_px * t + WIDTH].copy() for t in range(count)]
    if object_step_px:
        for t, frame in enumerate(frames):
            left = 40 + object_step_px * t
            frame[32:64, left : left + 32] = texture(32, 32, seed=1)
    return frames


def rained_on(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Thin bright streaks, anew in each frame."""
    rainy = []
    for t, frame in enumerate(frames):
        wet = frame.copy()
        for x, y in np.random.default_rng(100 + t).integers(0, (WIDTH, HEIGHT), (25, 2)).tolist():
            cv2.line(wet, (x, y), (x + 2, y + 14), (235, 235, 235), 1)
        rainy.append(wet)
    return rainy


def write_frames(folder: Path, frames: list[np.ndarray]) -> Path:
    """PNG files ``0000.png`` and so on; returns the folder."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:04d}.png"), frame[..., ::-1])
    return folder
