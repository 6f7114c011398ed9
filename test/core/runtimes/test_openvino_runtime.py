# SPDX-License-Identifier: Apache-2.0
"""OpenVINO against eager float32, and its compiled network on disk."""

import logging
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut
from small_disks import must_mount

from restoregan_core.runtimes.torch_runtime import TorchRuntime
from restoregan_core.zoo import SHA256, build_generator, load_generator

pytest.importorskip("openvino")
from restoregan_core.runtimes import openvino_engines, openvino_graph
from restoregan_core.runtimes.engine_cache import manifest_path
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
from restoregan_core.runtimes.protocol import RuntimeUnavailableError


def network(name):
    """The shipped weights; where there are none, random ones whose residual is some tens of grey levels: a zero
    head would hide every error."""
    if name in SHA256:
        return load_generator(name).generator
    torch.manual_seed(0)
    generator = build_generator(name).eval()
    torch.nn.init.normal_(generator.head.weight, std=0.02)
    return generator


def image(height, width):
    """A photograph with noise, cut or drawn to size."""
    photograph = cv2.resize(astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 8, photograph.shape)
    return (photograph + noise).clip(0, 255).astype(np.uint8)[None]


def psnr(a, b):
    return 10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-12))


@pytest.mark.parametrize(
    ("name", "sizes"), [("lite", [(641, 359), (1, 1)]), ("vehicle", [(641, 359), (1, 1)])]
)
@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_image_is_eager_float32s_within_50_db(name, sizes, precision, tmp_path):
    generator = network(name)
    eager = TorchRuntime(generator, "cpu")
    compiled = OpenVinoRuntime(generator, precision=precision, engine_dir=tmp_path)
    for size in sizes:
        source = image(*size)
        older = [np.roll(source, 2 * k, axis=2) for k in range(1, generator.config.input_channels // 3)]
        frames = np.concatenate([source, *older], axis=3)
        expected = eager.run(frames)[0]
        got = compiled.run(frames)[0]
        assert got.shape == source.shape
        if source.size > 3:  # a single pixel is as sharp as can be
            assert np.abs(expected.astype(int) - source).max() > 2, "the network must do something"
        assert psnr(got, expected) >= 50


@pytest.fixture
def tiny():
    from restoregan_core.models.generator import Generator, GeneratorConfig

    torch.manual_seed(0)
    return Generator(GeneratorConfig(base_width=4, blocks=1)).eval()


def only_engine(directory, kind="openvino"):
    (engine,) = directory.glob(f"{kind}-*.engine")
    return engine


def test_second_start_neither_converts_nor_compiles_and_gives_the_same(tiny, tmp_path, monkeypatch):
    import openvino

    first = OpenVinoRuntime(tiny, engine_dir=tmp_path).run(image(24, 32))[0].copy()
    monkeypatch.setattr(openvino, "convert_model", lambda *_, **__: pytest.fail("converted again"))
    with monkeypatch.context() as patched:
        patched.setattr(openvino.Core, "compile_model", lambda *_, **__: pytest.fail("compiled again"))
        second = OpenVinoRuntime(tiny, engine_dir=tmp_path)
        assert (second.run(image(24, 32))[0] == first).all()
    assert second.run(image(40, 32))[0].shape == (1, 40, 32, 3), "another size is compiled"


def test_what_was_compiled_for_other_circumstances_is_not_taken(tiny, tmp_path, monkeypatch):
    def compiled():
        return len(list(tmp_path.glob("compiled-*.engine")))

    OpenVinoRuntime(tiny, engine_dir=tmp_path, precision="fp32", threads=1).load(24, 32)
    assert compiled() == 1
    OpenVinoRuntime(tiny, engine_dir=tmp_path, precision="fp32", threads=2).load(24, 32)
    assert compiled() == 2
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    OpenVinoRuntime(tiny, engine_dir=tmp_path, precision="fp32", threads=2).load(24, 32)
    assert compiled() == 3
    monkeypatch.setattr(openvino_engines, "processor_flags", lambda: frozenset({"sse2"}))
    OpenVinoRuntime(tiny, engine_dir=tmp_path, precision="fp32", threads=2).load(24, 32)
    assert compiled() == 4


def test_a_read_compiled_network_of_lite_gives_the_image_of_the_one_that_was_compiled(tmp_path):
    loaded = load_generator("lite")
    frames = np.concatenate(
        [np.roll(image(90, 160), 2 * k, axis=2) for k in range(loaded.config.input_channels // 3)], axis=3
    )
    compiled, read = (
        OpenVinoRuntime(loaded.lazy, engine_dir=tmp_path, int8=loaded.int8).run(frames)[0].copy()
        for _ in ("compiled", "read")
    )
    assert np.abs(compiled.astype(int) - image(90, 160)).max() > 2, "the network must do something"
    np.testing.assert_array_equal(read, compiled)


@pytest.mark.parametrize("kind", ["openvino", "compiled"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "manifest gone", "another file"])
def test_damaged_engine_is_one_line_in_the_log_and_the_image_is_right(tiny, tmp_path, kind, damage, caplog):
    expected = OpenVinoRuntime(tiny, engine_dir=tmp_path).run(image(24, 32))[0].copy()
    engine = only_engine(tmp_path, kind)
    data = engine.read_bytes()
    if damage == "truncated":
        engine.write_bytes(data[: len(data) // 2])
    elif damage == "altered":
        engine.write_bytes(data[:-100] + bytes(100))
    elif damage == "manifest gone":
        manifest_path(engine).unlink()
    else:
        manifest_path(engine).write_text(manifest_path(engine).read_text().replace(f'"{kind}"', '"another"'))
    with caplog.at_level(logging.WARNING):
        got = OpenVinoRuntime(tiny, engine_dir=tmp_path).run(image(24, 32))[0]
    assert (got == expected).all()
    assert len(caplog.records) == 1
    doing = "converting" if kind == "openvino" else "compiling"
    assert f"{doing} for OpenVINO again" in caplog.text
    caplog.clear()
    OpenVinoRuntime(tiny, engine_dir=tmp_path).run(image(24, 32))
    assert not caplog.records, "the engine was repaired"


def test_engine_deleted_while_it_runs_is_not_missed(tiny, tmp_path):
    runtime = OpenVinoRuntime(tiny, engine_dir=tmp_path)
    runtime = OpenVinoRuntime(tiny, engine_dir=tmp_path)  # from the file
    only_engine(tmp_path).unlink()
    assert runtime.run(image(40, 40))[0].shape == (1, 40, 40, 3)


def test_cache_that_cannot_be_written_costs_a_warning_only(tiny, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    runtime = OpenVinoRuntime(tiny, engine_dir=blocked / "cache")
    assert "not kept" in caplog.text
    assert runtime.run(image(16, 16))[0].shape == (1, 16, 16, 3)


def test_a_full_cache_says_so_and_keeps_nothing_of_what_it_began(tmp_path):
    start = """
import sys
from pathlib import Path
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
OpenVinoRuntime(Generator(GeneratorConfig(base_width=4, blocks=1)).eval(), engine_dir=Path(sys.argv[1]))
print(list(Path(sys.argv[1]).iterdir()))
"""
    wrapper = must_mount(tmp_path / "full", "size=32k")
    command = [*wrapper, sys.executable, "-c", start, str(tmp_path / "full")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"not kept in {tmp_path}/full: [Errno 28] No space left on device" in done.stderr
    assert done.stdout == "[]\n"


def test_other_weights_never_get_this_networks_engine(tiny, tmp_path):
    OpenVinoRuntime(tiny, engine_dir=tmp_path)
    with torch.no_grad():
        tiny.head.bias.add_(0.5)
    eager = TorchRuntime(tiny, "cpu").run(image(24, 32))[0]
    assert psnr(OpenVinoRuntime(tiny, engine_dir=tmp_path).run(image(24, 32))[0], eager) >= 40


def test_a_signal_after_a_runtime_of_another_thread_is_gone_ends_nothing(tmp_path):
    """A child's exit, handled in Python, after OpenVINO was loaded here and closed elsewhere."""
    program = """
import gc, signal, subprocess, sys, threading
from pathlib import Path
import numpy as np
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime
signal.signal(signal.SIGCHLD, lambda *_: None)
held = [OpenVinoRuntime(Generator(GeneratorConfig(base_width=4, blocks=1)).eval(), engine_dir=Path(sys.argv[1]))]
held[0].run(np.zeros((1, 8, 8, 3), np.uint8))
def drop():
    held.pop().close()
    gc.collect()
thread = threading.Thread(target=drop)
thread.start()
thread.join()
subprocess.run([sys.executable, "-c", ""], check=True)
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


def test_memory_stays_bounded_over_many_sizes_and_frames(tiny, tmp_path):
    from restoregan_core.environment import resident_memory_mb

    runtime = OpenVinoRuntime(tiny, engine_dir=tmp_path)
    sizes = [(48, 64), (96, 64), (61, 47), (128, 128)]
    for size in sizes:
        runtime.run(image(*size))
    before = resident_memory_mb()
    for _ in range(50):
        for size in sizes:
            runtime.run(image(*size))
    assert resident_memory_mb() - before < 50


def test_gpu_is_not_for_openvino_here(tiny):
    with pytest.raises(RuntimeUnavailableError, match="runs on the CPU"):
        OpenVinoRuntime(tiny, "cuda")


def test_sizes_beyond_those_with_a_graph_of_their_own_are_restored_alike(tiny, tmp_path, monkeypatch):
    eager, runtime = TorchRuntime(tiny, "cpu"), OpenVinoRuntime(tiny, engine_dir=tmp_path)
    monkeypatch.setattr(openvino_graph, "MOST_SHAPES", 2)
    for height in (16, 24, 32, 40, 16):
        frames = image(height, 48)
        assert psnr(runtime.run(frames)[0], eager.run(frames)[0]) >= 50
    two = np.concatenate([image(32, 48), image(32, 48)[:, ::-1]])
    assert psnr(runtime.run(two)[0], eager.run(two)[0]) >= 50


@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_on_as_many_threads_as_it_was_given(tiny, tmp_path, threads):
    runtime = OpenVinoRuntime(tiny, engine_dir=tmp_path, threads=threads)
    runtime.load(16, 16)
    (request,) = runtime._graph._requests.values()
    assert request.get_compiled_model().get_property("INFERENCE_NUM_THREADS") == threads


def test_what_comes_out_does_not_depend_on_the_number_of_threads(tmp_path):
    generator = network("lite")
    frames = np.concatenate(
        [np.roll(image(90, 160), 2 * k, axis=2) for k in range(generator.config.input_channels // 3)], axis=3
    )
    expected = OpenVinoRuntime(generator, engine_dir=tmp_path, threads=1).run(frames)[0]
    for threads in (2, 3):
        found = OpenVinoRuntime(generator, engine_dir=tmp_path, threads=threads).run(frames)[0]
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def on_integers(tmp_path_factory):
    """A small network with history, with scales for integers, from its file."""
    from restoregan_core.models.generator import Generator, GeneratorConfig
    from restoregan_core.training.quantization import choose_scales
    from restoregan_core.zoo import save_generator

    torch.manual_seed(0)
    generator = Generator(
        GeneratorConfig(
            base_width=8, width_multipliers=(1, 2), blocks=1, outer_blocks=(1,), block_convolutions=2, dropout=0,
            kernel_size=3, upsampling="shuffle", unet_skips=True, pixel_unshuffle=2, history=2, history_median=True,
        )
    ).eval()  # fmt: skip
    torch.nn.init.normal_(generator.head.weight, std=0.05)
    samples = [torch.from_numpy(clip(64, 64)[0].transpose(2, 0, 1).copy()).float() / 255]
    path = tmp_path_factory.mktemp("int8") / "small.safetensors"
    save_generator(generator, path, {}, torch.float32, choose_scales(generator, samples))
    return load_generator(path)


def clip(height, width):
    """A frame and two before it, shifted."""
    source = image(height, width)
    return np.concatenate([source, *(np.roll(source, 2 * k, axis=2) for k in (1, 2))], axis=3)


def test_integers_give_the_image_of_floats_within_45_db(on_integers, tmp_path):
    floats = TorchRuntime(on_integers.generator, "cpu")
    integers = OpenVinoRuntime(on_integers.lazy, precision="int8", engine_dir=tmp_path, int8=on_integers.int8)
    assert integers.precision.startswith("int8 beside ")
    for size in [(64, 96), (81, 50)]:
        got, expected = integers.run(clip(*size))[0], floats.run(clip(*size))[0]
        assert np.abs(expected.astype(int) - image(*size)).max() > 8, "the network must do something"
        assert psnr(got, expected) > 45


def test_integers_give_what_torch_rounds_to_also_at_sizes_that_share_a_graph(
    on_integers, tmp_path, monkeypatch
):
    """A graph of any height and width, converted in this process or read from the cache."""
    monkeypatch.setattr(openvino_graph, "MOST_SHAPES", 1)
    rounded = TorchRuntime(on_integers.int8.network, "cpu")
    sizes = [(64, 96), (48, 32), (80, 50)]
    runs = []
    for _ in ("converted", "read"):
        runtime = OpenVinoRuntime(
            on_integers.lazy, precision="int8", engine_dir=tmp_path, int8=on_integers.int8
        )
        runs.append([runtime.run(clip(*size))[0].copy() for size in sizes])
    for size, converted, read in zip(sizes, *runs, strict=True):
        assert (converted == read).all()
        assert psnr(converted, rounded.run(clip(*size))[0]) > 45


def test_what_is_not_kept_in_a_cache_gives_the_same_image(on_integers, tmp_path):
    """Where the cache cannot be written, nothing that was converted is used unread."""
    (tmp_path / "file").write_text("no folder")
    images = [
        OpenVinoRuntime(on_integers.lazy, precision="int8", engine_dir=folder, int8=on_integers.int8)
        .run(clip(64, 96))[0]
        .copy()
        for folder in (tmp_path / "cache", tmp_path / "file" / "cache")
    ]
    assert (images[0] == images[1]).all()


def test_integers_are_chosen_by_the_cpu_and_never_without_scales(on_integers, tiny, tmp_path):
    from restoregan_core.runtimes.openvino_runtime import has_int8

    automatic = OpenVinoRuntime(on_integers.lazy, engine_dir=tmp_path, int8=on_integers.int8)
    assert automatic.precision.startswith("int8") == has_int8()
    assert "int8" not in OpenVinoRuntime(tiny, engine_dir=tmp_path).precision
    with pytest.raises(RuntimeUnavailableError, match="restoregan quantize"):
        OpenVinoRuntime(tiny, precision="int8", engine_dir=tmp_path)
