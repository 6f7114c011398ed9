# SPDX-License-Identifier: Apache-2.0
"""The ONNX file is the network: the same image, for any consumer, and a graph that TensorRT builds."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
from restoregan_core.images.blur_path import path_image
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.runtimes.frame_network import FrameNetwork
from restoregan_core.runtimes.onnx_export import export_onnx, largest_difference
from restoregan_core.zoo import CONFIGS, LoadedGenerator, build_generator

SMALL = GeneratorConfig(base_width=8, blocks=1, outer_blocks=(1, 0), upsampling="shuffle", pixel_unshuffle=2)


def visible(generator):
    """A zero last layer would hide every error."""
    torch.manual_seed(0)
    torch.nn.init.normal_(generator.head.weight, std=0.02)
    return generator.eval()


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_static_file_pads_and_crops_odd_sizes_itself(tmp_path, precision):
    generator = visible(Generator(SMALL))
    export_onnx(generator, tmp_path / "net.onnx", (33, 47), precision)
    assert largest_difference(generator, tmp_path / "net.onnx", (33, 47)) <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_dynamic_file_takes_any_batch_and_any_multiple(tmp_path):
    import onnxruntime

    generator = visible(Generator(SMALL))
    path = tmp_path / "net.onnx"
    export_onnx(generator, path, None, "fp16")
    for size in ((16, 16), (64, 96), (8 * 37, 24)):
        assert largest_difference(generator, path, size) <= 1
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    restored, mean = session.run(None, {"rgb": np.zeros((3, 16, 24, 3), np.uint8)})
    assert restored.shape == (3, 16, 24, 3)
    assert restored.dtype == np.uint8
    assert np.isfinite(mean)


def test_the_file_is_whole_and_of_versions_that_tensorrt_10_reads(tmp_path):
    import onnx

    export_onnx(Generator(SMALL), tmp_path / "net.onnx", (32, 32), "fp16")
    model = onnx.load(tmp_path / "net.onnx", load_external_data=False)
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)
    assert model.ir_version <= 10
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 20)]


def test_precision_that_onnx_has_not_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no precision 'bf16' for ONNX"):
        export_onnx(Generator(SMALL), tmp_path / "net.onnx", (16, 16), "bf16")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(72, 120), None])
@pytest.mark.parametrize("name", CONFIGS)
def test_tensorrt_parses_and_builds_the_file_in_half_precision_without_a_gpu(name, size, tmp_path):
    trt = pytest.importorskip("tensorrt_rtx")
    path = tmp_path / "net.onnx"
    export_onnx(build_generator(name), path, size, "fp16")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network()
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(path.read_bytes()), [str(parser.get_error(i)) for i in range(parser.num_errors)]
    assert network.get_input(0).dtype == trt.uint8
    assert network.get_output(0).dtype == trt.uint8
    config = builder.create_builder_config()
    if size is None:
        profile = builder.create_optimization_profile()
        # Dynamic sizes are multiples of 16, lite's, which pads nothing then.
        for number in range(network.num_inputs):
            entry = network.get_input(number)
            channels = entry.shape[-1]
            sizes = (1, 64, 64, channels), (1, 352, 640, channels), (6, 720, 1280, channels)
            profile.set_shape(entry.name, *sizes)
        config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    assert engine is not None
    weights = sum(parameter.numel() for parameter in build_generator(name).parameters())
    assert 2 * weights < engine.nbytes < 4 * weights, "weights are held in half precision"


@pytest.mark.parametrize("has_median", [False, True])
@pytest.mark.parametrize("size", [(33, 47), None])
def test_history_is_an_input_of_its_own_and_the_image_repeated_stands_for_none(size, has_median, tmp_path):
    import onnxruntime

    generator = visible(Generator(replace(SMALL, history=2, history_median=has_median)))
    path = tmp_path / "net.onnx"
    export_onnx(generator, path, size, "fp32")
    assert largest_difference(generator, path, size or (32, 48)) <= 1
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [(one.name, one.shape[-1]) for one in session.get_inputs()] == [("rgb", 3), ("history", 6)]
    rgb = np.random.default_rng(0).integers(0, 256, (1, *(size or (32, 48)), 3), np.uint8)
    got = session.run(["restored"], {"rgb": rgb, "history": np.concatenate([rgb, rgb], axis=3)})[0]
    single = FrameNetwork(generator)(torch.from_numpy(rgb))[0].numpy()
    assert np.abs(got.astype(int) - single).max() <= 1


@pytest.mark.parametrize("size", [(34, 48), None])
def test_the_path_is_the_last_image_of_the_history(size, tmp_path):
    import onnxruntime

    generator = visible(Generator(replace(SMALL, history=2, path=True)))
    path = tmp_path / "net.onnx"
    export_onnx(generator, path, size, "fp32")
    assert largest_difference(generator, path, size or (32, 48)) <= 1
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [(one.name, one.shape[-1]) for one in session.get_inputs()] == [("rgb", 3), ("history", 9)]


def test_a_recurrent_network_is_run_by_hand_as_the_document_says(tmp_path):
    """docs/engines.md."""
    import onnxruntime

    generator = visible(Generator(replace(SMALL, history=2, path=True, recurrent=True)))
    torch.nn.init.normal_(generator.head.weight, std=0.1)
    export_onnx(generator, tmp_path / "net.onnx", (64, 96), "fp32")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    loaded = LoadedGenerator(LazyNetwork.of(generator), "net-0123456789ab", "0" * 64, {})
    restorer = Restorer(loaded, "torch", precision="fp32")
    wide = np.kron(
        np.random.default_rng(0).integers(0, 256, (8, 14, 3), np.uint8), np.ones((8, 8, 1), np.uint8)
    )
    video = VideoRestorer(restorer)
    config = json.loads(session.get_modelmeta().custom_metadata_map["config"])
    history = FrameHistory(config["history"], config["path"], config["recurrent"])

    def run(images):
        given = {"rgb": images[0][np.newaxis], "history": np.concatenate(images[1:], 2)[np.newaxis]}
        return session.run(["restored"], given)[0][0].astype(int)

    restored = None
    for k in range(3):
        rgb = np.ascontiguousarray(wide[:, 4 * k : 4 * k + 96])
        expected = video(rgb)
        history.take("camera", rgb)
        before = history.look_back("camera")
        images = before.beside(restored) if before else [rgb, rgb, path_image(rgb, None)]
        restored = run([rgb, *images]).astype(np.uint8)
        assert np.abs(restored.astype(int) - expected).max() <= 2
    assert np.abs(run([rgb, *before.beside(None)]) - expected).max() > 4, "the answer is looked at"


@pytest.mark.parametrize(
    ("shape", "beside"),
    [
        ({}, None),
        ({"history": 1}, ["frame-1"]),
        ({"history": 2, "path": True}, ["frame-1", "frame-2", "path"]),
        ({"history": 2, "recurrent": True}, ["frame-1", "restored-1"]),
        ({"history": 2, "recurrent": True, "path": True}, ["frame-1", "restored-1", "path"]),
    ],
)
def test_the_file_says_what_it_is_and_which_images_each_input_holds(shape, beside, tmp_path):
    import onnx
    import onnxruntime

    config, path = replace(SMALL, **shape), tmp_path / "net.onnx"
    export_onnx(Generator(config), path, (32, 32), "fp16", {"model": "net-0123456789ab"})
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.get_modelmeta().custom_metadata_map
    assert {prop.key: prop.value for prop in onnx.load(path).metadata_props} == found
    assert found["model"] == "net-0123456789ab"
    assert GeneratorConfig.from_dict(json.loads(found["config"])) == config
    inputs = {"rgb": ["frame"]} | ({"history": beside} if beside else {})
    assert json.loads(found["inputs"]) == inputs
    channels = {one.name: one.shape[-1] for one in session.get_inputs()}
    assert channels == {name: 3 * len(images) for name, images in inputs.items()}


def on_integers():
    """A small generator whose convolutions take integers, with scales that fit its values roughly."""
    from restoregan_core.models.int8 import Int8Conv2d, convolutions, with_int8

    generator = visible(Generator(replace(SMALL, history=2)))
    with_int8(generator, convolutions(generator))
    state = generator.state_dict()
    generator.load_state_dict(
        {key: value * 0 + 4 / 127 if key.endswith("input_scale") else value for key, value in state.items()}
    )
    assert sum(isinstance(module, Int8Conv2d) for module in generator.modules()) > 5
    return generator.eval()


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_integers_are_pairs_of_quantize_and_dequantize_around_constants(precision, tmp_path):
    import onnx

    generator, path = on_integers(), tmp_path / "net.onnx"
    export_onnx(generator, path, (32, 48), precision)
    assert largest_difference(generator, path, (32, 48)) <= 3
    graph = onnx.load(path).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QuantizeLinear") == kinds.count("DequantizeLinear") == 2 * kinds.count("Conv")
    made_by = {output: node for node in graph.node for output in node.output}
    for convolution in (node for node in graph.node if node.op_type == "Conv"):
        weight = made_by[convolution.input[1]]
        while weight.op_type in ("Cast", "DequantizeLinear"):
            weight = made_by[weight.input[0]]
        assert weight.op_type == "QuantizeLinear"
        source = weight.input[0]
        source = made_by[source].input[0] if source in made_by else source
        assert source not in made_by, "TensorRT refuses weights that are computed"
    assert generator.stem[0]._settled is None, "the generator itself can still be trained"


def test_integers_of_any_size_are_refused(tmp_path):
    with pytest.raises(ValueError, match="give --size HEIGHTxWIDTH"):
        export_onnx(on_integers(), tmp_path / "net.onnx", None)


@pytest.mark.slow
def test_tensorrt_builds_integers_without_a_gpu(tmp_path):
    trt = pytest.importorskip("tensorrt_rtx")
    path = tmp_path / "net.onnx"
    export_onnx(on_integers(), path, (64, 96), "fp16")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network()
    parser = trt.OnnxParser(network, logger)
    assert parser.parse(path.read_bytes()), [str(parser.get_error(i)) for i in range(parser.num_errors)]
    assert builder.build_serialized_network(network, builder.create_builder_config()) is not None
