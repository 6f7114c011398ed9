# SPDX-License-Identifier: Apache-2.0
"""Streaks cut out of rain that was filmed, for ``data.degrade.rain.overlays`` of a recipe.

    python tools/rain_ground_truth.py CLIP PAIRS
    python tools/rain_overlays.py PAIRS OUTPUT

PAIRS holds input/ and target/. Of each pair OUTPUT gets one grey image: by which share a streak brings a pixel from
what is behind it to the light of the sky, 255 for all of it. What is fainter than a few grey levels, has a colour, or
is not longer than it is wide is left out: noise, leaves, splashes, people.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.images.rgb import RgbImage

_SKY = 245.0
"""Grey level of the light that a streak brings."""
_LEAST_ROOM = 60.0
"""Grey levels between a background and the sky under which shares say little."""
_NOISE_LEVELS, _PLAIN_LEVELS = 4.0, 5.0
"""Less than the first is noise; a streak has the second more somewhere along its way."""
_MOST_COLOUR = 18.0
"""Grey levels by which a streak's red, green and blue may differ."""
_LEAST_LENGTH_PX, _SLENDER = 6, 2.2
"""Least height and area of a streak, and how many times longer than wide it is."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    for file in find_images(given.pairs / "input"):
        target = given.pairs / "target" / file.name
        streaks_HW = cut_out(read_rgb(file), read_rgb(target))
        if streaks_HW.any():
            cv2.imwrite(str(given.output / f"{file.stem}.png"), streaks_HW)


def cut_out(rainy_HWC: RgbImage, clean_HWC: RgbImage) -> npt.NDArray[np.uint8]:
    """Shares of 255, uint8 (height, width), 0 where nothing is that looks like a streak."""
    behind = clean_HWC.astype(np.float32)
    brighter = rainy_HWC.astype(np.float32) - behind
    least = brighter.min(axis=2)
    is_grey = brighter.max(axis=2) - least < _MOST_COLOUR
    shares = np.clip((least - _NOISE_LEVELS) / np.maximum(_SKY - behind.mean(axis=2), _LEAST_ROOM), 0, 1)
    shares[~is_grey] = 0
    where = (least > _NOISE_LEVELS + _PLAIN_LEVELS) & is_grey
    return np.rint(255 * shares * _slender(where)).astype(np.uint8)


def _slender(where_HW: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """1 in and around regions that are longer than wide, 0 elsewhere, soft between."""
    count, regions, boxes, _ = cv2.connectedComponentsWithStats(where_HW.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.float32)
    for region in range(1, count):
        left, top, width, height, area = boxes[region]
        if height < _LEAST_LENGTH_PX:
            continue
        own = np.argwhere(regions[top : top + height, left : left + width] == region).astype(np.float32)
        spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(own.T)), 0.08))
        kept[region] = spread[1] >= _SLENDER * spread[0] and area >= _LEAST_LENGTH_PX
    around = cv2.dilate(kept[regions], np.ones((5, 5), np.uint8))
    return np.asarray(cv2.blur(around, (3, 3)), np.float32)


if __name__ == "__main__":
    main()
