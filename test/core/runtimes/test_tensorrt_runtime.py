# SPDX-License-Identifier: Apache-2.0
"""TensorRT up to the device boundary: what happens when something is missing or broken, and what it says.

The GPU itself is not simulated: only what PyTorch answers about it, and what importing torch_tensorrt does.
"""

import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork
from restoregan_core.restoration.restorer import Restorer
from restoregan_core.runtimes import tensorrt_runtime
from restoregan_core.runtimes.engine_cache import default_path, write_engine
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.runtimes.tensorrt_runtime import TensorRtRuntime
from restoregan_core.zoo import LoadedGenerator

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: see test/gpu")


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(GeneratorConfig(base_width=4, blocks=1)).eval()


@pytest.fixture
def gpu(monkeypatch):
    """A machine whose PyTorch sees a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Orin")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 7))


@pytest.fixture
def torch_tensorrt(monkeypatch):
    """... and where torch_tensorrt imports."""
    loads = []

    def load(path):
        loads.append(path)
        raise RuntimeError("deserialisation failed\nand more of it")

    monkeypatch.setitem(sys.modules, "torch_tensorrt", SimpleNamespace(__version__="2.13.0", load=load))
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="11.0"))
    return loads


class RaisesOnImport:
    """Finds torch_tensorrt, and fails as the real one does without its libraries."""

    def __init__(self, error):
        self.error = error

    def find_spec(self, name, path=None, target=None):
        if name == "torch_tensorrt":
            print("pages of noise")
            raise self.error


def test_without_a_gpu_it_says_so_before_importing_anything(generator):
    with pytest.raises(RuntimeUnavailableError, match=r"needs a CUDA device; PyTorch .* sees none"):
        TensorRtRuntime(generator)
    assert "torch_tensorrt" not in sys.modules


def test_with_a_gpu_but_no_torch_tensorrt_it_names_the_package(generator, gpu, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    error = ModuleNotFoundError("No module named 'torch_tensorrt'", name="torch_tensorrt")
    monkeypatch.setattr(sys, "meta_path", [RaisesOnImport(error), *sys.meta_path])
    with pytest.raises(RuntimeUnavailableError, match="torch-tensorrt is not installed"):
        TensorRtRuntime(generator)


@pytest.mark.parametrize(
    "error",
    [
        Exception("no TensorRT"),
        AssertionError("bad"),
        OSError("libnvinfer.so.11: cannot open"),
        AttributeError("x\ny"),
    ],
)
def test_broken_libraries_are_one_quiet_line(generator, gpu, error, monkeypatch, capfd):
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    monkeypatch.setattr(sys, "meta_path", [RaisesOnImport(error), *sys.meta_path])
    with pytest.raises(RuntimeUnavailableError, match="installed but does not load") as raised:
        TensorRtRuntime(generator)
    assert "\n" not in str(raised.value)
    assert "noise" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("precision", ["fp8", "int8"])
def test_precision_that_cannot_be_had_is_said_to_be_so(generator, precision):
    with pytest.raises(
        RuntimeUnavailableError, match=f"does not compute in {precision} here.*restoregan export"
    ):
        TensorRtRuntime(generator, precision=precision)


def test_cpu_and_absent_devices_are_refused(generator, gpu, torch_tensorrt):
    with pytest.raises(RuntimeUnavailableError, match="not on device 'cpu'"):
        TensorRtRuntime(generator, "cpu")
    with pytest.raises(RuntimeUnavailableError, match="sees 1 CUDA devices"):
        TensorRtRuntime(generator, "cuda:1")
    with pytest.raises(ValueError, match="no precision 'fp64'"):
        TensorRtRuntime(generator, precision="fp64")


def test_missing_engine_is_not_built_while_cameras_run(generator, gpu, torch_tensorrt, tmp_path, monkeypatch):
    monkeypatch.setattr(TensorRtRuntime, "build", lambda *_: pytest.fail("it built"))
    with pytest.raises(RuntimeUnavailableError, match=r"no engine .* restoregan build-engine --size 72x128"):
        TensorRtRuntime(generator, engine_dir=tmp_path).load(72, 128)


def put_engine(runtime, directory, **other):
    key = runtime.key(16, 16) | other
    write_engine(default_path(key, directory), key, lambda temporary: temporary.write_bytes(b"engine"))
    return default_path(key, directory)


@pytest.mark.parametrize(
    ("entry", "value"),
    [("tensorrt", "10.3"), ("driver", "1"), ("compute_capability", "9.0"), ("torch", "2.8")],
)
def test_engine_of_another_machine_is_never_read(generator, gpu, torch_tensorrt, tmp_path, entry, value):
    runtime = TensorRtRuntime(generator, engine_dir=tmp_path)
    put_engine(runtime, tmp_path, **{entry: value})
    with pytest.raises(RuntimeUnavailableError, match=f"built for {entry} {value}, needed is"):
        runtime.load(16, 16)
    assert not torch_tensorrt


def test_truncated_engine_is_never_read(generator, gpu, torch_tensorrt, tmp_path):
    runtime = TensorRtRuntime(generator, engine_dir=tmp_path)
    put_engine(runtime, tmp_path).write_bytes(b"eng")
    with pytest.raises(RuntimeUnavailableError, match="truncated or altered"):
        runtime.load(16, 16)
    assert not torch_tensorrt


def test_engine_that_does_not_load_is_one_line(generator, gpu, torch_tensorrt, tmp_path):
    runtime = TensorRtRuntime(generator, engine_dir=tmp_path)
    path = put_engine(runtime, tmp_path)
    with pytest.raises(RuntimeUnavailableError, match=r"does not load: deserialisation failed$"):
        runtime.load(16, 16)
    assert torch_tensorrt == [str(path)]


def test_size_without_an_engine_runs_on_the_next_runtime_and_is_logged_once(
    generator, gpu, torch_tensorrt, tmp_path, monkeypatch, caplog
):
    from restoregan_core.runtimes import torch_runtime

    # The next runtime must do real work, and this machine has only a CPU for it.
    monkeypatch.setattr(torch_runtime, "torch_device", lambda _: torch.device("cpu"))
    loaded = LoadedGenerator(LazyNetwork.of(generator), "tiny-0", "0" * 64, {})
    restorer = Restorer(loaded, "tensorrt", engine_dir=tmp_path)
    assert restorer.describe().startswith("tensorrt 11.0")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert restorer(np.zeros((16, 24, 3), np.uint8)).shape == (16, 24, 3)
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "16x24 frames go to the next runtime"
    ]
    assert restorer.describe().startswith("torch")


def test_network_traces_to_a_plain_graph_in_half_precision(generator):
    """What the compiler is given: no data-dependent control flow, uint8 in, uint8 and float32 out."""
    network = tensorrt_runtime.FrameNetwork(generator.half())
    program = torch.export.export(network, (torch.zeros(1, 18, 22, 3, dtype=torch.uint8),))
    restored, mean = program.module()(torch.zeros(1, 18, 22, 3, dtype=torch.uint8))
    assert restored.dtype == torch.uint8
    assert restored.shape == (1, 18, 22, 3)
    assert mean.dtype == torch.float32
