# SPDX-License-Identifier: Apache-2.0
"""From scores to probabilities that mean what they say, and how far they do.

Calibration follows Platt (1999): a logistic curve per event, fitted on images that were not learnt from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.floating]

ECE_BINS = 15


@dataclass(frozen=True)
class Platt:
    """probability = logistic(weights . log_odds + bias), of one or several log-odds about the same event."""

    weights: tuple[float, ...] = (1.0,)
    bias: float = 0.0

    @classmethod
    def fit(cls, log_odds: Vector, truth: Vector) -> "Platt":
        """What makes ``truth`` most likely.

        Args:
            log_odds: (N,) or (N, K).
            truth: (N,) probabilities in [0, 1].

        Raises:
            ValueError: the truth is all 0 or all 1: there is nothing to tell apart.
        """
        from scipy.optimize import minimize

        if truth.min() > 0.5 or truth.max() < 0.5:
            raise ValueError("calibration needs images with the event and images without it")
        x_NK = np.asarray(log_odds, np.float64).reshape(len(truth), -1)

        def loss(parameters: Vector) -> tuple[float, Vector]:
            z = x_NK @ parameters[:-1] + parameters[-1]
            error = 1 / (1 + np.exp(-np.clip(z, -30, 30))) - truth
            slope = np.append(x_NK.T @ error, error.sum()) / len(truth)
            return float(np.mean(np.logaddexp(0, z) - truth * z)), slope

        start = np.append(np.full(x_NK.shape[1], 1 / x_NK.shape[1]), 0.0)
        # No evidence for an event may count against it.
        bounds = [(0.0, None)] * x_NK.shape[1] + [(None, None)]
        *weights, bias = minimize(loss, start, jac=True, bounds=bounds).x
        return cls(tuple(float(weight) for weight in weights), float(bias))

    def __call__(self, log_odds: Vector) -> Vector:
        """Probabilities, (N,), of log-odds as ``fit`` takes them."""
        z = np.reshape(log_odds, (-1, len(self.weights))) @ np.asarray(self.weights) + self.bias
        return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def temperature(log_odds: Vector, truth: npt.NDArray[np.bool_]) -> float:
    """What log-odds are to be divided by so that ``truth`` is most likely (Guo et al. 2017): above 1 where they are
    too sure, below where they are not sure enough.

    Args:
        log_odds: (N,).
        truth: (N,).
    """
    from scipy.optimize import minimize_scalar

    def loss(sharpness: float) -> float:
        z = sharpness * np.asarray(log_odds, np.float64)
        return float(np.mean(np.logaddexp(0, z) - truth * z))

    return 1 / float(minimize_scalar(loss, bounds=(0.05, 20), method="bounded").x)


def auroc(scores: Vector, truth: npt.NDArray[np.bool_]) -> float:
    """Share of (event, no event) pairs in which the event has the higher score; ties count half.

    NaN where one of the two is missing.
    """
    from scipy.stats import mannwhitneyu

    events, others = scores[truth], scores[~truth]
    if len(events) == 0 or len(others) == 0:
        return float("nan")
    return float(mannwhitneyu(events, others).statistic / (len(events) * len(others)))


def brier(probabilities: Vector, truth: npt.NDArray[np.bool_], weights: Vector | None = None) -> float:
    """Mean squared distance of the probability from 0 or 1 (Brier 1950)."""
    return float(np.average((probabilities - truth) ** 2, weights=weights))


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose probability fell into one of ``ECE_BINS`` equal bins."""

    probability: float
    """Mean of their probabilities."""
    frequency: float
    """Share of them that had the event."""
    share: float
    """Share of all images that fell into this bin."""


def reliability(
    probabilities: Vector, truth: npt.NDArray[np.bool_], weights: Vector | None = None
) -> list[ReliabilityBin]:
    """The reliability diagram's points; empty bins are left out."""
    weights = np.ones(len(probabilities)) if weights is None else weights
    numbers = np.minimum((probabilities * ECE_BINS).astype(int), ECE_BINS - 1)
    bins = []
    for number in np.unique(numbers):
        here = numbers == number
        part = weights[here]
        if part.sum() > 0:
            bins.append(
                ReliabilityBin(
                    float(np.average(probabilities[here], weights=part)),
                    float(np.average(truth[here], weights=part)),
                    float(part.sum() / weights.sum()),
                )
            )
    return bins


def expected_calibration_error(
    probabilities: Vector, truth: npt.NDArray[np.bool_], weights: Vector | None = None
) -> float:
    """Mean distance of frequency from probability over the bins (Guo et al. 2017), ``ECE_BINS`` bins."""
    return sum(b.share * abs(b.frequency - b.probability) for b in reliability(probabilities, truth, weights))


def prevalence_weights(truth: npt.NDArray[np.bool_], prevalence: float) -> Vector:
    """Weights under which the event has this prevalence."""
    share = truth.mean()
    return np.where(truth, prevalence / max(share, 1e-9), (1 - prevalence) / max(1 - share, 1e-9))
