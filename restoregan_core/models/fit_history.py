# SPDX-License-Identifier: Apache-2.0
"""Weights of a generator for one that looks at other images: more or fewer frames of history, their median,
the path."""

import torch
from torch import Tensor

from restoregan_core.models.generator import Generator


def fit_history(state: dict[str, Tensor], generator: Generator) -> dict[str, Tensor]:
    """Weights for ``generator``: what is new starts at zero, what is left over goes.

    The first layer is told nothing of added frames, and the last one trusts each of them, and a median, a little.
    Single images come out as before, either way: their history says nothing, so weights that read it do not matter.

    Args:
        state: of a generator of the same shape, history aside; others come back as they are.
    """
    fitted = dict(state)
    for name in ("stem.0.weight", "head.weight", "head.bias"):
        own, given = generator.state_dict()[name], state.get(name)
        if given is None or given.ndim != own.ndim:
            continue
        common = tuple(slice(min(sizes)) for sizes in zip(given.shape, own.shape, strict=True))
        fitted[name] = torch.zeros_like(own)
        fitted[name][common] = given[common].to(own)
    return fitted
