# SPDX-License-Identifier: Apache-2.0
"""Checks and draws that the degradations share."""

from collections.abc import Sequence

import numpy as np

Range = tuple[float, float]
"""Lowest and highest value of a uniform draw, both included."""


def check_range(name: str, value: Sequence[float], low: float, high: float) -> Range:
    """``value`` as a tuple if ``low <= value[0] <= value[1] <= high``.

    Raises:
        ValueError: it is not; the message names ``name`` and the bounds.
    """
    pair = tuple(float(v) for v in value)
    if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
        raise ValueError(f"{name}={list(value)} must be two rising numbers from {low:g} to {high:g}")
    return pair


def check_share(name: str, value: float) -> None:
    """Raises ValueError, naming ``name``, unless ``value`` lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value} must lie in [0, 1]")


def draw(rng: np.random.Generator, bounds: Range) -> float:
    """A uniform draw from ``bounds``."""
    return float(rng.uniform(*bounds))


def draw_log(rng: np.random.Generator, bounds: Range) -> float:
    """A draw from ``bounds``, both over 0, whose logarithm is uniform: small values as often as large."""
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def draw_choice(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """A key of ``weights``, as often as its weight asks."""
    values = np.array(list(weights.values()), dtype=np.float64)
    return list(weights)[int(rng.choice(len(values), p=values / values.sum()))]
