# SPDX-License-Identifier: Apache-2.0
"""Stored weights into a network, if they are its own."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from restoregan_core.models.lazy_network import Weights, check_fit

_Network = TypeVar("_Network", bound=nn.Module)


def filled(make: Callable[[], _Network], weights: Weights, path: Path) -> _Network:
    """The network with these weights, in eval mode.

    Args:
        make: the network with any weights. It is never made with memory of its own if the weights do not fit: it may be
            of any size.
        path: of the weights' file, for the error.

    Raises:
        ValueError: the weights do not fit.
    """
    with torch.device("meta"):  # shapes without memory
        expected = {key: tuple(value.shape) for key, value in make().state_dict().items()}
    check_fit(weights, expected, path)
    network = make()
    network.load_state_dict(
        {key: torch.tensor(np.asarray(value, np.float32)) for key, value in weights.items()}
    )
    return network.eval()
