# SPDX-License-Identifier: Apache-2.0
"""Promises of the assessor's calibration: it undoes an exaggeration, and says no more than the evidence does."""

import numpy as np
import pytest
import torch

from restoregan_core.training.assessor.calibration import calibrate
from restoregan_core.training.assessor.samples import Samples


def made(count: int, seed: int) -> tuple[Samples, torch.Tensor, torch.Tensor]:
    """Images whose first pixels hold the log-odds that a network that says four times too much gives them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1, 2, (count, 3, 4, 4))
    frames = log_odds.mean((2, 3)) * 2
    truth = 1 / (1 + np.exp(-log_odds)) > rng.random(log_odds.shape)
    frame_truth = 1 / (1 + np.exp(-frames)) > rng.random(frames.shape)
    samples = Samples(
        torch.zeros(count, 3, 256, 256, dtype=torch.uint8),
        torch.from_numpy(truth).float(), torch.from_numpy(frame_truth).float(),
    )  # fmt: skip
    return samples, torch.from_numpy(4 * log_odds).float(), torch.from_numpy(4 * frames).float()


def test_log_odds_that_say_too_much_are_tamed() -> None:
    samples, tiles, frames = made(400, 0)
    asked: list[Samples] = []

    def predict(given: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(given)
        if given is samples:
            return tiles, frames
        nothing_said = torch.zeros_like(tiles)  # patchwork, of which this network says nothing
        return nothing_said, torch.zeros_like(frames)

    found = calibrate(predict, samples, samples, seed=0)
    own, around, bias = found["tile"][1]  # rain: on whole images alone
    assert own == pytest.approx(0.25, rel=0.15)
    assert around == pytest.approx(0, abs=0.05)
    assert bias == pytest.approx(0, abs=0.2)
    frame_own, tiles_mean, _ = found["frame"][0]
    assert 4 * (2 * frame_own + tiles_mean) == pytest.approx(2, rel=0.25)


def test_an_event_that_never_happens_cannot_be_calibrated() -> None:
    samples, tiles, frames = made(10, 1)
    never = Samples(samples.images_NCHW, samples.tiles_NERC * 0, samples.frames_NE * 0)
    with pytest.raises(ValueError, match="calibration needs"):
        calibrate(lambda _: (tiles, frames), never, samples, seed=0)
