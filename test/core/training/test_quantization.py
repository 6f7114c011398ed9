# SPDX-License-Identifier: Apache-2.0
"""Scales that are chosen by samples keep the image."""

import copy
from itertools import islice

import cv2
import numpy as np
import pytest
import torch
from tiny_generator import TINY, loaded

from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, Folder
from restoregan_core.data.degrade import Shares
from restoregan_core.data.sources import TrainingSource
from restoregan_core.models.generator import Generator, GeneratorConfig
from restoregan_core.models.int8 import with_int8
from restoregan_core.training.quantization import choose_scales, draw_inputs


def samples(count=4):
    draw = torch.Generator().manual_seed(3)
    return [torch.rand((3, 32, 32), generator=draw) for _ in range(count)]


def on_integers(generator, scales):
    names = {name.rpartition(".")[0] for name in scales}
    network = with_int8(copy.deepcopy(generator), names)
    state = network.state_dict() | {name: torch.from_numpy(value) for name, value in scales.items()}
    network.load_state_dict(state)
    return network


def uneven():
    """A generator whose channels differ by a factor of a thousand, as trained ones do."""
    generator = loaded(TINY).generator
    factors = torch.logspace(-1.5, 1.5, TINY.base_width)
    with torch.no_grad():
        generator.stem[0].weight *= factors[:, None, None, None]
        generator.encoder[0][0].body[0].weight /= factors[None, :, None, None]
    return generator


def test_what_the_network_changes_is_kept_within_a_twentieth():
    generator = uneven()
    network = on_integers(generator, choose_scales(generator, samples()))
    x_BCHW = torch.stack(samples(8)[4:]) * 2 - 1
    with torch.no_grad():
        change = (generator(x_BCHW) - x_BCHW).abs().mean()
        assert (network(x_BCHW) - generator(x_BCHW)).abs().mean() < change / 20
        assert change > 8 / 255, "or nothing was there to keep"


def test_smoothing_is_what_keeps_uneven_channels():
    generator = uneven()
    chosen = choose_scales(generator, samples())
    assert "decoder.0.0.body.0.smoothing" not in chosen, "the first behind a skip stays of floats"
    smoothing = chosen["encoder.0.0.body.0.smoothing"]
    assert smoothing.max() / smoothing.min() > 10


def test_the_same_samples_give_the_same_scales_and_the_network_stays_as_it_is():
    generator = uneven()
    before = copy.deepcopy(generator.state_dict())
    first, second = (choose_scales(generator, samples()) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_black_alone_gives_scales_above_zero():
    scales = choose_scales(Generator(TINY).eval(), [torch.full((3, 32, 32), 0.5)])
    assert all((value > 0).all() for value in scales.values())


def test_without_a_sample_there_is_nothing_to_choose_by():
    with pytest.raises(ValueError, match="give at least one"):
        choose_scales(Generator(TINY).eval(), [])


def test_a_recurrent_network_is_drawn_for_by_a_copy_so_that_its_layers_see_samples_alone(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "0.png"), cv2.resize(image, (96, 96)))
    data = DataConfig(
        sharp=[Folder(path=str(tmp_path))],
        shares=Shares(pair=0),
        clips=ClipConfig(unrolled=3, single_share=0),
    )
    generator = Generator(GeneratorConfig(base_width=4, blocks=1, history=2, recurrent=True)).eval()
    inputs = draw_inputs(TrainingSource(data, seed=0), generator, 64)
    runs = []
    generator.register_forward_hook(lambda *_: runs.append(1))
    first, last = islice(inputs, 2)
    assert first.shape == last.shape == (9, 64, 64)
    assert torch.equal(first[:3], first[6:])
    assert not torch.equal(last[:3], last[6:])
    assert min(first.min(), last.min()) >= 0
    assert max(first.max(), last.max()) <= 1
    assert not runs
