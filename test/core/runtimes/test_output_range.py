# SPDX-License-Identifier: Apache-2.0
"""Beyond white and black there is nothing: casts to uint8 wrap around in some libraries, so the graph clamps first."""

import numpy as np
import pytest
import torch

from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.runtimes.torch_runtime import TorchRuntime

SIZE = (32, 40)


def run_torch(generator, frames, tmp_path):
    return TorchRuntime(generator, "cpu").run(frames)


def run_openvino(generator, frames, tmp_path):
    pytest.importorskip("openvino")
    from restoregan_core.runtimes.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime(generator, precision="fp32", engine_dir=tmp_path).run(frames)


def run_onnx(generator, frames, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from restoregan_core.runtimes.onnx_export import export_onnx

    export_onnx(generator, tmp_path / "net.onnx", SIZE, "fp32")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    restored, mean_residual = session.run(None, {session.get_inputs()[0].name: frames})
    return restored, float(mean_residual)


@pytest.mark.parametrize("run", [run_torch, run_openvino, run_onnx])
@pytest.mark.parametrize(("bias", "levels"), [(3.0, 127), (-3.0, -127), (float("nan"), None)])
def test_what_a_network_adds_beyond_the_range_is_clamped_and_nan_is_told(run, bias, levels, tmp_path):
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_width=8, blocks=1, identity_start=True)).eval()
    torch.nn.init.constant_(generator.head.bias, bias)  # tanh(3) * 127.5 rounds to 127
    frames = np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3), np.uint8)
    restored, mean_residual = run(generator, frames, tmp_path)
    if levels is None:
        assert np.isnan(mean_residual)
    else:
        np.testing.assert_array_equal(restored, np.clip(frames.astype(int) + levels, 0, 255))
        assert abs(mean_residual - np.tanh(bias)) < 1e-3
