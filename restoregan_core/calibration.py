"""From scores to probabilities that mean what they say, and how far they do.

Calibration follows Platt (1999): two numbers per event, fitted on pictures that were not learnt from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.floating]

ECE_BINS = 15


@dataclass(frozen=True)
class Platt:
    """probability = logistic(scale * log_odds + bias)."""

    scale: float = 1.0
    bias: float = 0.0

    @classmethod
    def fit(cls, log_odds: Vector, truth: Vector) -> "Platt":
        """The pair under which ``truth`` (probabilities in [0, 1]) is most likely.

        Raises:
            ValueError: the truth is all 0 or all 1: there is nothing to tell apart.
        """
        from scipy.optimize import minimize

        if truth.min() > 0.5 or truth.max() < 0.5:
            raise ValueError("calibration needs pictures with the event and pictures without it")

        def loss(parameters: Vector) -> float:
            z = parameters[0] * log_odds + parameters[1]
            return float(np.mean(np.logaddexp(0, z) - truth * z) + 1e-4 * (parameters[0] - 1) ** 2)

        scale, bias = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
        return cls(max(float(scale), 1e-3), float(bias))

    def __call__(self, log_odds: Vector) -> Vector:
        return 1 / (1 + np.exp(-np.clip(self.scale * log_odds + self.bias, -30, 30)))


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
    """Pictures whose probability fell into one of ``ECE_BINS`` equal bins."""

    probability: float
    """Their mean."""
    frequency: float
    """How many of them had the event."""
    share: float
    """Of all pictures."""


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
