# SPDX-License-Identifier: Apache-2.0
"""Promises about the assessor's network: a grid of 64 px tiles, any size, half precision."""

import pytest
import torch

from restoregan_core.models.assessor import EVENTS, AssessorConfig, AssessorNetwork
from restoregan_core.models.complexity import count_multiply_adds, count_parameters


@pytest.fixture(scope="module")
def network() -> AssessorNetwork:
    torch.manual_seed(0)
    return AssessorNetwork(AssessorConfig(widths=(4, 6, 8, 8), head_width=12)).eval()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 192), (320, 256)])
def test_every_tile_and_the_frame_are_judged(network: AssessorNetwork, height: int, width: int) -> None:
    tiles, frame = network(torch.rand(2, 3, height, width) * 2 - 1)
    assert tiles.shape == (2, len(EVENTS), height // 64, width // 64)
    assert frame.shape == (2, len(EVENTS))
    assert torch.isfinite(tiles).all()
    assert torch.isfinite(frame).all()


def test_black_white_and_grey_frames_give_finite_numbers_in_half_precision(network: AssessorNetwork) -> None:
    import copy

    half = copy.deepcopy(network).to(torch.bfloat16)
    for level in (-1.0, 0.0, 1.0):
        tiles, frame = half(torch.full((1, 3, 64, 64), level, dtype=torch.bfloat16))
        assert torch.isfinite(tiles).all()
        assert torch.isfinite(frame).all()


def test_the_shipped_shape_stays_within_its_budget() -> None:
    assert count_parameters(AssessorNetwork()) < 300_000
    assert count_multiply_adds(AssessorNetwork(), 256, 256) < 0.2e9


def test_a_shape_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="widths"):
        AssessorConfig(widths=(8, 8, 8))
