# SPDX-License-Identifier: Apache-2.0
"""Real pairs: degraded images and their clean partners, in folders, LMDB databases or a published layout."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from restoregan_core.datasets.layouts import LAYOUTS
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.images.folders import check_same_size, read_rgb
from restoregan_core.wording import did_you_mean


def find_pairs(
    folder: str | Path, check: bool = True, layout: str = "folders", split: str = "train"
) -> list[Pair]:
    """The pairs of a folder, in a fixed order.

    Args:
        check: also read each pair, so that a bad file stops the program at its start and not hours later.
        layout: ``folders``, ``lmdb``, or a published one, see ``layouts.LAYOUTS``.
        split: ``train`` or ``test``, where the layout has both.

    Raises:
        ValueError: no such layout or split, a folder is missing or empty, an image lacks its partner, cannot
            be read, or differs from it in size; the message names the file.
    """
    if layout not in LAYOUTS:
        raise ValueError(
            f"no layout {layout!r}{did_you_mean(layout, LAYOUTS)}; there are: {', '.join(LAYOUTS)}"
        )
    if split not in ("train", "test"):
        raise ValueError(f"split={split!r} must be train or test")
    if not Path(folder).is_dir():
        raise ValueError(f"{folder} is not a folder")
    pairs = LAYOUTS[layout](Path(folder), split)
    if not pairs:
        raise ValueError(f"{folder} does not hold any {split} pairs in the layout {layout!r}")
    if check:
        for pair in pairs:
            check_same_size([pair.target_path, pair.input_path])
    return pairs


def without_shared_backgrounds(pairs: Sequence[Pair], held_out: Sequence[Pair]) -> list[Pair]:
    """The pairs whose clean image is none of the held-out ones.

    546 of Rain100H's 1800 training pairs show a background of its test set; the field calls the other 1254
    the strict set. Images are compared by content (mean difference of 16 x 16 thumbnails up to 2 of 255,
    mirror images too), so that file names do not matter.
    """
    seen = np.stack([_thumbnail(pair.target_path) for pair in held_out])
    known: dict[Path, bool] = {}
    for pair in pairs:
        if pair.target_path not in known:
            one = _thumbnail(pair.target_path)
            mirrored = one.reshape(16, 16, 3)[:, ::-1].reshape(-1)
            distance = min(float(np.abs(seen - side).mean(1).min()) for side in (one, mirrored))
            known[pair.target_path] = distance <= 2
    return [pair for pair in pairs if not known[pair.target_path]]


def _thumbnail(path: Path) -> np.ndarray:
    small = cv2.resize(read_rgb(path), (16, 16), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).reshape(-1)
