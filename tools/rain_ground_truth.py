# SPDX-License-Identifier: Apache-2.0
"""Pseudo ground truth of rain that really fell: what most of five neighbouring frames agree on.

    python tools/rain_ground_truth.py CLIP OUTPUT

CLIP is a folder of consecutive frames, best from a camera that stands or moves slowly. OUTPUT gets input/ and target/,
as ``restoregan train`` reads pairs. For each frame the two before and the two after are aligned to it, and the target
is the median of the five: a streak is in one of them only. Where alignment fails, seen by means over 9 px that differ
by more than 10 levels, the target is the frame itself: better rain that stays than something that was never there.

Source: the way SPA-Data was made (Wang et al. 2019), with motion compensated.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.images.alignment import align
from restoregan_core.images.folders import find_images, read_rgb
from restoregan_core.images.rgb import RgbImage

_REACH = 2
_BOX_PX, _FAILED_LEVELS = 9, 10.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    paths = find_images(given.clip)
    frames = [read_rgb(path) for path in paths]
    for side in ("input", "target"):
        (given.output / side).mkdir(parents=True, exist_ok=True)
    for number in range(_REACH, len(frames) - _REACH):
        target_HWC = ground_truth(frames, number)
        for side, rgb_HWC in (("input", frames[number]), ("target", target_HWC)):
            path = given.output / side / f"{paths[number].stem}.png"
            cv2.imwrite(str(path), cv2.cvtColor(rgb_HWC, cv2.COLOR_RGB2BGR))


def ground_truth(frames: list[RgbImage], number: int) -> RgbImage:
    """The median of a frame and its four neighbours, uint8 RGB (height, width, 3)."""
    current_HWC = frames[number]
    before, _ = align(current_HWC, frames[number - _REACH : number][::-1])
    after, _ = align(current_HWC, frames[number + 1 : number + 1 + _REACH])
    median_HWC = np.median(np.stack([current_HWC, *before, *after]), axis=0).astype(np.uint8)
    away_HW = np.abs(
        cv2.blur(median_HWC.astype(np.float32), (_BOX_PX, _BOX_PX))
        - cv2.blur(current_HWC.astype(np.float32), (_BOX_PX, _BOX_PX))
    ).max(axis=2)
    kept_HW1 = cv2.blur((away_HW > _FAILED_LEVELS).astype(np.float32), (_BOX_PX, _BOX_PX))[..., np.newaxis]
    return np.rint(median_HWC * (1 - kept_HW1) + current_HWC * kept_HW1).astype(np.uint8)


if __name__ == "__main__":
    main()
