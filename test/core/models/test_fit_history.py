# SPDX-License-Identifier: Apache-2.0
"""Weights that go on with another number of frames of history."""

from dataclasses import replace

import pytest
import torch

from restoregan_core.models.fit_history import fit_history
from restoregan_core.models.generator import Generator, GeneratorConfig

SMALL = GeneratorConfig(
    base_width=8, width_multipliers=(1, 2), blocks=1, outer_blocks=(1,), pixel_unshuffle=2, dropout=0.0
)


def network(history: int, seed: int, has_median: bool = False) -> Generator:
    torch.manual_seed(seed)
    net = Generator(replace(SMALL, history=history, history_median=has_median)).eval()
    torch.nn.init.normal_(net.head.weight, std=0.05)
    return net


@pytest.mark.parametrize(("given", "wanted"), [(0, 2), (2, 0), (1, 3), (2, 1), (2, 2)])
def test_single_images_come_out_as_before(given: int, wanted: int) -> None:
    before, after = network(given, 0), network(wanted, 1)
    after.load_state_dict(fit_history(before.state_dict(), after))
    image = torch.rand(1, 3, 16, 24) * 2 - 1
    torch.testing.assert_close(after(image), before(image))


def test_a_network_that_learns_to_look_back_starts_by_hardly_doing_so() -> None:
    before, after = network(0, 0), network(2, 1)
    after.load_state_dict(fit_history(before.state_dict(), after))
    current, older = torch.rand(2, 1, 3, 16, 24) * 2 - 1
    changed = (after(torch.cat([current, older, older], 1)) - before(current)).abs().max()
    assert 0 < changed < 0.25


def test_a_network_that_is_shown_the_path_starts_by_not_looking_at_it() -> None:
    before = network(2, 0)
    after = Generator(replace(SMALL, history=2, path=True)).eval()
    after.load_state_dict(fit_history(before.state_dict(), after))
    frames, path = torch.rand(1, 9, 16, 24) * 2 - 1, torch.rand(1, 3, 16, 24) * 2 - 1
    torch.testing.assert_close(after(torch.cat([frames, path], 1)), before(frames))


def test_a_network_that_learns_to_take_the_median_starts_by_hardly_doing_so() -> None:
    before, after = network(2, 0), network(2, 1, has_median=True)
    after.load_state_dict(fit_history(before.state_dict(), after))
    frames = torch.rand(1, 9, 16, 24) * 2 - 1
    changed = (after(frames) - before(frames)).abs().max()
    assert 0 < changed < 0.1
