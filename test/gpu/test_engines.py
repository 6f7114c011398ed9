# SPDX-License-Identifier: Apache-2.0
"""On a CUDA device: every runtime against eager float32 on the CPU. Not run yet: see docs/engines.md."""

import numpy as np
import pytest
import torch

from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.runtimes.tensorrt_runtime import TensorRtRuntime
from restoregan_core.runtimes.torch_runtime import TorchRuntime
from restoregan_core.zoo import build_generator

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("name", ["lite", "vehicle"])
@pytest.mark.parametrize("runtime", ["torch", "tensorrt"])
def test_image_is_the_cpus_within_50_db(name, runtime, tmp_path):
    torch.manual_seed(0)
    generator = build_generator(name).eval()
    torch.nn.init.normal_(generator.head.weight, std=0.02)
    try:
        if runtime == "torch":
            opened = TorchRuntime(generator, "cuda")
        else:
            opened = TensorRtRuntime(generator, "cuda", engine_dir=tmp_path, build_if_missing=True)
    except RuntimeUnavailableError as error:
        pytest.skip(str(error))
    ramp = np.add.outer(np.linspace(20, 160, 359), np.linspace(0, 70, 641))[..., None]
    noise = np.random.default_rng(0).normal(0, 10, (359, 641, 3))
    source = (ramp + noise).clip(0, 255).astype(np.uint8)[None]
    expected = TorchRuntime(generator, "cpu").run(source)[0]
    error = np.mean((opened.run(source)[0].astype(float) - expected) ** 2)
    assert 10 * np.log10(255**2 / max(error, 1e-12)) >= 50
