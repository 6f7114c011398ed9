# SPDX-License-Identifier: Apache-2.0
"""Probabilities as log-odds, in which evidence adds up, and back. On arrays; ``scipy.special`` takes longer to load."""

from typing import Any

import numpy as np
import numpy.typing as npt


def log_odds_of(probabilities: npt.NDArray[np.float32], lowest: float) -> npt.NDArray[np.float32]:
    """float32; probabilities are held ``lowest`` away from 0 and 1, whose log-odds are infinite."""
    held = np.clip(probabilities, lowest, 1 - lowest)
    return np.asarray(np.log(held / (1 - held)), np.float32)


def probability_of(log_odds: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """float32 in [0, 1]."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
