# SPDX-License-Identifier: Apache-2.0
"""Small clips whose truth is known: a camera that moves, rain, and something that goes its own way."""

from pathlib import Path

import cv2
import numpy as np

from restoregan_core.data.degrade import Shares

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


def soft_image(seed: int, height: int = 200, width: int = 240) -> np.ndarray:
    """Large soft spots of every colour: uint8 RGB."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def write_stills(folder: Path) -> Path:
    """Three images to train on; returns the folder."""
    folder.mkdir()
    for seed in range(3):
        cv2.imwrite(str(folder / f"{seed}.png"), soft_image(seed))
    return folder


def recorded(folder: Path, count: int = 6, shift: int = 3, prefix: str = "", seed: int = 9) -> Path:
    """Consecutive frames of a camera that slides to the right, degraded and clean; returns the folder of both.

    Degraded ones are 10 levels brighter, and every other exposure is a level brighter.
    """
    whole = (0.7 * soft_image(seed, 200, 400) + 20).astype(np.uint8)
    for side, added in (("input", 10), ("target", 0)):
        (folder / side).mkdir(parents=True, exist_ok=True)
        for k in range(count):
            frame = whole[:, shift * k : shift * k + 240] + np.uint8(added + k % 2)
            cv2.imwrite(str(folder / side / f"{prefix}{k:03}.png"), frame)
    return folder


def only(kind: str) -> Shares:
    """Every sample is of that kind."""
    shares = dict.fromkeys(("blur", "rain", "blur_rain", "drops", "clean", "pair"), 0.0)
    return Shares(**shares | {kind: 1.0})
