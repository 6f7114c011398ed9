# SPDX-License-Identifier: Apache-2.0
"""The moving average is what its definition says, from the first step and from a checkpoint on."""

import pytest
import torch
from torch import nn

from restoregan_core.training.ema import ema_decay_at, make_ema, set_steps


def test_average_begins_short_and_ends_at_its_decay() -> None:
    assert ema_decay_at(0.999, 0) == pytest.approx(0.1)
    assert ema_decay_at(0.999, 10**6) == 0.999


def test_it_begins_with_the_weights_it_is_made_of_and_follows_them() -> None:
    network = nn.BatchNorm1d(1)
    ema = make_ema(network, 0.5)
    wanted = {"weight": 1.0, "running_mean": 0.0}
    for step in range(12):
        with torch.no_grad():
            network.weight.fill_(10.0 + step)
            network.running_mean.fill_(-step)
        ema.update_parameters(network)
        decay = ema_decay_at(0.5, step)
        wanted["weight"] = decay * wanted["weight"] + (1 - decay) * (10 + step)
        wanted["running_mean"] = decay * wanted["running_mean"] - (1 - decay) * step
        for name, value in wanted.items():
            assert float(ema.module.state_dict()[name]) == pytest.approx(value, rel=1e-5), (name, step)


def test_weights_of_a_checkpoint_are_averaged_on_as_if_there_had_been_no_break() -> None:
    network = nn.Linear(3, 3)
    whole = make_ema(network, 0.999)
    resumed = make_ema(network, 0.999)
    for step in range(6):
        with torch.no_grad():
            network.weight.normal_(generator=torch.Generator().manual_seed(step))
        if step == 3:
            resumed.module.load_state_dict(whole.module.state_dict())
            set_steps(resumed, 3)
        whole.update_parameters(network)
        if step >= 3:
            resumed.update_parameters(network)
    assert torch.equal(whole.module.weight, resumed.module.weight)
