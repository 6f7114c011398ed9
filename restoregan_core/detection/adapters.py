# SPDX-License-Identifier: Apache-2.0
"""What a detector's ONNX file wants to be given, and how what it returns becomes boxes: an adapter for each family.

Each adapter knows its files by their inputs and outputs. All have COCO's 80 classes.

- ``yolox`` (Ge et al. 2021): float32 (1, 3, S, S), BGR, 0 to 255, the image in the top left corner and grey 114
  around it; (1, anchors, 85): offsets from the cell and log sizes in strides, or with ``--decode_in_inference`` centres
  and sizes in px, then objectness and class scores.
- ``picodet`` (PP-PicoDet, Yu et al. 2021; NanoDet): float32 (1, 3, S, S), BGR less ImageNet's mean, stretched to the
  square; class scores (1, N, 80) and distributions of the distances to four sides, (1, N, 32), for each stride.
- ``ssd`` (TensorFlow's object detection API): uint8 RGB (1, S, S, 3), stretched; boxes (1, n, 4) as top, left, bottom,
  right from 0 to 1, classes, scores and a count, after its own suppression.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage

Float = npt.NDArray[np.float32]

CLASSES = 80
STRIDES_PX = (8, 16, 32, 64)
_YOLOX_STRIDES_PX = (8, 16, 32)
_PADDING_GREY = 114
_DISTANCES = 8
"""Bins of the distribution of one distance, in strides."""

Raw = tuple[Float, Float, npt.NDArray[np.int64]]
"""Boxes (n, 4) as left, top, right, bottom in px of the frame; scores (n,); indices into COCO's 80 classes (n,)."""


class Adapter(Protocol):
    """One family's way in and out."""

    def prepare(self, rgb_HWC: RgbImage) -> npt.NDArray[Any]:
        """What the network is given for a frame, uint8 RGB of any size."""
        ...

    def read(self, outputs: Sequence[npt.NDArray[Any]], height: int, width: int) -> Raw:
        """Boxes in a frame of that size, at any score."""
        ...


@dataclass(frozen=True)
class Yolox:
    """See the module."""

    side_px: int

    @classmethod
    def of(cls, inputs: Sequence[Any], outputs: Sequence[Any]) -> "Yolox | None":
        """The adapter of a file with these inputs and outputs, or None."""
        side = _square_side(inputs)
        if side is None or side % _YOLOX_STRIDES_PX[-1]:
            return None
        anchors = sum((side // stride) ** 2 for stride in _YOLOX_STRIDES_PX)
        return cls(side) if list(outputs[0].shape[1:]) == [anchors, 5 + CLASSES] else None

    def _scale(self, height: int, width: int) -> float:
        return self.side_px / max(height, width)

    def prepare(self, rgb_HWC: RgbImage) -> npt.NDArray[Any]:
        height, width = rgb_HWC.shape[:2]
        scale = self._scale(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        canvas = np.full((self.side_px, self.side_px, 3), _PADDING_GREY, np.uint8)
        canvas[: size[1], : size[0]] = cv2.resize(
            np.ascontiguousarray(rgb_HWC), size, interpolation=cv2.INTER_LINEAR
        )
        return canvas[..., ::-1].transpose(2, 0, 1)[np.newaxis].astype(np.float32)

    def read(self, outputs: Sequence[npt.NDArray[Any]], height: int, width: int) -> Raw:
        raw = np.asarray(outputs[0])[0]
        class_ids = raw[:, 5:].argmax(axis=1)
        scores = raw[:, 4] * raw[np.arange(len(raw)), 5 + class_ids]
        cells, strides = _anchors(self.side_px, _YOLOX_STRIDES_PX)
        centres, sizes = raw[:, :2], raw[:, 2:4]
        # In px, the centres of all anchors lie nearer to their cells than to zero.
        is_decoded = np.abs(centres - cells * strides).mean() < np.abs(centres).mean()
        if not is_decoded:
            centres, sizes = (centres + cells) * strides, np.exp(sizes) * strides
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        return (boxes / self._scale(height, width)).astype(np.float32), scores, class_ids


@dataclass(frozen=True)
class PicoDet:
    """See the module."""

    side_px: int

    @classmethod
    def of(cls, inputs: Sequence[Any], outputs: Sequence[Any]) -> "PicoDet | None":
        """The adapter of a file with these inputs and outputs, or None."""
        side, lasts = _square_side(inputs), sorted(_last(output) for output in outputs)
        levels = len(lasts) // 2
        expected = [4 * _DISTANCES] * levels + [CLASSES] * levels
        return cls(side) if side is not None and 3 <= levels <= 4 and lasts == expected else None

    def prepare(self, rgb_HWC: RgbImage) -> npt.NDArray[Any]:
        size = (self.side_px, self.side_px)
        square = cv2.resize(np.ascontiguousarray(rgb_HWC), size, interpolation=cv2.INTER_AREA)
        mean = np.array([103.53, 116.28, 123.675], np.float32)
        deviation = np.array([57.375, 57.12, 58.395], np.float32)
        return ((square[..., ::-1] - mean) / deviation).transpose(2, 0, 1)[np.newaxis].astype(np.float32)

    def read(self, outputs: Sequence[npt.NDArray[Any]], height: int, width: int) -> Raw:
        # With a batch of one or without; in any order.
        parts = (np.asarray(output).reshape(-1, np.shape(output)[-1]) for output in outputs)
        flat = sorted(parts, key=len, reverse=True)
        scores = np.concatenate([part for part in flat if part.shape[1] == CLASSES])
        sides = np.concatenate([part for part in flat if part.shape[1] != CLASSES])
        cells, strides = _anchors(self.side_px, STRIDES_PX[: len(flat) // 2])
        log_shares = sides.reshape(len(sides), 4, _DISTANCES)
        shares = np.exp(log_shares - log_shares.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        distances = shares @ np.arange(_DISTANCES, dtype=np.float32) * strides
        centres = (cells + 0.5) * strides
        boxes = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
        boxes = boxes * np.array([width, height, width, height], np.float32) / self.side_px
        return boxes.astype(np.float32), scores.max(axis=1), scores.argmax(axis=1)


@dataclass(frozen=True)
class Ssd:
    """See the module."""

    side_px: int

    @classmethod
    def of(cls, inputs: Sequence[Any], outputs: Sequence[Any]) -> "Ssd | None":
        """The adapter of a file with these inputs and outputs, or None."""
        shape = inputs[0].shape
        is_square = len(shape) == 4 and shape[3] == 3 and shape[1] == shape[2] and isinstance(shape[1], int)
        fits = is_square and inputs[0].type == "tensor(uint8)" and len(outputs) == 4
        return cls(shape[1]) if fits and _last(outputs[0]) == 4 else None

    def prepare(self, rgb_HWC: RgbImage) -> npt.NDArray[Any]:
        size = (self.side_px, self.side_px)
        return cv2.resize(np.ascontiguousarray(rgb_HWC), size, interpolation=cv2.INTER_AREA)[np.newaxis]

    def read(self, outputs: Sequence[npt.NDArray[Any]], height: int, width: int) -> Raw:
        boxes, numbers, scores, _ = (np.asarray(output)[0] for output in outputs)
        boxes = boxes[:, [1, 0, 3, 2]] * np.array([width, height, width, height], np.float32)
        class_ids = np.array([_of_91(int(number)) for number in numbers], np.int64)
        known = class_ids >= 0
        return boxes[known].astype(np.float32), scores[known], class_ids[known]


FAMILIES: dict[str, type[Yolox] | type[PicoDet] | type[Ssd]] = {
    "yolox": Yolox,
    "picodet": PicoDet,
    "ssd": Ssd,
}

_LEFT_OUT = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
"""Numbers of COCO's first list, from 1, that its 80 classes leave out."""


def _of_91(number: int) -> int:
    """COCO's number, from 0 in its list of 91 -> index among the 80; -1 for one that is left out."""
    number += 1
    if number in _LEFT_OUT or not 1 <= number <= 90:
        return -1
    return number - 1 - sum(other < number for other in _LEFT_OUT)


def _square_side(inputs: Sequence[Any]) -> int | None:
    """S of the only input where that is float32 (1, 3, S, S)."""
    shape = inputs[0].shape
    is_float = len(inputs) == 1 and inputs[0].type == "tensor(float)"
    is_square = is_float and len(shape) == 4 and shape[1] == 3 and shape[2] == shape[3]
    return shape[2] if is_square and isinstance(shape[2], int) else None


def _last(value: Any) -> int:
    return value.shape[-1] if value.shape and isinstance(value.shape[-1], int) else -1


def _anchors(side_px: int, strides_px: Sequence[int]) -> tuple[Float, Float]:
    """Cell (x, y) of every anchor, (n, 2), and its stride, (n, 1), in the order of the output."""
    cells, strides = [], []
    for stride in strides_px:
        count = -(-side_px // stride)
        y, x = np.mgrid[:count, :count]
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
