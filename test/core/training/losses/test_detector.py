# SPDX-License-Identifier: Apache-2.0
"""The detector that torch runs is the one that the file holds, and its loss leads to what it sees."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
import onnx
import onnxruntime

from restoregan_core.training.losses.detector import DetectorFeatures, DetectorLoss

YOLOX = Path(__file__).parents[5] / "shared" / "data" / "weights" / "yolox_nano.onnx"


def by_onnxruntime(path: Path, names: list[str], image_BCHW: Tensor) -> list[np.ndarray]:
    model = onnx.load(path)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    bgr = ((image_BCHW + 1) * 127.5).flip(1).numpy()
    return list(session.run(names, {session.get_inputs()[0].name: bgr}))


def with_attributes(path: Path, operator: str, attributes: dict[str, Any], to: Path) -> Path:
    """A copy of the detector whose first node of that kind has these attributes."""
    model = onnx.load(path)
    node = next(node for node in model.graph.node if node.op_type == operator)
    kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.extend(onnx.helper.make_attribute(name, value) for name, value in attributes.items())
    onnx.save(model, to)
    return to


@pytest.mark.parametrize("detector", ["tiny", "yolox"])
def test_features_are_what_onnx_runtime_finds(detector: str, tiny_detector: Path) -> None:
    if detector == "yolox" and not YOLOX.is_file():
        pytest.skip(f"{YOLOX.name} is not available")
    path, side = (tiny_detector, 64) if detector == "tiny" else (YOLOX, 416)
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
    features = DetectorFeatures(path)
    found = features(image)
    expected = by_onnxruntime(path, features.joins, image)
    assert len(found) == 4
    assert {tuple(join.shape[2:]) for join in found} == {
        (side // stride, side // stride) for stride in (8, 16, 32)
    }
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4 * float(np.abs(theirs).max()))


@pytest.mark.parametrize(
    ("operator", "attributes", "message"),
    [
        ("MaxPool", {"ceil_mode": 1}, "ceil_mode 1: only 0"),
        ("MaxPool", {"dilations": [2, 2]}, r"dilations \[2, 2\]: only \[1, 1\]"),
        ("MaxPool", {"auto_pad": "SAME_UPPER"}, "auto_pad b'SAME_UPPER'"),
        ("Conv", {"auto_pad": "SAME_LOWER"}, "auto_pad b'SAME_LOWER'"),
        ("Resize", {"nearest_mode": "ceil"}, "with b'ceil': only what doubles each pixel"),
        ("Resize", {"coordinate_transformation_mode": "align_corners"}, "Resize b'align_corners' with"),
        (
            "Resize",
            {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor"},
            "b'half_pixel' with",
        ),
    ],
)
def test_attributes_that_would_change_the_features_are_refused(
    tmp_path: Path, tiny_detector: Path, operator: str, attributes: dict[str, Any], message: str
) -> None:
    changed = with_attributes(tiny_detector, operator, attributes, tmp_path / "changed.onnx")
    with pytest.raises(ValueError, match=rf"changed\.onnx cannot be run: .*{message}"):
        DetectorFeatures(changed)


@pytest.mark.parametrize("place", ["asymmetric", "half_pixel", "pytorch_half_pixel"])
@pytest.mark.parametrize("rounding", ["floor", "round_prefer_floor", "round_prefer_ceil", "ceil"])
def test_an_enlargement_is_what_onnx_runtime_makes_of_it_or_refused(
    tmp_path: Path, tiny_detector: Path, place: str, rounding: str
) -> None:
    attributes = {"coordinate_transformation_mode": place, "nearest_mode": rounding}
    changed = with_attributes(tiny_detector, "Resize", attributes, tmp_path / "changed.onnx")
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    joins = DetectorFeatures(tiny_detector).joins
    usual, expected = (by_onnxruntime(path, joins, image) for path in (tiny_detector, changed))
    is_usual = all(np.allclose(a, b) for a, b in zip(usual, expected, strict=True))
    if not is_usual:
        with pytest.raises(ValueError, match="only what doubles each pixel"):
            DetectorFeatures(changed)
        return
    for mine, theirs in zip(DetectorFeatures(changed)(image), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4 * float(np.abs(theirs).max()))


def test_the_loss_is_nothing_for_equal_images_and_grows_with_what_the_detector_misses(
    tiny_detector: Path,
) -> None:
    loss = DetectorLoss(DetectorFeatures(tiny_detector))
    sharp = F.interpolate(torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(2)), size=(64, 64))
    sharp = sharp * 2 - 1
    blurred = [F.avg_pool2d(sharp, size, 1, size // 2, count_include_pad=False) for size in (3, 9)]
    assert float(loss(sharp, sharp)) == 0
    assert 0 < float(loss(blurred[0], sharp)) < float(loss(blurred[1], sharp)) < 2


def test_following_its_gradient_brings_the_image_nearer_to_what_the_detector_wants(
    tiny_detector: Path,
) -> None:
    loss = DetectorLoss(DetectorFeatures(tiny_detector))
    torch.manual_seed(3)
    sharp = torch.rand(1, 3, 64, 64) * 2 - 1
    image = nn.Parameter(0.5 * sharp)
    optimiser = torch.optim.Adam([image], 0.02)
    before = float(loss(image, sharp).detach())
    for _ in range(30):
        optimiser.zero_grad()
        loss(image, sharp).backward()
        optimiser.step()
    assert float(loss(image, sharp).detach()) < 0.7 * before
    assert not any(p.requires_grad for p in loss.parameters())


def test_files_that_cannot_be_used_are_named(tmp_path: Path, tiny_detector: Path) -> None:
    with pytest.raises(ValueError, match=r"no detector at 'nowhere\.onnx': set detector\.weights"):
        DetectorFeatures("nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ValueError, match=r"text\.onnx is not an ONNX file"):
        DetectorFeatures(tmp_path / "text.onnx")
    model = onnx.load(tiny_detector)
    next(node for node in model.graph.node if node.op_type == "MaxPool").op_type = "LpPool"
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="operators that are not known here: LpPool"):
        DetectorFeatures(tmp_path / "other.onnx")
    model = onnx.load(tiny_detector)
    resize = next(node for node in model.graph.node if node.op_type == "Resize")
    next(a for a in resize.attribute if a.name == "mode").s = b"linear"
    onnx.save(model, tmp_path / "smooth.onnx")
    with pytest.raises(ValueError, match=r"smooth\.onnx cannot be run: Resize b'linear' by"):
        DetectorFeatures(tmp_path / "smooth.onnx")
    torch.onnx.export(
        nn.Conv2d(3, 3, 3).eval(), (torch.zeros(1, 3, 64, 64),), tmp_path / "plain.onnx", verbose=False
    )
    with pytest.raises(ValueError, match="no joins between scales"):
        DetectorFeatures(tmp_path / "plain.onnx")
