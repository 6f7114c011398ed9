# SPDX-License-Identifier: Apache-2.0
"""Is one model better than another on these images? A paired bootstrap over images, or over scenes."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A difference and its 95 % interval. It excludes zero where the difference is more than luck."""

    mean: float
    low: float
    high: float
    count: int
    """Independent units that were resampled: images, or scenes."""


def paired_bootstrap(
    differences: Sequence[float] | npt.NDArray[np.float64],
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Interval:
    """Percentile interval of the mean difference, by resampling images with replacement.

    Neighbouring frames of one video are nearly one image: resampling them one by one gives intervals that
    are far too narrow. Name each image's scene in ``groups`` and whole scenes are resampled.

    Args:
        differences: one figure for each image: one model's minus the other's.
        groups: the scene of each image; None: each image is its own.
        seed: the same seed gives the same interval.

    Raises:
        ValueError: no differences, one that is not finite, or another number of groups.
    """
    values = np.asarray(differences, np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise ValueError("a bootstrap needs at least one difference, all of them finite")
    if groups is not None and len(groups) != values.size:
        raise ValueError(f"{len(groups)} groups for {values.size} differences")
    labels = range(values.size) if groups is None else groups
    index_of = {label: index for index, label in enumerate(dict.fromkeys(labels))}
    members = np.array([index_of[label] for label in labels])
    sums = np.bincount(members, values)
    counts = np.bincount(members)
    return bootstrap_interval(
        len(index_of), lambda drawn: float(sums[drawn].sum() / counts[drawn].sum()), seed=seed
    )


def bootstrap_interval(
    units: int,
    statistic: Callable[[npt.NDArray[np.int64]], float],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """95 % percentile interval of any statistic of independent units.

    Args:
        units: how many there are.
        statistic: of a sample given as indices into the units, repetitions included.

    Raises:
        ValueError: no units.
    """
    if units < 1:
        raise ValueError("a bootstrap needs at least one unit")
    from scipy.stats import bootstrap  # heavy, and no vehicle needs it

    mean = statistic(np.arange(units))
    if units == 1:
        return Interval(mean=mean, low=mean, high=mean, count=1)
    low, high = bootstrap(
        (np.arange(units),), statistic, n_resamples=resamples, batch=100, vectorized=False, method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(mean=mean, low=float(low), high=float(high), count=units)
