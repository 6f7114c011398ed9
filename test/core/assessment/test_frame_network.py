# SPDX-License-Identifier: Apache-2.0
"""Promises about the network as it is compiled: it says what the trained network says."""

import pytest
import torch

from restoregan_core.assessment.frame_network import AssessorFrameNetwork
from restoregan_core.zoo import LoadedAssessor, load_assessor_network


@pytest.fixture(scope="module")
def loaded() -> LoadedAssessor:
    return load_assessor_network()


def test_reading_pixels_in_pairs_changes_nothing_but_rounding(loaded):
    rgb_BHWC = torch.randint(
        0, 256, (1, 128, 192, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    with torch.inference_mode():
        expected = loaded.network.eval()((rgb_BHWC.permute(0, 3, 1, 2).float() - 127.5) / 127.5)
        *_, tiles, frame = AssessorFrameNetwork(loaded).eval()(rgb_BHWC)
    torch.testing.assert_close((tiles, frame), (expected[0][0], expected[1][0]), rtol=1e-4, atol=1e-4)


def test_the_trained_network_is_left_as_it_is(loaded):
    before = {name: weight.clone() for name, weight in loaded.network.state_dict().items()}
    AssessorFrameNetwork(loaded)
    after = loaded.network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
