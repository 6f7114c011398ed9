# SPDX-License-Identifier: Apache-2.0
"""Whatever is damaged of a recording, its reader says so by a ValueError; benchmarks/fuzz.py tries for longer."""

import contextlib
import random

import pytest

pytest.importorskip("rosbags")
pytest.importorskip("onnxruntime")
from damaged_recordings import READERS

NEEDS_ROS = {"image_cdr"}


@pytest.mark.parametrize("reader", sorted(set(READERS) - NEEDS_ROS))
def test_damage_is_read_past_or_refused(tmp_path, reader: str) -> None:
    rng = random.Random(0)
    run = READERS[reader](tmp_path)
    for _ in range(40):
        with contextlib.suppress(ValueError):
            run(rng)


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 1), (2, 1), (1, 0)])
def test_a_network_without_one_input_and_an_output_is_no_detector(
    tmp_path, inputs: int, outputs: int
) -> None:
    onnx = pytest.importorskip("onnx")

    from restoregan_core.detection.detector import Detector

    def ends(prefix: str, count: int) -> list:
        shape = [1, 3, 32, 32]
        return [onnx.helper.make_tensor_value_info(f"{prefix}{i}", 1, shape) for i in range(count)]

    value = onnx.helper.make_tensor("v", 1, [1, 3, 32, 32], [0.0] * 3072)
    node = onnx.helper.make_node("Constant", [], ["out0"], value=value)
    graph = onnx.helper.make_graph([node], "g", ends("in", inputs), ends("out", outputs))
    opset = [onnx.helper.make_opsetid("", 17)]
    file = tmp_path / "network.onnx"
    file.write_bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    with pytest.raises(ValueError, match=r"network\.onnx"):
        Detector(file)
