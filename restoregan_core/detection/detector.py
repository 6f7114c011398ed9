# SPDX-License-Identifier: Apache-2.0
"""An ONNX object detector, for measuring what restoration does to detection.

What its file wants and returns is an adapter's to say, see ``adapters.py``; tiles, scores, classes and suppression of
double findings are the same for all.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.detection.adapters import FAMILIES, Adapter
from restoregan_core.images.rgb import RgbImage

COCO_CLASSES: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
ROAD_USERS: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "bus", "train", "truck", "traffic light", "stop sign",
)  # fmt: skip
"""What a vehicle's detector looks for, and what is counted unless told otherwise."""


@dataclass(frozen=True)
class Detections:
    """Objects in one frame, best score first."""

    boxes_px: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """(n, 4): left, top, right, bottom in pixels of the frame."""
    scores: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """(n,) in [0, 1]."""
    class_ids: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,) indices of ``Detector.class_names``."""

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Detections":
        """Those that a mask or indices choose."""
        return Detections(self.boxes_px[chosen], self.scores[chosen], self.class_ids[chosen])


@dataclass(frozen=True, kw_only=True)
class DetectorOptions:
    """How the detector looks at a frame.

    Raises:
        ValueError: a value out of its range.
    """

    min_score: float = 0.3
    """Detections below are dropped; objectness times class score."""
    nms_iou: float = 0.5
    """Overlap from which the worse of two boxes of one class is dropped."""
    tiles: int = 0
    """Square-ish parts, side by side, that a frame is cut into; 0: as many as its shape needs, at most 3."""
    classes: tuple[str, ...] | None = ROAD_USERS
    """Names to keep; None: all."""

    def __post_init__(self) -> None:
        for name in ("min_score", "nms_iou"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it lies between 0 and 1")
        if not 0 <= self.tiles <= 8:
            raise ValueError(f"tiles is {self.tiles}; a frame is cut into 1 to 8 parts, or 0 for automatic")
        unknown = set(self.classes or ()) - set(COCO_CLASSES)
        if unknown:
            raise ValueError(f"no classes named {sorted(unknown)}; the names are those of COCO")


class Detector:
    """Call it with a frame, uint8 RGB (H, W, 3) of any size: ``Detections``. May be called from many threads.

    Args:
        path: the ONNX file.
        family: one of ``adapters.FAMILIES``; None: the one whose inputs and outputs the file has.
        options: scores, tiles, classes.
        threads: of one inference.

    Attributes:
        name: the file's stem.

    Raises:
        ValueError: no ONNX file, or not of a form that ``adapters.py`` describes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: DetectorOptions | None = None,
        threads: int = 1,
        family: str | None = None,
    ) -> None:
        self.options = DetectorOptions() if options is None else options
        self.name = Path(path).stem
        self.class_names = COCO_CLASSES
        self._session = _open(Path(path), threads)
        self._adapter = _adapter_of(self._session, Path(path), family)
        self._input = self._session.get_inputs()[0].name
        kept = COCO_CLASSES if self.options.classes is None else self.options.classes
        self._keeps_class = np.array([name in kept for name in COCO_CLASSES])

    def __call__(self, rgb_HWC: RgbImage) -> Detections:
        """Find objects in the frame."""
        found = [self._detect_tile(tile, left) for left, tile in self._tiles(rgb_HWC)]
        joined = Detections(
            np.concatenate([d.boxes_px for d in found]),
            np.concatenate([d.scores for d in found]),
            np.concatenate([d.class_ids for d in found]),
        )
        return _suppress(joined, self.options.nms_iou)

    def _tiles(self, rgb_HWC: RgbImage) -> list[tuple[int, RgbImage]]:
        height, width = rgb_HWC.shape[:2]
        # Automatic: a tile is at most 1.5 times as wide as high, so that the square input is well used.
        count = self.options.tiles or min(3, max(1, int(np.ceil(width / height / 1.5))))
        if count == 1 or width < 2 * count:
            return [(0, rgb_HWC)]
        # Neighbours overlap by a fifth of their width: an object on a seam lies whole in one of them.
        tile_width = int(np.ceil(width / (count - 0.2 * (count - 1))))
        lefts = np.linspace(0, width - tile_width, count).round().astype(int)
        return [(int(left), rgb_HWC[:, left : left + tile_width]) for left in lefts]

    def _detect_tile(self, rgb_HWC: RgbImage, left_px: int) -> Detections:
        height, width = rgb_HWC.shape[:2]
        outputs = self._session.run(None, {self._input: self._adapter.prepare(rgb_HWC)})
        boxes, scores, class_ids = self._adapter.read(outputs, height, width)
        keep = (scores >= self.options.min_score) & self._keeps_class[class_ids]
        boxes = np.clip(boxes[keep], 0, (width, height, width, height))
        boxes[:, [0, 2]] += left_px
        return Detections(boxes.astype(np.float32), scores[keep], class_ids[keep])


def _open(path: Path, threads: int) -> Any:  # onnxruntime is optional
    import onnxruntime

    if not path.is_file():
        raise ValueError(f"no detector at {path}: give an ONNX file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        # By default it prints each error that it tries to get around, and tries the same again.
        session = onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # its own exception types are private
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not an ONNX file that can be run: {first_line}") from error
    return session


def _adapter_of(session: Any, path: Path, family: str | None) -> Adapter:
    if family is not None and family not in FAMILIES:
        raise ValueError(f"no family of detectors named {family!r}; there are: {', '.join(FAMILIES)}")
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if not inputs or not outputs:
        raise ValueError(f"{path} is not a detector: it has {len(inputs)} inputs and {len(outputs)} outputs")
    for name in (family,) if family else FAMILIES:
        adapter = FAMILIES[name].of(inputs, outputs)
        if adapter is not None:
            return adapter
    if inputs[0].type == "tensor(float16)":
        raise ValueError(f"{path}: its input is {inputs[0].type}, not float32: export it in full precision")
    shapes = " and ".join(str(value.shape) for value in outputs)
    raise ValueError(
        f"{path} is not a detector of the family {family or ' or '.join(FAMILIES)}:"
        f" its input is {inputs[0].shape}, its output {shapes}"
    )


def _suppress(found: Detections, max_iou: float) -> Detections:
    """Non-maximum suppression within each class; the rest best score first."""
    if not len(found):
        return found
    left_top, right_bottom = found.boxes_px[:, :2], found.boxes_px[:, 2:]
    boxes_xywh = np.concatenate([left_top, right_bottom - left_top], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        boxes_xywh.tolist(), found.scores.tolist(), found.class_ids.tolist(), 0.0, max_iou
    )
    chosen = np.asarray(kept, np.int64).reshape(-1)
    return found.select(chosen[np.argsort(-found.scores[chosen], kind="stable")])


def iou_matrix(
    boxes_a_px: npt.NDArray[np.float32], boxes_b_px: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Intersection over union of every box of (n, 4) with every one of (m, 4): float32 (n, m)."""
    a, b = boxes_a_px[:, np.newaxis], boxes_b_px[np.newaxis]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    shared = sides.prod(axis=-1)
    areas_a = (a[..., 2:] - a[..., :2]).prod(axis=-1)
    areas_b = (b[..., 2:] - b[..., :2]).prod(axis=-1)
    return np.asarray(shared / np.maximum(areas_a + areas_b - shared, 1e-9), np.float32)
