# SPDX-License-Identifier: Apache-2.0
"""Promises about optimisers: a recipe's word names one, and Muon steps alike in all directions."""

import copy

import pytest
import torch
from torch import Tensor, nn

from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.training.config import OptimiserConfig
from restoregan_core.training.optimisers import MuonWithAdamW, make_optimiser

MUON = OptimiserConfig(kind="muon", learning_rate=1e-3, weight_decay=0.0)


def small_generator() -> Generator:
    torch.manual_seed(0)
    return Generator(GeneratorConfig(base_width=16, width_multipliers=(1, 2), outer_blocks=(0,), blocks=1))


def give_gradients(module: nn.Module, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for weight in module.parameters():
        weight.grad = torch.randn(weight.shape, generator=generator)


@pytest.mark.parametrize(
    ("kind", "type_"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("muon", MuonWithAdamW)]
)
def test_the_recipe_names_the_optimiser(kind: str, type_: type) -> None:
    optimiser = make_optimiser(OptimiserConfig(kind=kind), small_generator())  # type: ignore[arg-type]
    assert type(optimiser) is type_


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_muon_changes_a_convolution_alike_in_all_directions(memory_format: torch.memory_format) -> None:
    module = small_generator().to(memory_format=memory_format)
    before = copy.deepcopy(module.state_dict())
    give_gradients(module)
    make_optimiser(MUON, module).step()

    def change(name: str) -> Tensor:
        return (module.state_dict()[name] - before[name]).reshape(len(before[name]), -1)

    inner = torch.linalg.svdvals(change("body.0.body.0.weight"))
    assert inner.max() / inner.min() < 2, "a random gradient's own are 1 to 3"
    rms = change("body.0.body.0.weight").square().mean().sqrt()
    assert 0.1e-3 < rms < 0.4e-3, "as long as a step of AdamW, about 0.2 of the rate"
    for by_adamw in ("stem.0.weight", "head.weight", "head.bias"):
        assert change(by_adamw).abs().max() == pytest.approx(1e-3, rel=0.01)


def test_only_what_is_to_be_trained_moves() -> None:
    module = small_generator()
    module.body.requires_grad_(False)
    before = copy.deepcopy(module.state_dict())
    optimiser = make_optimiser(MUON, module)
    give_gradients(module)
    optimiser.step()
    moved = {name for name, weight in module.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved == {name for name in before if not name.startswith("body")}


def test_muon_goes_on_to_the_bit_from_its_saved_state() -> None:
    straight, halted = small_generator(), small_generator()
    optimiser, first_half = make_optimiser(MUON, straight), make_optimiser(MUON, halted)
    for seed in range(4):
        give_gradients(straight, seed)
        optimiser.step()
    for seed in range(2):
        give_gradients(halted, seed)
        first_half.step()
    resumed = small_generator()
    second_half = make_optimiser(MUON, resumed)
    second_half.load_state_dict(first_half.state_dict())
    resumed.load_state_dict(halted.state_dict())
    for seed in range(2, 4):
        give_gradients(resumed, seed)
        second_half.step()
    for name, weight in straight.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_the_rate_is_that_of_the_groups() -> None:
    module = small_generator()
    before = copy.deepcopy(module.state_dict())
    optimiser = make_optimiser(MUON, module)
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    give_gradients(module)
    optimiser.step()
    for name, weight in module.state_dict().items():
        assert torch.equal(weight, before[name]), name
