# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the CPU: the reference, in any precision, and batches."""

import numpy as np
import pytest
import torch

from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.runtimes.torch_runtime import TorchRuntime


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(GeneratorConfig(base_width=8, blocks=1)).eval()


def frames(count, height, width):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def test_batch_is_the_frames_one_by_one(generator):
    runtime = TorchRuntime(generator, "cpu")
    batch = frames(3, 17, 22)
    together = runtime.run(batch)[0].copy()
    alone = np.concatenate([runtime.run(frame[None])[0].copy() for frame in batch])
    assert np.abs(together.astype(int) - alone).max() <= 1


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_near_float32(generator, precision):
    batch = frames(1, 32, 40)
    exact = TorchRuntime(generator, "cpu", precision="fp32").run(batch)[0]
    half = TorchRuntime(generator, "cpu", precision=precision).run(batch)[0]
    assert np.abs(half.astype(int) - exact).max() <= 3


def test_the_callers_generator_is_left_alone(generator):
    generator.train()
    TorchRuntime(generator, "cpu", precision="bf16")
    assert generator.training
    assert next(generator.parameters()).dtype == torch.float32


def test_it_says_what_it_is(generator):
    assert TorchRuntime(generator, "cpu").describe() == f"torch {torch.__version__} on CPU (fp32)"


def test_threads_are_those_of_the_process(generator):
    before = torch.get_num_threads()
    try:
        TorchRuntime(generator, "cpu", threads=before + 1)
        assert torch.get_num_threads() == before + 1
        TorchRuntime(generator, "cpu")
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
