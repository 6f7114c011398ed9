# SPDX-License-Identifier: Apache-2.0
"""A made street, sharp and dry, and the same smeared or rained on."""

import cv2
import numpy as np


def street(height=360, width=640, seed=0):
    """Boxes, windows and poles with a little texture, as a camera shows them: RGB."""
    rng = np.random.default_rng(seed)
    scene = np.full((2 * height, 2 * width, 3), (150, 160, 170), np.uint8)
    for _ in range(120):
        y, x = rng.integers(0, 2 * height), rng.integers(0, 2 * width)
        h, w = rng.integers(10, 200, 2)
        cv2.rectangle(
            scene, (int(x), int(y)), (int(x + w), int(y + h)), rng.integers(20, 230, 3).tolist(), -1
        )
    for _ in range(60):
        points = rng.integers(0, 2 * width, 4).tolist()
        cv2.line(scene, points[:2], points[2:], rng.integers(20, 230, 3).tolist(), int(rng.integers(2, 6)))
    grain = cv2.GaussianBlur(rng.normal(0, 12, scene.shape), (0, 0), 1.5)
    small = cv2.resize(np.clip(scene + grain, 0, 255), (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(small + rng.normal(0, 1.5, small.shape), 0, 255).astype(np.uint8)


def smeared(rgb, length_px, angle_deg):
    side = length_px + 4 | 1
    kernel = np.zeros((side, side), np.float32)
    middle = side // 2
    for t in np.linspace(-length_px / 2, length_px / 2, 8 * length_px):
        angle = np.radians(angle_deg)
        kernel[round(middle + t * np.sin(angle)), round(middle + t * np.cos(angle))] += 1
    return cv2.filter2D(rgb, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def rained_on(rgb, drops=1500, seed=1):
    rng = np.random.default_rng(seed)
    layer = np.zeros(rgb.shape[:2], np.float32)
    for x, y in zip(rng.integers(0, rgb.shape[1], drops), rng.integers(0, rgb.shape[0], drops), strict=True):
        cv2.line(layer, (int(x), int(y)), (int(x) + 4, int(y) + 22), float(rng.uniform(40, 120)), 1)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.6)
    return np.clip(rgb + layer[..., None], 0, 255).astype(np.uint8)
