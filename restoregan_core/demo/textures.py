# SPDX-License-Identifier: Apache-2.0
"""What the demo's street is papered with: road, facades, sky, and the things along the way.

Brick, gravel and grass are the CC0 photographs that scikit-image's wheel holds, the posters its CC0 and
public-domain images; the rest is drawn. Textures are uint8 RGB, sprites uint8 RGBA.
"""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Texture = npt.NDArray[Any]
"""uint8, RGB or RGBA."""

ROAD_PX_PER_M = 64
ROAD_HALF_WIDTH_M = 12
ROAD_PERIOD_M = 12
WALL_PX_PER_M = 40
WALL_PERIOD_M = 40
WALL_HEIGHT_M = 12


@cache
def photograph(name: str) -> Texture:
    """One of scikit-image's own images, RGB."""
    import skimage

    path = Path(skimage.__file__).parent / "data" / name
    bgr_HWC = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert bgr_HWC is not None, path
    return cv2.cvtColor(bgr_HWC, cv2.COLOR_BGR2RGB)


def tiled(
    name: str,
    height: int,
    width: int,
    tint: tuple[float, float, float],
    contrast: float = 1.0,
    side_px: int = 512,
) -> Texture:
    """A grey photograph, shrunk to ``side_px``, repeated over height x width, coloured.

    ``tint`` is the mean colour in [0, 255].
    """
    grey: Texture = cv2.cvtColor(photograph(name), cv2.COLOR_RGB2GRAY).astype(np.float32)
    if name == "brick.png":
        grey = grey.T  # its courses stand upright
    grey = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
    repeats = (-(-height // grey.shape[0]), -(-width // grey.shape[1]))
    tile = np.tile((grey / grey.mean() - 1) * contrast + 1, repeats)[:height, :width]
    return np.clip(tile[..., None] * np.array(tint, np.float32), 0, 255).astype(np.uint8)


def road_texture() -> Texture:
    """From above, rows along the way, columns from left to right: pavement, kerb, lanes with dashes."""
    scale = ROAD_PX_PER_M
    length, width = ROAD_PERIOD_M * scale, 2 * ROAD_HALF_WIDTH_M * scale
    road = tiled("gravel.png", length, width, (92, 92, 96), contrast=0.5, side_px=192)
    middle = width // 2
    pavement = tiled("brick.png", length, width, (150, 143, 135), contrast=0.7, side_px=256)
    grass = tiled("grass.png", length, width, (84, 112, 58), contrast=1.1, side_px=256)
    for side in (-1, 1):
        for texture, near_m, far_m in ((pavement, 5.6, 8.6), (grass, 8.6, 12.0)):
            left, right = sorted((middle + int(side * near_m * scale), middle + int(side * far_m * scale)))
            road[:, left:right] = texture[:, left:right]
        kerb = middle + int(side * 5.6 * scale)
        road[:, kerb - 6 : kerb + 6] = (188, 184, 178)
        edge = middle + int(side * 5.1 * scale)
        road[:, edge - 4 : edge + 4] = (214, 214, 208)
    road[: length // 2, middle - 5 : middle + 5] = (226, 224, 214)  # the dashes of the middle line
    cv2.circle(road, (middle + 130, int(length * 0.7)), 22, (60, 60, 62), -1, cv2.LINE_AA)  # a manhole
    cv2.circle(road, (middle + 130, int(length * 0.7)), 15, (84, 82, 80), 2, cv2.LINE_AA)
    return road


def wall_texture(seed: int) -> tuple[Texture, npt.NDArray[np.float32]]:
    """A row of houses seen from the front, and the height in metres of the house at each column."""
    rng = np.random.default_rng(seed)
    scale, height, width = WALL_PX_PER_M, WALL_HEIGHT_M * WALL_PX_PER_M, WALL_PERIOD_M * WALL_PX_PER_M
    wall = np.zeros((height, width, 3), np.uint8)
    heights_m = np.zeros(width, np.float32)
    tints = [(150, 84, 66), (176, 158, 128), (122, 98, 88), (190, 182, 170), (108, 112, 120), (168, 120, 80)]
    posters = ["coffee.png", "rocket.jpg", "chelsea.png", "astronaut.png", "motorcycle_left.png"]
    left = 0
    while left < width:
        right = min(width, left + int(rng.uniform(7, 11) * scale))
        if width - right < 4 * scale:
            right = width
        house_m = float(rng.uniform(6.5, WALL_HEIGHT_M - 0.5))
        heights_m[left:right] = house_m
        top = height - int(house_m * scale)
        tint = tints[int(rng.integers(len(tints)))]
        wall[top:, left:right] = tiled("brick.png", height - top, right - left, tint, side_px=128)
        wall[top : top + 10, left:right] = (70, 66, 64)
        poster = photograph(posters[int(rng.integers(len(posters)))])
        _draw_windows(wall, left, right, top, rng)
        _draw_shop(wall, left, right, poster)
        left = right
    return wall, heights_m


def _draw_windows(wall: Texture, left: int, right: int, top: int, rng: np.random.Generator) -> None:
    scale, height = WALL_PX_PER_M, wall.shape[0]
    for floor_top in range(height - int(6.4 * scale), top, -int(2.9 * scale)):
        for window_left in range(left + int(0.7 * scale), right - int(1.4 * scale), int(1.9 * scale)):
            corner = (window_left, floor_top)
            opposite = (window_left + int(1.05 * scale), floor_top + int(1.6 * scale))
            glass = int(rng.integers(35, 110))
            cv2.rectangle(wall, corner, opposite, (226, 222, 214), -1)
            inner, outer = (corner[0] + 4, corner[1] + 4), (opposite[0] - 4, opposite[1] - 4)
            cv2.rectangle(wall, inner, outer, (glass, glass + 10, glass + 22), -1)
            middle = (corner[0] + opposite[0]) // 2
            cv2.line(wall, (middle, corner[1]), (middle, opposite[1]), (226, 222, 214), 3)
            cv2.line(wall, (corner[0], corner[1] + 22), (opposite[0], corner[1] + 22), (226, 222, 214), 3)


def _draw_shop(wall: Texture, left: int, right: int, poster: Texture) -> None:
    scale, height = WALL_PX_PER_M, wall.shape[0]
    sign_top = height - int(3.3 * scale)
    wall[sign_top : sign_top + int(0.6 * scale), left + 12 : right - 12] = (
        poster.mean((0, 1)).astype(np.uint8) // 2
    )
    names = ("BAKERY", "BOOKS", "CAFE", "GARAGE", "FLOWERS")
    name = names[int(poster.mean()) % len(names)]
    cv2.putText(
        wall, name, (left + 24, sign_top + 18), cv2.FONT_HERSHEY_DUPLEX, 0.7, (240, 236, 226), 1, cv2.LINE_AA
    )
    shown_height = int(2.1 * scale)
    shown_width = min(right - left - 100, int(shown_height * poster.shape[1] / poster.shape[0]))
    shown = cv2.resize(poster, (shown_width, shown_height), interpolation=cv2.INTER_AREA)
    bottom, start = height - int(0.5 * scale), left + 24
    wall[bottom - shown_height : bottom, start : start + shown_width] = shown
    cv2.rectangle(wall, (start, bottom - shown_height), (start + shown_width, bottom), (230, 228, 220), 3)
    door = start + shown_width + 14
    cv2.rectangle(
        wall, (door, height - int(2.4 * scale)), (min(door + 38, right - 6), height), (66, 48, 38), -1
    )


def sky_texture(height: int, width: int, seed: int) -> Texture:
    """Blue to white from the top down, with clouds."""
    rng = np.random.default_rng(seed)
    clouds: Texture = np.zeros((height, width), np.float32)
    for cells in (3, 6, 12, 24, 48):
        noise = rng.random((max(2, cells * height // width), cells), np.float32)
        noise[:, -1] = noise[:, 0]  # it repeats from left to right
        clouds += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.8
    clouds = np.clip((clouds - clouds.mean()) / clouds.std() * 0.35 + 0.35, 0, 1)[..., None]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    blue = np.array((118, 158, 206), np.float32) * (1 - down) + np.array((206, 216, 224), np.float32) * down
    return np.clip(blue * (1 - clouds) + 236 * clouds, 0, 255).astype(np.uint8)


def car_sprite(colour: tuple[int, int, int], plate: str) -> Texture:
    """A car from behind, 2.0 m x 1.6 m at 128 px/m, shadow included."""
    sprite = np.zeros((208, 256, 4), np.uint8)
    cv2.ellipse(sprite, (128, 194), (120, 12), 0, 0, 360, (20, 20, 22, 190), -1, cv2.LINE_AA)
    for wheel in (26, 198):
        cv2.rectangle(sprite, (wheel, 150), (wheel + 32, 198), (22, 22, 24, 255), -1, cv2.LINE_AA)
    dark = tuple(int(c * 0.72) for c in colour)
    cabin = np.array([(62, 14), (194, 14), (222, 84), (34, 84)], np.int32)
    cv2.fillPoly(sprite, [cabin], (*dark, 255), cv2.LINE_AA)
    cv2.rectangle(sprite, (14, 80), (242, 172), (*colour, 255), -1, cv2.LINE_AA)
    glass = np.array([(70, 22), (186, 22), (208, 78), (48, 78)], np.int32)
    cv2.fillPoly(sprite, [glass], (44, 54, 66, 255), cv2.LINE_AA)
    cv2.line(sprite, (60, 60), (120, 26), (112, 128, 142, 255), 4, cv2.LINE_AA)
    for light in (18, 202):
        cv2.rectangle(sprite, (light, 92), (light + 36, 118), (196, 28, 26, 255), -1, cv2.LINE_AA)
        cv2.rectangle(sprite, (light + 12, 98), (light + 24, 112), (250, 150, 130, 255), -1, cv2.LINE_AA)
    cv2.rectangle(sprite, (84, 104), (172, 132), (236, 234, 224, 255), -1, cv2.LINE_AA)
    cv2.putText(sprite, plate, (88, 125), cv2.FONT_HERSHEY_DUPLEX, 0.62, (24, 24, 40, 255), 2, cv2.LINE_AA)
    cv2.rectangle(sprite, (14, 146), (242, 172), (*dark, 255), -1, cv2.LINE_AA)
    return sprite


def tree_sprite(seed: int) -> Texture:
    """A tree, 3.2 m x 5.0 m at 64 px/m."""
    rng = np.random.default_rng(seed)
    sprite = np.zeros((320, 205, 4), np.uint8)
    cv2.rectangle(sprite, (96, 170), (110, 320), (78, 58, 42, 255), -1, cv2.LINE_AA)
    for _ in range(420):
        angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        centre = (int(102 + 88 * radius * np.cos(angle)), int(112 + 98 * radius * np.sin(angle)))
        shade = rng.uniform(0.6, 1.25) * (1.25 - centre[1] / 400)
        colour = tuple(int(min(255, c * shade)) for c in (74, 108, 46))
        cv2.ellipse(
            sprite, centre, (9, 5), float(rng.uniform(0, 180)), 0, 360, (*colour, 255), -1, cv2.LINE_AA
        )
    return sprite


def sign_sprite(text: str) -> Texture:
    """A speed limit on its post, 0.8 m x 3.0 m at 96 px/m."""
    sprite = np.zeros((288, 77, 4), np.uint8)
    cv2.rectangle(sprite, (35, 60), (41, 288), (128, 128, 130, 255), -1)
    cv2.circle(sprite, (38, 38), 36, (196, 26, 28, 255), -1, cv2.LINE_AA)
    cv2.circle(sprite, (38, 38), 27, (244, 244, 240, 255), -1, cv2.LINE_AA)
    cv2.putText(sprite, text, (17, 48), cv2.FONT_HERSHEY_DUPLEX, 0.95, (20, 20, 20, 255), 2, cv2.LINE_AA)
    return sprite


def lamp_sprite() -> Texture:
    """A street lamp, 1.6 m x 6.0 m at 64 px/m."""
    sprite = np.zeros((384, 102, 4), np.uint8)
    cv2.rectangle(sprite, (10, 12), (16, 384), (70, 74, 78, 255), -1)
    cv2.line(sprite, (13, 14), (88, 8), (70, 74, 78, 255), 5, cv2.LINE_AA)
    cv2.rectangle(sprite, (70, 6), (100, 16), (232, 226, 200, 255), -1, cv2.LINE_AA)
    return sprite
