# SPDX-License-Identifier: Apache-2.0
"""Promises about the network as it is compiled: it says what the trained network says."""

import pytest
import torch
from street_scene import rained_on, smeared, street

from restoregan_core.assessment.frame_network import AssessorFrameNetwork
from restoregan_core.assessment.learned import LearnedAssessor
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


def test_on_integers_it_says_nearly_the_same_of_what_it_knows(loaded):
    scene = street()
    for image in (scene, smeared(scene, 12, 20), rained_on(scene)):
        rgb_BHWC = torch.from_numpy(image[None, : image.shape[0] // 64 * 64, : image.shape[1] // 64 * 64])
        with torch.inference_mode():
            floats, integers = (AssessorFrameNetwork(loaded, is_int8)(rgb_BHWC) for is_int8 in (False, True))
        for expected, found in zip(floats[:2], integers[:2], strict=True):
            torch.testing.assert_close(found[:2], expected[:2], rtol=0, atol=0.06)


def test_openvino_computes_the_integers_that_were_meant(loaded, tmp_path):
    pytest.importorskip("openvino")
    image = rained_on(street())[:320, :640]
    with torch.inference_mode():
        *_, tiles, frame = AssessorFrameNetwork(loaded, is_int8=True)(torch.from_numpy(image[None]))
    found = LearnedAssessor(loaded, "cpu", tmp_path, precision="int8").log_odds(image)
    # The heads are floats, of whichever kind the CPU has.
    torch.testing.assert_close(torch.from_numpy(found[0]), tiles, rtol=0, atol=0.15)
    torch.testing.assert_close(torch.from_numpy(found[1]), frame, rtol=0, atol=0.15)
