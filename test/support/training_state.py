# SPDX-License-Identifier: Apache-2.0
"""The state of two training runs, or of one at two times, compared."""

from typing import Any

import torch
from torch import Tensor


def flat(state: Any, prefix: str = "") -> dict[str, Any]:
    """Every leaf of nested dictionaries and lists, by its path; later steps do not change them."""
    if isinstance(state, dict):
        return {k: v for key, value in state.items() for k, v in flat(value, f"{prefix}/{key}").items()}
    if isinstance(state, list):
        return {k: v for i, value in enumerate(state) for k, v in flat(value, f"{prefix}/{i}").items()}
    return {prefix: state.clone() if isinstance(state, Tensor) else state}


def assert_same_state(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = flat(one), flat(other)
    assert first.keys() == second.keys()
    for key, value in first.items():
        if isinstance(value, Tensor):
            assert torch.equal(value, second[key]), key
        elif key != "/elapsed_s":
            assert value == second[key], key
