# SPDX-License-Identifier: Apache-2.0
"""What detectors and cameras are promised of the restorer, on whatever runtimes this machine has."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_generator import TINY, difference, image, loaded

from restoregan_core.images.blur_path import path_image
from restoregan_core.images.tile_grid import TILE_SIZE_PX, grid_shape
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.restoration.restorer import NonFiniteOutputError, Restorer
from restoregan_core.runtimes.protocol import RuntimeUnavailableError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (33, 47), (64, 96)])
def test_a_frame_of_any_size_comes_back_in_its_size_and_changed(size):
    restorer = Restorer(loaded(), "torch")
    source = image(*size)
    kept = source.copy()
    restored = restorer(source)
    assert restored.shape == source.shape
    assert restored.flags.writeable
    assert (source == kept).all()
    if size[0] > 8:
        assert difference(restored, source).mean() > 0.5


def test_output_is_the_generators_own_in_float32():
    model = loaded()
    source = image(32, 48)
    x = torch.from_numpy(source).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        expected = ((model.generator(x) + 1) * 127.5).round().clamp(0, 255)
    expected = expected[0].permute(1, 2, 0).numpy().astype(np.uint8)
    assert difference(Restorer(model, "torch")(source), expected).max() <= 1


def test_averaging_skip_is_the_generators_own_too():
    config = GeneratorConfig(base_width=8, blocks=1, output_skip="average")
    model = loaded(config, strength=0.01)
    source = image(32, 48)
    x = torch.from_numpy(source).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        expected = ((model.generator(x) + 1) * 127.5).round().clamp(0, 255)
    expected = expected[0].permute(1, 2, 0).numpy().astype(np.uint8)
    assert difference(Restorer(model, "torch")(source), expected).max() <= 1


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_network_that_changes_nothing_returns_every_grey_level_bit_for_bit(runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino")
    every_level = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert (Restorer(loaded(strength=0.0), runtime)(every_level) == every_level).all()


def test_result_survives_the_next_frame():
    restorer = Restorer(loaded())
    first = restorer(image(32, 32, seed=1))
    kept = first.copy()
    restorer(image(32, 32, seed=2))
    assert (first == kept).all()


def test_read_only_and_strided_frames_are_restored_like_plain_ones():
    restorer = Restorer(loaded(), "torch")
    source = image(32, 64)
    expected = restorer(np.ascontiguousarray(source[:, ::2]))
    source.flags.writeable = False
    assert (restorer(source[:, ::2]) == expected).all()


@pytest.mark.parametrize(("height", "width"), [(150, 260), (203, 151), (260, 141), (400, 90)])
@pytest.mark.parametrize("max_pixels", [100 * 100, 96 * 130])
def test_tiled_equals_whole(height, width, max_pixels):
    model = loaded()
    whole = Restorer(model, "torch", max_pixels=10**9)(image(height, width))
    tiled = Restorer(model, "torch", max_pixels=max_pixels)(image(height, width))
    assert difference(tiled, whole).max() <= 1


def test_the_log_says_once_that_frames_of_a_size_are_tiled(caplog):
    model = loaded()
    with caplog.at_level(logging.INFO):
        restorer = Restorer(model, "torch", max_pixels=96 * 128)
        for _ in range(2):
            restorer(image(160, 224))
        restorer(image(64, 64))
    assert sum("160x224 frames are restored in tiles" in line for line in caplog.messages) == 1
    assert not any("64x64" in line for line in caplog.messages)


def test_tiles_too_small_for_the_network_are_refused_with_the_least_size():
    restorer = Restorer(loaded(), "torch", max_pixels=100)
    with pytest.raises(ValueError, match=r"max_pixels=100 is too few.*at least \d+"):
        restorer(image(200, 200))


def test_a_frame_is_restored_with_the_frames_before_it_and_without_any():
    restorer = Restorer(loaded(replace(TINY, history=2)), "torch")
    blocks = np.kron(image(8, 12, seed=1), np.ones((8, 8, 1), np.uint8))
    frames = [(blocks * (0.5 + 0.2 * k)).astype(np.uint8) for k in range(3)]
    alone = restorer(frames[0])
    assert (restorer(frames[0], history=[frames[0]] * 2) == alone).all()
    assert difference(restorer(frames[0], history=frames[1:]), alone).max() > 2
    # One frame stands for the one before it, too; what is older than the network looks at does not matter.
    assert (restorer(frames[0], history=frames[1:2]) == restorer(frames[0], history=[frames[1]] * 2)).all()
    longer = restorer(frames[0], history=[*frames[1:], image(64, 96)])
    assert (longer == restorer(frames[0], history=frames[1:])).all()


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
@pytest.mark.parametrize("size", [(96, 128), (95, 131)])
def test_a_network_that_is_shown_the_path_gives_the_same_live_called_and_in_windows(runtime, size):
    restorer = Restorer(loaded(replace(TINY, history=2, path=True)), runtime)
    whole = np.kron(image(13, 20, seed=1), np.ones((8, 8, 1), np.uint8))[: size[0], : size[1] + 10]
    frames = [np.ascontiguousarray(whole[:, k : k + size[1]]) for k in (8, 4, 0)]
    history = FrameHistory(2, restorer.path)
    for frame in reversed(frames):
        history.take("front", frame)
    live = restorer.restore_aligned(frames[0], history.look_back("front").beside())
    assert (restorer(frames[0], history=frames[1:]) == live).all()
    *aligned, _ = history.look_back("front").beside()
    still = restorer.restore_aligned(frames[0], [*aligned, path_image(frames[0], None)])
    assert difference(live, still).max() > 2, "it must be looked at"
    assert (restorer.restore_aligned(frames[0], aligned) == still).all()
    tiles = np.zeros(grid_shape(*size, TILE_SIZE_PX), bool)
    tiles[0, 0] = True
    windows = restorer.windows(frames[0], tiles)
    part = restorer.restore_aligned(frames[0], history.look_back("front").beside(), windows)
    assert difference(part[:64, :64], live[:64, :64]).max() <= 1


def test_a_network_without_history_does_not_look_at_one():
    restorer = Restorer(loaded(), "torch")
    assert (restorer(image(32, 48), history=[image(32, 48, seed=1)]) == restorer(image(32, 48))).all()


def test_frames_before_of_another_size_are_refused():
    restorer = Restorer(loaded(replace(TINY, history=1)), "torch")
    with pytest.raises(ValueError, match=r"a frame of the history is .+, the current frame is"):
        restorer(image(32, 48), history=[image(32, 40)])


def test_tiles_of_a_frame_with_history_equal_the_whole():
    model = loaded(replace(TINY, history=2))
    frames = [image(150, 260, seed=k) for k in range(3)]
    whole = Restorer(model, "torch", max_pixels=10**9)
    tiled = Restorer(model, "torch", max_pixels=100 * 100)
    expected = whole.restore_aligned(frames[0], frames[1:])
    assert difference(tiled.restore_aligned(frames[0], frames[1:]), expected).max() <= 1


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
@pytest.mark.parametrize("layer", ["head", "stem"])
def test_nan_in_the_weights_never_becomes_an_image(runtime, layer):
    if runtime == "openvino":
        pytest.importorskip("openvino")
    model = loaded()
    conv = model.generator.head if layer == "head" else model.generator.stem[0]
    with torch.no_grad():
        conv.weight[0, 0, 0, 0] = float("nan")
    restorer = Restorer(model, runtime)
    restorer.warm_up(32, 32)
    with pytest.raises(NonFiniteOutputError, match="tiny-0123456789ab"):
        restorer(image(32, 32))


@pytest.mark.parametrize(
    ("runtime", "precision"),
    [("torch", "fp32"), ("torch", "bf16"), ("openvino", "auto"), ("openvino", "fp32")],
)
def test_nan_in_the_output_is_seen_through_the_cast_to_uint8(runtime, precision):
    """Of the runtime itself, whose weights nobody checks: the last line of defence."""
    generator = loaded().generator
    with torch.no_grad():
        generator.head.bias[0] = float("nan")
    if runtime == "torch":
        from restoregan_core.runtimes.torch_runtime import TorchRuntime

        opened = TorchRuntime(generator, "cpu", precision=precision)
    else:
        pytest.importorskip("openvino")
        from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime

        opened = OpenVinoRuntime(generator, precision=precision)
    assert np.isnan(opened.run(image(32, 32)[None])[1])


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_not_a_frame_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="must be uint8 RGB"):
        Restorer(loaded(), "torch")(bad)


def test_unknown_runtime_and_device_are_refused_with_what_there_is():
    with pytest.raises(ValueError, match="no runtime 'cuda'; there are: auto, tensorrt"):
        Restorer(loaded(), "cuda")
    with pytest.raises(ValueError, match="no device 'gpu'; write auto, cpu"):
        Restorer(loaded(), "torch", "gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_auto_says_once_what_runs(caplog):
    pytest.importorskip("openvino")
    with caplog.at_level(logging.INFO):
        restorer = Restorer(loaded())
        restorer(image(16, 16))
        restorer(image(24, 16))
    lines = [record.message for record in caplog.records if record.message.startswith("runtime: ")]
    assert len(lines) == 1
    assert lines[0].startswith("runtime: openvino")
    assert "CUDA" not in lines[0], "a machine without its driver need not be told that it has no GPU"
    assert restorer.describe().startswith("openvino")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("runtime", "device"), [("tensorrt", "auto"), ("torch", "cuda"), ("torch", "cuda:3")]
)
def test_without_a_gpu_a_runtime_asked_for_by_name_is_refused_in_one_line(runtime, device):
    with pytest.raises(RuntimeUnavailableError, match="CUDA device") as error:
        Restorer(loaded(), runtime, device)
    assert "\n" not in str(error.value)


def test_openvino_missing_or_broken_leaves_pytorch(monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(RuntimeUnavailableError, match="openvino"):
        Restorer(loaded(), "openvino")
    with caplog.at_level(logging.INFO):
        restorer = Restorer(loaded(), device="cpu")
    assert restorer.describe().startswith("torch")
    assert "openvino" in caplog.text.lower()
    assert restorer(image(16, 16)).shape == (16, 16, 3)


def test_scales_that_are_not_finite_are_as_bad_as_weights():
    from dataclasses import replace as changed

    from restoregan_core.models.int8 import convolutions, with_int8
    from restoregan_core.models.lazy_network import LazyNetwork

    model = loaded()
    broken = loaded().generator
    with_int8(broken, convolutions(broken))
    broken.stem[0].input_scale.fill_(float("nan"))
    restorer = Restorer(changed(model, int8=LazyNetwork.of(broken)), device="cpu")
    with pytest.raises(NonFiniteOutputError, match="a weight is not finite"):
        restorer(image(32, 32))
