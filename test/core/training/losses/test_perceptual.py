# SPDX-License-Identifier: Apache-2.0
"""VGG features: the right layers, every image normalised, and weights that are never random."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated_bytes, read_or_refused
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.training.losses.perceptual import (
    PerceptualLoss,
    VggFeatures,
    load_vgg16_stand_in,
    load_vgg19,
)

SHAPES = [(64, 3), (64, 64), (128, 64), (128, 128), (256, 128), (256, 256), (256, 256)]
STAND_IN = Path(__file__).parents[5] / "shared" / "data" / "weights" / "vgg16_imagenet_conv1_1_to_conv3_3.npz"


@pytest.fixture(scope="module")
def tensors() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(o, i, 3, 3, generator=generator) * (2 / (9 * i)) ** 0.5,
            torch.randn(o, generator=generator) * 0.1,
        )
        for o, i in SHAPES
    ]


@pytest.fixture(scope="module")
def vgg19_file(tensors: list[tuple[Tensor, Tensor]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict with torchvision's names, later layers and classifier included."""
    path = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    state = {"features.16.weight": torch.zeros(256, 256, 3, 3), "classifier.0.bias": torch.zeros(3)}
    for index, (weight, bias) in zip((0, 2, 5, 7, 10, 12, 14), tensors, strict=True):
        state |= {f"features.{index}.weight": weight, f"features.{index}.bias": bias}
    torch.save(state, path)
    return path


def torchvision_conv3_3(state: dict[str, Tensor], normalised_BCHW: Tensor) -> Tensor:
    """torchvision's VGG up to layer 15, written out: convolutions at 0 2 5 7 10 12 14, pools at 4 and 9."""
    x = normalised_BCHW
    for index in (0, 2, 4, 5, 7, 9, 10, 12, 14):
        if index in (4, 9):
            x = F.max_pool2d(x, 2, 2)
        else:
            x = F.relu(
                F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1)
            )
    return x


def test_features_are_those_of_torchvisions_vgg19_at_conv3_3_after_relu(vgg19_file: Path) -> None:
    torch.manual_seed(1)
    x_BCHW = torch.rand(2, 3, 24, 32)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    wanted_BCHW = torchvision_conv3_3(torch.load(vgg19_file), (x_BCHW - mean) / std)
    features_BCHW = load_vgg19(vgg19_file)(x_BCHW * 2 - 1)
    assert features_BCHW.shape == (2, 256, 6, 8)
    assert features_BCHW.min() == 0
    torch.testing.assert_close(features_BCHW, wanted_BCHW)


def test_every_image_of_a_batch_is_normalised_not_only_the_first(
    tensors: list[tuple[Tensor, Tensor]],
) -> None:
    features = VggFeatures(tensors)
    x_BCHW = torch.rand(3, 3, 16, 16) * 2 - 1
    together = features(x_BCHW)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], features(x_BCHW[i : i + 1]))
    normalised_BCHW = features.normalise(torch.ones(3, 3, 2, 2))  # white
    white = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    torch.testing.assert_close(normalised_BCHW, white.view(1, 3, 1, 1).expand(3, 3, 2, 2))


def test_stand_in_sees_bgr_of_0_to_255_minus_the_mean_colour(
    tensors: list[tuple[Tensor, Tensor]], tmp_path: Path
) -> None:
    names = ["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2"]
    names += ["block3_conv1", "block3_conv2", "block3_conv3"]
    arrays = {}
    for name, (weight, bias) in zip(names, tensors, strict=True):
        arrays |= {f"{name}_w": weight.numpy(), f"{name}_b": bias.numpy()}
    np.savez(tmp_path / "vgg16.npz", **arrays)
    features = load_vgg16_stand_in(tmp_path / "vgg16.npz")
    red_BCHW = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1)
    wanted = torch.tensor([-103.939, -116.779, 255 - 123.68])
    torch.testing.assert_close(features.normalise(red_BCHW).flatten(), wanted)


class Channels(nn.Module):
    """Features that one can work out by hand: the image and its double."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.cat((x_BCHW, 2 * x_BCHW), 1)


def test_loss_sums_over_channels_and_averages_over_positions_and_images() -> None:
    """Difference 0.5 at one of 4 positions, in one of 3 channels, in one of 2 images: (0.25 + 1) / 8."""
    target_BCHW = torch.zeros(2, 3, 2, 2)
    restored_BCHW = target_BCHW.clone()
    restored_BCHW[1, 2, 0, 1] = 0.5
    assert float(PerceptualLoss(Channels())(restored_BCHW, target_BCHW)) == pytest.approx(1.25 / 8)
    mean = PerceptualLoss(Channels(), channels="mean")(restored_BCHW, target_BCHW)
    assert float(mean) == pytest.approx(1.25 / 8 / 6)


def test_calibration_makes_the_loss_independent_of_the_networks_scale(
    tensors: list[tuple[Tensor, Tensor]],
) -> None:
    torch.manual_seed(2)
    restored_BCHW, target_BCHW = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    scaled = [*tensors[:-1], (tensors[-1][0] * 7, tensors[-1][1] * 7)]
    values = []
    for weights in (tensors, scaled):
        loss = PerceptualLoss(VggFeatures(weights))
        loss.calibrate(target_BCHW)
        values.append(float(loss(restored_BCHW, target_BCHW)))
    assert values[0] == pytest.approx(values[1], rel=1e-4)
    energy = VggFeatures(tensors)(target_BCHW).square().mean()
    uncalibrated = PerceptualLoss(VggFeatures(tensors))(restored_BCHW, target_BCHW)
    assert values[0] == pytest.approx(float(uncalibrated / energy), rel=1e-4)


def test_gradients_reach_the_image_but_never_the_features(tensors: list[tuple[Tensor, Tensor]]) -> None:
    loss = PerceptualLoss(VggFeatures(tensors))
    restored_BCHW = torch.rand(1, 3, 8, 8, requires_grad=True)
    target_BCHW = torch.rand(1, 3, 8, 8, requires_grad=True)
    loss(restored_BCHW, target_BCHW).backward()
    assert restored_BCHW.grad is not None
    assert restored_BCHW.grad.abs().sum() > 0
    assert target_BCHW.grad is None
    assert all(weight.grad is None and not weight.requires_grad for weight in loss.parameters())


def test_missing_weights_are_an_error_that_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no VGG19 weights at .*download https.*perceptual.weights"):
        load_vgg19(tmp_path / "nowhere.pth")
    with pytest.raises(ValueError, match=r"no VGG16 weights"):
        load_vgg16_stand_in(tmp_path / "nowhere.npz")


def test_without_network_the_error_says_how_to_get_the_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # nothing cached
    monkeypatch.setattr(
        "restoregan_core.training.losses.perceptual.VGG19_URL", "http://127.0.0.1:9/vgg19-dcbb9e9d.pth"
    )
    with pytest.raises(ValueError, match=r"cannot be fetched .*perceptual.weights"):
        load_vgg19()


def test_files_that_are_not_vgg_are_named(tmp_path: Path, tensors: list[tuple[Tensor, Tensor]]) -> None:
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(ValueError, match=r"text.pth' is not a state dict"):
        load_vgg19(tmp_path / "text.pth")
    torch.save({"layer.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other.pth' is not torchvision's VGG19"):
        load_vgg19(tmp_path / "other.pth")
    np.savez(tmp_path / "other.npz", block1_conv1_w=np.zeros((64, 3, 3, 3)))
    with pytest.raises(ValueError, match=r"does not hold VGG16's layers"):
        load_vgg16_stand_in(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="not VGG16 or VGG19"):
        VggFeatures([(torch.zeros(64, 4, 3, 3), torch.zeros(64)), *tensors[1:]])
    torch.save(
        {f"features.{i}.{part}": "text" for i in range(15) for part in ("weight", "bias")}, tmp_path / "x.pth"
    )
    with pytest.raises(ValueError, match="not VGG16 or VGG19"):
        load_vgg19(tmp_path / "x.pth")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32).map(random.Random))
def test_mutated_weights_are_refused_by_name(tmp_path_factory, rng: random.Random) -> None:
    folder, layer = tmp_path_factory.getbasetemp(), torch.zeros(4, 4)
    state = {"features.0.weight": layer, "features.0.bias": layer}
    torch.save(state, folder / "mutated.pth", _use_new_zipfile_serialization=rng.random() < 0.5)
    np.savez(folder / "mutated.npz", block1_conv1_w=layer.numpy(), block1_conv1_b=layer.numpy())
    for name, load in (("mutated.pth", load_vgg19), ("mutated.npz", load_vgg16_stand_in)):
        (folder / name).write_bytes(mutated_bytes((folder / name).read_bytes(), rng))
        with read_or_refused(name):
            load(folder / name)


def test_pickles_are_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return Path.touch, (tmp_path / "executed",)

    torch.save(Trap(), tmp_path / "trap.pth")
    with pytest.raises(ValueError, match="is not a state dict"):
        load_vgg19(tmp_path / "trap.pth")
    assert not (tmp_path / "executed").exists()


@pytest.mark.skipif(not STAND_IN.is_file(), reason=f"{STAND_IN.name} is not available")
def test_features_of_the_stand_in_act_like_imagenets() -> None:
    """A blurred edge is nearer to itself shifted in brightness than to noise of the same energy."""
    features = load_vgg16_stand_in(STAND_IN)
    torch.manual_seed(0)
    clean_BCHW = F.interpolate(torch.rand(1, 3, 8, 8), size=(64, 64), mode="bicubic").clamp(0, 1) * 2 - 1
    loss = PerceptualLoss(features)
    loss.calibrate(clean_BCHW)
    brighter = float(loss(clean_BCHW + 0.05, clean_BCHW))
    noisy = float(loss(clean_BCHW + 0.05 * torch.randn_like(clean_BCHW), clean_BCHW))
    assert 0 < brighter < noisy
    dead = (features(clean_BCHW).amax((0, 2, 3)) == 0).float().mean()
    assert dead < 0.5
