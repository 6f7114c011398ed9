# SPDX-License-Identifier: Apache-2.0
"""A street to drive along, ray by ray: the demo's camera sees it from any pose, so its ground truth is exact.

Axes: x right, y down, z ahead, metres; the camera's height is y = 0, the road lies at y = CAMERA_HEIGHT_M.
Road and facades repeat along z. Each surface is kept at several scales in one atlas, those of its two directions apart
(a ripmap): a pixel of the road far ahead covers a narrow strip that is metres long, and a camera sees its mean. One
remap fills the frame; cars, trees and signs are sprites painted over it from far to near.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.demo import textures
from restoregan_core.images.rgb import RgbImage

CAMERA_HEIGHT_M = 1.4
WALL_DISTANCE_M = 9.5
SIGHT_M = 110.0
SPRITE_PERIOD_M = 60.0
HAZE_M = 120.0
HAZE = np.array((206, 212, 216), np.float32)

Maps = npt.NDArray[Any]

_RAYS_PER_SIDE = 2
"""A pixel is the mean of so many rays in each direction, as a camera's pixel is of all light that falls on it."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where the camera is and where it looks; angles in radians, yaw to the right, pitch down."""

    z_m: float
    x_m: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    lead_car_m: float = 16.0
    """Distance of the car ahead."""

    def rotation(self) -> npt.NDArray[np.float32]:
        """(3, 3), camera axes to street axes."""
        vector = np.array([-self.pitch, self.yaw, self.roll], np.float64)
        return cv2.Rodrigues(vector)[0].astype(np.float32)


@dataclass(frozen=True)
class _Sprite:
    levels: list[RgbImage]
    """RGBA, each half the size of the one before."""
    width_m: float
    height_m: float


@dataclass
class _Surface:
    """Where a surface's scales lie in the atlas: those of its height one below the other, of its width side by side."""

    tops: npt.NDArray[np.float32]
    lefts: npt.NDArray[np.float32]
    height: int
    width: int
    px_per_m: float

    def rows(self, along_px: Maps, footprint_m: Maps) -> Maps:
        """Rows in the atlas of places on the surface, where pixels cover so many metres of its height."""
        return self._at(self.tops, along_px, footprint_m)

    def columns(self, along_px: Maps, footprint_m: Maps) -> Maps:
        """Columns in the atlas of places on the surface, where pixels cover so many metres of its width."""
        return self._at(self.lefts, along_px, footprint_m)

    def _at(self, starts: npt.NDArray[np.float32], along_px: Maps, footprint_m: Maps) -> Maps:
        octave = np.log2(np.maximum(footprint_m * self.px_per_m, 1)).astype(np.int32)
        level = np.minimum(octave, len(starts) - 1)
        shrink = np.float32(0.5) ** np.arange(len(starts), dtype=np.float32)
        return np.asarray(starts[level] + along_px * shrink[level] - np.float32(0.5))


class Street:
    """Renders uint8 RGB frames of one size. Safe to call from several threads."""

    def __init__(self, height: int, width: int, seed: int = 3) -> None:
        self.height, self.width = height, width
        self.focal_px = 0.9 * width
        self._rays_high, self._rays_wide = _RAYS_PER_SIDE * height, _RAYS_PER_SIDE * width
        self._focal_rays = _RAYS_PER_SIDE * self.focal_px
        columns, rows = np.meshgrid(np.arange(self._rays_wide), np.arange(self._rays_high))
        x = (columns - (self._rays_wide - 1) / 2) / self._focal_rays
        y = (rows - (self._rays_high - 1) / 2) / self._focal_rays
        self._rays_3N = np.stack([x, y, np.ones_like(x)]).reshape(3, -1).astype(np.float32)
        self._haze = np.broadcast_to(HAZE.astype(np.uint8), (*x.shape, 3)).copy()
        left_wall, left_m = textures.wall_texture(seed)
        right_wall, right_m = textures.wall_texture(seed + 1)
        self._house_m = (left_m, right_m[::-1])
        self._road, *self._walls, self._sky = self._build_atlas(
            [
                (textures.road_texture(), textures.ROAD_PX_PER_M, (8, 5)),
                (left_wall, textures.WALL_PX_PER_M, (4, 7)),
                (right_wall[:, ::-1], textures.WALL_PX_PER_M, (4, 7)),  # seen from its other side
                (textures.sky_texture(384, 1536, seed), 1.0, (1, 1)),
            ]
        )
        self._things = _place_things(seed)
        self._lead_car = _sprite(textures.car_sprite((148, 32, 38), "RG 2018"), 2.0, 1.6)

    def _build_atlas(
        self, sources: list[tuple[npt.NDArray[np.uint8], float, tuple[int, int]]]
    ) -> list[_Surface]:
        """Sources: a texture, its pixels per metre, and the number of scales of its height and of its width."""
        surfaces, strips, lefts, top = [], [], [0], 0
        for texture, px_per_m, (heights, widths) in sources:
            tops = []
            for level in range(heights):
                strip, lefts = _scales_of_width(texture, texture.shape[0] >> level, widths)
                strips.append(strip)
                tops.append(top + 1)
                top += strip.shape[0]
            surfaces.append(
                _Surface(
                    np.array(tops, np.float32),
                    np.array(lefts, np.float32),
                    texture.shape[0],
                    texture.shape[1],
                    px_per_m,
                )
            )
        widest = max(strip.shape[1] for strip in strips)
        self._atlas = np.concatenate(
            [np.pad(strip, ((0, 0), (0, widest - strip.shape[1]), (0, 0))) for strip in strips]
        )
        return surfaces

    def render(self, pose: Pose) -> RgbImage:
        """What an ideal camera with an instant shutter sees: uint8 RGB (height, width, 3)."""
        rays_3N = pose.rotation() @ self._rays_3N
        dx, dy = rays_3N[:2]
        with np.errstate(divide="ignore"):
            to_road = CAMERA_HEIGHT_M / np.maximum(dy, np.float32(1e-6))
            to_wall = np.where(dx < 0, -WALL_DISTANCE_M - pose.x_m, WALL_DISTANCE_M - pose.x_m) / dx
        column, row = np.empty_like(dx), np.empty_like(dx)
        distance = np.zeros_like(dx)
        is_road = to_road <= to_wall
        self._hit_road(pose, rays_3N, np.flatnonzero(is_road), to_road, column, row, distance)
        self._hit_walls(pose, rays_3N, np.flatnonzero(~is_road), to_wall, column, row, distance)
        self._fill_sky(rays_3N, np.flatnonzero(distance == 0), column, row)
        shape = (self._rays_high, self._rays_wide)
        frame = cv2.remap(self._atlas, column.reshape(shape), row.reshape(shape), cv2.INTER_LINEAR)
        clear = cv2.exp(distance.reshape(shape) * np.float32(-1 / HAZE_M))
        hazy = np.asarray(cv2.blendLinear(frame, self._haze, clear, 1 - clear), np.uint8)
        self._paint_things(hazy, pose)
        return np.asarray(cv2.resize(hazy, (self.width, self.height), interpolation=cv2.INTER_AREA), np.uint8)

    def _hit_road(
        self, pose: Pose, rays_3N: Maps, hit: Maps, to_road: Maps, column: Maps, row: Maps, distance: Maps
    ) -> None:
        surface = self._road
        z_m = to_road[hit] * rays_3N[2][hit]
        hit, z_m = hit[z_m < SIGHT_M], z_m[z_m < SIGHT_M]
        across = (to_road[hit] * rays_3N[0][hit] + (pose.x_m + textures.ROAD_HALF_WIDTH_M)) * surface.px_per_m
        along = np.mod(z_m * surface.px_per_m + pose.z_m * surface.px_per_m % surface.height, surface.height)
        column[hit] = surface.columns(np.clip(across, 0, surface.width - 1) + 0.5, z_m / self._focal_rays)
        row[hit] = surface.rows(surface.height - along, z_m * z_m / (CAMERA_HEIGHT_M * self._focal_rays))
        distance[hit] = z_m

    def _hit_walls(
        self, pose: Pose, rays_3N: Maps, hit: Maps, to_wall: Maps, column: Maps, row: Maps, distance: Maps
    ) -> None:
        z_m = to_wall[hit] * rays_3N[2][hit]
        is_ahead = (z_m > 0.5) & (z_m < SIGHT_M)
        hit, z_m = hit[is_ahead], z_m[is_ahead]
        up_m = CAMERA_HEIGHT_M - to_wall[hit] * rays_3N[1][hit]
        is_right = rays_3N[0][hit] > 0
        for side, surface, house_m in zip((~is_right, is_right), self._walls, self._house_m, strict=True):
            start_px = pose.z_m * surface.px_per_m % surface.width
            along = np.mod(z_m[side] * surface.px_per_m + start_px, surface.width)
            within = up_m[side] < house_m[np.minimum(along.astype(np.int32), surface.width - 1)]
            hit_house, z_house = hit[side][within], z_m[side][within]
            length_m = z_house * z_house / (WALL_DISTANCE_M * self._focal_rays)
            column[hit_house] = surface.columns(along[within] + 0.5, length_m)
            height_px = surface.height - up_m[side][within] * surface.px_per_m
            row[hit_house] = surface.rows(height_px, z_house / self._focal_rays)
            distance[hit_house] = z_house

    def _fill_sky(self, rays_3N: Maps, left_over: Maps, column: Maps, row: Maps) -> None:
        sky = self._sky
        across = (rays_3N[0][left_over] / rays_3N[2][left_over]) * (sky.width / 3) + sky.width / 2
        down = sky.height * (1 + 1.6 * rays_3N[1][left_over])
        column[left_over] = 1 + np.clip(across, 0, sky.width - 1)
        row[left_over] = sky.tops[0] + np.clip(down, 0, sky.height - 1)

    def _paint_things(self, frame: RgbImage, pose: Pose) -> None:
        visible = []
        for z_m, x_m, sprite in self._things:
            ahead_m = np.mod(z_m - pose.z_m, SPRITE_PERIOD_M)
            for copy_m in (ahead_m, ahead_m + SPRITE_PERIOD_M):
                visible.append((float(copy_m), x_m, sprite))
        visible.append((pose.lead_car_m, 1.9, self._lead_car))
        back = pose.rotation().T
        for ahead_m, x_m, sprite in sorted(visible, key=lambda thing: -thing[0]):
            if 3.0 < ahead_m < SIGHT_M:
                self._paint(frame, pose, back, ahead_m, x_m, sprite)

    def _paint(
        self,
        frame: RgbImage,
        pose: Pose,
        back: npt.NDArray[np.float32],
        ahead_m: float,
        x_m: float,
        sprite: _Sprite,
    ) -> None:
        foot = back @ np.array((x_m - pose.x_m, CAMERA_HEIGHT_M, ahead_m), np.float32)
        if foot[2] < 2.5:
            return
        scale = self._focal_rays / float(foot[2])
        level = int(
            np.clip(np.log2(sprite.levels[0].shape[1] / (sprite.width_m * scale)), 0, len(sprite.levels) - 1)
        )
        image = sprite.levels[level]
        foot_px = (
            float(foot[0]) * scale + (self._rays_wide - 1) / 2,
            float(foot[1]) * scale + (self._rays_high - 1) / 2,
        )
        wide, high = sprite.width_m * scale, sprite.height_m * scale
        left, right = int(foot_px[0] - 0.7 * wide - 2), int(foot_px[0] + 0.7 * wide + 3)
        top, bottom = int(foot_px[1] - 1.1 * high - 2), int(foot_px[1] + 0.1 * high + 3)
        left, right = max(left, 0), min(right, self._rays_wide)
        top, bottom = max(top, 0), min(bottom, self._rays_high)
        if left >= right or top >= bottom:
            return
        zoom = wide / image.shape[1]
        cos, sin = np.cos(pose.roll) * zoom, -np.sin(pose.roll) * zoom
        anchor = (image.shape[1] / 2 - 0.5, image.shape[0] - 0.5)
        affine = np.array(
            [
                [cos, -sin, foot_px[0] - left - cos * anchor[0] + sin * anchor[1]],
                [sin, cos, foot_px[1] - top - sin * anchor[0] - cos * anchor[1]],
            ],
            np.float32,
        )
        drawn = cv2.warpAffine(image, affine, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        alpha = drawn[..., 3:].astype(np.float32) / 255
        haze = np.float32(1 - np.exp(-ahead_m / HAZE_M))
        colour = drawn[..., :3] + haze * (alpha * HAZE - drawn[..., :3])  # colours carry their alpha already
        under = frame[top:bottom, left:right]
        frame[top:bottom, left:right] = np.clip(colour + under * (1 - alpha), 0, 255).astype(np.uint8)


def _scales_of_width(texture: RgbImage, height: int, count: int) -> tuple[RgbImage, list[int]]:
    """A texture at one height and several widths, each half of the one before, side by side; and where each begins."""
    strips, lefts, left = [], [], 0
    for level in range(count):
        scaled = cv2.resize(texture, (texture.shape[1] >> level, height), interpolation=cv2.INTER_AREA)
        # One pixel of its other end around each, so that interpolation wraps, too.
        strips.append(cv2.copyMakeBorder(scaled, 1, 1, 1, 1, cv2.BORDER_WRAP))
        lefts.append(left + 1)
        left += strips[-1].shape[1]
    return np.asarray(np.concatenate(strips, axis=1), np.uint8), lefts


def _sprite(image: npt.NDArray[np.uint8], width_m: float, height_m: float) -> _Sprite:
    """Levels with alpha multiplied in, so that shrinking and interpolating leave no dark seams."""
    premultiplied = image.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    levels: list[Maps] = [premultiplied]
    while min(levels[-1].shape[:2]) > 8:
        size = (levels[-1].shape[1] // 2, levels[-1].shape[0] // 2)
        levels.append(cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA))
    return _Sprite([level.round().astype(np.uint8) for level in levels], width_m, height_m)


def _place_things(seed: int) -> list[tuple[float, float, _Sprite]]:
    """(position along the street, offset to the right, sprite) of what stands along it."""
    rng = np.random.default_rng(seed)
    trees = [_sprite(textures.tree_sprite(seed + n), 3.2, 5.0) for n in range(3)]
    colours = [(52, 82, 128), (212, 212, 208), (60, 62, 64), (176, 140, 50), (44, 104, 76)]
    cars = [_sprite(textures.car_sprite(c, f"RG {n}47{n}"), 1.9, 1.55) for n, c in enumerate(colours, 1)]
    sign, lamp = _sprite(textures.sign_sprite("50"), 0.8, 3.0), _sprite(textures.lamp_sprite(), 1.6, 6.0)
    things = []
    for index, z_m in enumerate(np.arange(2.0, SPRITE_PERIOD_M, 7.5)):
        side = -1 if index % 2 else 1
        things.append((float(z_m), side * 7.4, trees[index % 3]))
        things.append((float(z_m + 3.0), -side * 4.5, cars[int(rng.integers(len(cars)))]))
        if index % 3 == 0:
            things.append((float(z_m + 5.0), 6.0, sign))
        if index % 4 == 1:
            things.append((float(z_m + 1.0), -6.1, lamp))
    return things
