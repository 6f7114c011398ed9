# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from restoregan_core.detection.adapters import PicoDet, Ssd
from restoregan_core.detection.detector import COCO_CLASSES, Detector, DetectorOptions

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def constant_network(path, shape, kind, outputs):
    """An ONNX file that returns the same arrays for any image."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, infos = [], []
    for name, array in outputs.items():
        nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name)))
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    given = helper.make_tensor_value_info("image", getattr(TensorProto, kind), shape)
    graph = helper.make_graph(nodes, "constant", [given], infos)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def picodet_outputs(side, stride, cell, distance, class_name):
    """One object in a cell of one stride, as far to each side as ``distance`` strides."""
    outputs = {}
    for level in (8, 16, 32, 64):
        count = -(-side // level)
        scores = np.zeros((1, count * count, 80), np.float32)
        sides = np.zeros((1, count * count, 32), np.float32)
        if level == stride:
            place = cell[1] * count + cell[0]
            scores[0, place, COCO_CLASSES.index(class_name)] = 0.9
            sides[0, place].reshape(4, 8)[:, distance] = 50
        outputs |= {f"scores {level}": scores, f"sides {level}": sides}
    return outputs


def test_picodet_boxes_reach_as_far_as_the_distributions_say(tmp_path):
    outputs = picodet_outputs(64, 16, (1, 2), 1, "car")
    path = constant_network(tmp_path / "pico.onnx", [1, 3, 64, 64], "FLOAT", outputs)
    found = Detector(path)(np.zeros((128, 128, 3), np.uint8))
    assert [COCO_CLASSES[number] for number in found.class_ids] == ["car"]
    np.testing.assert_allclose(found.boxes_px, [[2 * 8, 2 * 24, 2 * 40, 2 * 56]], atol=1e-3)
    np.testing.assert_allclose(found.scores, [0.9])


def test_picodet_sees_a_frame_stretched_to_its_square_in_bgr():
    frame = np.zeros((30, 90, 3), np.uint8)
    frame[..., 0] = 200  # red
    given = PicoDet(64).prepare(frame)
    assert given.shape == (1, 3, 64, 64)
    assert given[0, 2].min() > 1 > given[0, 0].max()


def test_ssd_boxes_and_classes_are_those_of_the_list_of_91(tmp_path):
    outputs = {
        "boxes": np.array([[[0.25, 0.5, 0.75, 1.0], [0, 0, 0.1, 0.1]]], np.float32),
        "classes": np.array([[12, 2]], np.float32),  # stop sign and car, counted from 0 with the gaps
        "scores": np.array([[0.8, 0.1]], np.float32),
        "count": np.array([2], np.float32),
    }
    path = constant_network(tmp_path / "ssd.onnx", [1, 300, 300, 3], "UINT8", outputs)
    found = Detector(path)(np.zeros((100, 100, 3), np.uint8))
    assert [COCO_CLASSES[number] for number in found.class_ids] == ["stop sign"]
    np.testing.assert_allclose(found.boxes_px, [[50, 25, 100, 75]])


def test_every_class_of_the_80_has_one_number_of_the_91():
    outputs = [np.zeros((1, 91, 4)), np.arange(91)[None], np.ones((1, 91)), np.array([91])]
    _, _, class_ids = Ssd(300).read(outputs, 10, 10)
    assert class_ids.tolist() == list(range(80))


def test_a_family_that_a_file_does_not_fit_is_refused_with_what_it_has(tmp_path):
    path = constant_network(
        tmp_path / "pico.onnx", [1, 3, 64, 64], "FLOAT", picodet_outputs(64, 8, (0, 0), 1, "car")
    )
    with pytest.raises(ValueError, match=r"not a detector of the family ssd: its input is \[1, 3, 64, 64\]"):
        Detector(path, family="ssd")
    with pytest.raises(ValueError, match="no family of detectors named 'rcnn'; there are: yolox"):
        Detector(path, DetectorOptions(), family="rcnn")
