# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from restoregan_core.models.generator import Generator
from restoregan_core.models.generator_config import GeneratorConfig
from restoregan_core.models.lazy_network import LazyNetwork, weights_of

TINY = GeneratorConfig(base_width=2, blocks=1)


def test_the_network_is_made_once_and_when_it_is_first_asked_for():
    made = []

    def build(weights):
        made.append(dict(weights))
        return Generator(TINY)

    weights = {"head": np.ones(2, np.float16)}
    lazy = LazyNetwork(TINY, weights, build)
    assert lazy.is_finite
    assert lazy.digest()
    assert not made
    assert lazy.network is lazy.network
    assert made == [weights]


def test_digest_is_the_same_before_and_after_the_network_is_made():
    network = Generator(TINY).half().float()
    stored = {name: value.astype(np.float16) for name, value in weights_of(network).items()}
    lazy = LazyNetwork(TINY, stored, lambda _: network)
    before = lazy.digest()
    assert lazy.network is network
    assert lazy.digest() == before == LazyNetwork.of(network).digest()


def test_digest_tells_weights_and_configs_apart():
    network = Generator(TINY)
    lazy = LazyNetwork.of(network)
    before = lazy.digest()
    other = LazyNetwork(GeneratorConfig(base_width=2, blocks=1, dropout=0.0), lazy.weights, lambda _: network)
    assert other.digest() != before
    network.head.bias.data[0] += 1
    assert lazy.digest() != before


def test_weights_that_were_let_go_are_read_again_each_time_they_are_asked_for():
    network, reads = Generator(TINY), []

    def read_again():
        reads.append(1)
        return weights_of(network)

    lazy = LazyNetwork(TINY, weights_of(network), lambda weights: dict(weights), read_again)
    before = lazy.digest()
    assert not reads
    lazy.let_go()
    assert lazy.digest() == before
    assert lazy.is_finite
    assert len(reads) == 2
    assert lazy.network.keys() == weights_of(network).keys()


def test_a_network_that_is_there_is_not_let_go():
    network = Generator(TINY)
    lazy = LazyNetwork.of(network)
    lazy.let_go()
    assert lazy.network is network
    assert lazy.is_finite


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_seen(value):
    network = Generator(TINY)
    assert LazyNetwork.of(network).is_finite
    with torch.no_grad():
        network.head.bias[0] = value
    assert not LazyNetwork.of(network).is_finite
