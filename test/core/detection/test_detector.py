# SPDX-License-Identifier: Apache-2.0
"""Detectors as people export them: those that can be read are, the others are refused by what they give."""

from pathlib import Path

import numpy as np
import pytest

from restoregan_core.detection.detector import Detector

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SIDE = 64
CELLS = [
    (x, y, stride) for stride in (8, 16, 32) for y in range(SIDE // stride) for x in range(SIDE // stride)
]
GREY = np.full((SIDE, SIDE, 3), 100, np.uint8)


def write_detector(path: Path, output: np.ndarray, dtype: int = TensorProto.FLOAT) -> Path:
    """An ONNX file that finds the same in every image."""
    nodes = [
        helper.make_node("Constant", [], ["found"], value=numpy_helper.from_array(output.astype(np.float32))),
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Size", ["shape"], ["four"]),
        helper.make_node("Cast", ["four"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["as_float", "as_float"], ["zero"]),
        helper.make_node("Add", ["found", "zero"], ["output"]),
    ]
    images = helper.make_tensor_value_info("images", dtype, [1, 3, SIDE, SIDE])
    found = helper.make_tensor_value_info("output", TensorProto.FLOAT, list(output.shape))
    model = helper.make_model(
        helper.make_graph(nodes, "detector", [images], [found]), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    onnx.save(model, path)
    return path


def car(is_decoded: bool) -> np.ndarray:
    """A car of 24x16 px around (20, 28), seen by the anchor of stride 8 there; the others see nothing."""
    raw = np.zeros((1, len(CELLS), 85))
    raw[0, :, :2] = 0.5
    at = CELLS.index((2, 3, 8))
    raw[0, at, 2:4] = np.log([24 / 8, 16 / 8])
    raw[0, at, 4], raw[0, at, 5 + 2] = 0.9, 1.0
    if is_decoded:
        cells = np.array(CELLS, float)
        raw[0, :, :2] = (raw[0, :, :2] + cells[:, :2]) * cells[:, 2:]
        raw[0, :, 2:4] = np.exp(raw[0, :, 2:4]) * cells[:, 2:]
    return raw


@pytest.mark.parametrize("is_decoded", [False, True], ids=["as exported", "with decode_in_inference"])
def test_boxes_are_right_whether_or_not_the_export_decodes_them(tmp_path: Path, is_decoded: bool):
    found = Detector(write_detector(tmp_path / "yolox.onnx", car(is_decoded)))(GREY)
    np.testing.assert_allclose(found.boxes_px, [[8, 20, 32, 36]], atol=1e-3)
    np.testing.assert_allclose(found.scores, [0.9], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((1, 84, 84), r"\[1, 84, 84\]"),
        ((1, 252, 85), r"\[1, 252, 85\]"),
        ((1, 84, 25), r"\[1, 84, 25\]"),
    ],
    ids=["YOLOv8", "YOLOv5", "other classes"],
)
def test_outputs_of_other_families_are_refused_with_their_shape(tmp_path: Path, shape, says: str):
    with pytest.raises(
        ValueError, match=f"not a detector of the family yolox or picodet or ssd: .* its output {says}"
    ):
        Detector(write_detector(tmp_path / "other.onnx", np.zeros(shape)))


def test_half_precision_at_the_input_is_refused_before_the_first_frame(tmp_path: Path):
    with pytest.raises(ValueError, match=r"tensor\(float16\), not float32: export it in full precision"):
        Detector(write_detector(tmp_path / "half.onnx", car(False), TensorProto.FLOAT16))


def test_a_damaged_name_in_the_file_is_an_error_and_no_more_lines(tmp_path: Path, capfd):
    file = write_detector(tmp_path / "damaged.onnx", car(False))
    file.write_bytes(file.read_bytes().replace(b"images", b"\xffmages", 1))
    with pytest.raises(ValueError, match=r"damaged\.onnx is not an ONNX file that can be run"):
        Detector(file)
    assert capfd.readouterr().out == ""
