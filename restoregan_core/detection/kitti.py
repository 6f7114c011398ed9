# SPDX-License-Identifier: Apache-2.0
"""Frames with objects in KITTI's format: ``images/000000.png``, ``labels/000000.txt``, one object a line."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from restoregan_core.documents import read_lines
from restoregan_core.images.folders import find_images

CLASSES = {
    "Car": "car",
    "Van": "van",
    "Truck": "truck",
    "Pedestrian": "person",
    "Person_sitting": "person",
    "Cyclist": "cyclist",
    "Tram": "tram",
}
"""KITTI's names -> ours. ``DontCare`` marks regions where objects were not labelled; ``Misc`` is like it."""


@dataclass(frozen=True)
class LabelledFrame:
    """One frame and what is known to be in it."""

    path: Path
    boxes_px: npt.NDArray[np.float32]
    """(n, 4) left, top, right, bottom of the labelled objects."""
    classes: tuple[str, ...]
    """Class of each object, one of the values of ``CLASSES``."""
    ignored_px: npt.NDArray[np.float32]
    """(m, 4) regions where nothing was labelled."""


def find_frames(folder: Path) -> list[LabelledFrame]:
    """All frames of a folder that holds ``images/`` and ``labels/``, sorted by name.

    Raises:
        ValueError: a folder or a frame's labels are missing, or a line cannot be read; the message names it.
    """
    for name in ("images", "labels"):
        if not (folder / name).is_dir():
            raise ValueError(
                f"{folder} does not hold a folder {name}/: frames lie in images/, KITTI labels in labels/"
            )
    return [_read(path, folder / "labels" / f"{path.stem}.txt") for path in find_images(folder / "images")]


def _read(image: Path, labels: Path) -> LabelledFrame:
    if not labels.is_file():
        raise ValueError(f"{image} has no labels: {labels} does not exist")
    boxes, classes, ignored = [], [], []
    for number, line in enumerate(read_lines(labels), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            name, box = fields[0], [float(value) for value in fields[4:8]]
            if len(box) != 4:
                raise ValueError(f"{len(fields)} fields")
        except ValueError as error:
            raise ValueError(f"{labels}, line {number} is not a KITTI label: {error}") from error
        if name in CLASSES:
            boxes.append(box)
            classes.append(CLASSES[name])
        else:
            ignored.append(box)
    return LabelledFrame(image, _as_boxes(boxes), tuple(classes), _as_boxes(ignored))


def _as_boxes(rows: list[list[float]]) -> npt.NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)
