# SPDX-License-Identifier: Apache-2.0
"""The assessor's log-odds become probabilities that mean what they say, on images that were not learnt from.

Blur and rain: on the severity grid over held-out scenes. Drops, which the grid has none of: on held-out samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restoregan_core.data.assessment import SIDE_PX, AssessmentDataConfig
from restoregan_core.data.config import Folder
from restoregan_core.images.folders import read_rgb
from restoregan_core.metrics.calibration import Platt
from restoregan_core.models.assessor_config import EVENTS
from restoregan_core.training.assessor.samples import Samples, patchwork
from restoregan_core.training.assessor.severity_grid import centre_of, severity_grid

SCENES_PER_FOLDER = 40

Predict = Callable[[Samples], tuple[Tensor, Tensor]]
"""Log-odds of tiles (N, 3, rows, columns) and of frames (N, 3)."""


def grid_samples(config: AssessmentDataConfig, folders: Sequence[Folder], seed: int) -> Samples:
    """The severity grid over images of the folders: their centres, at their own resolution."""
    scenes = []
    for folder in folders:
        paths = folder.images()
        chosen = paths[:: max(1, len(paths) // SCENES_PER_FOLDER)][:SCENES_PER_FOLDER]
        scenes += [centre_of(read_rgb(path), SIDE_PX, SIDE_PX) for path in chosen]
    return Samples.of([cell.sample for cell in severity_grid(scenes, config, seed)])


def calibrate(predict: Predict, grid: Samples, held_out: Samples, seed: int) -> dict[str, list[list[float]]]:
    """What ``save_assessor`` keeps: per event the weights of two kinds of evidence, and a bias.

    Args:
        predict: asks the network.
        grid: what blur and rain are fitted on.
        held_out: what drops are fitted on.

    Raises:
        ValueError: an event never, or always, happens.
    """
    on_grid, on_held_out = (_ScoredSamples.of(predict, samples, seed) for samples in (grid, held_out))
    fits: dict[str, list[list[float]]] = {"tile": [], "frame": []}
    for number, event in enumerate(EVENTS):
        judged = on_held_out if event == "drops" else on_grid
        for name, fit in (("tile", judged.fit_tile(number)), ("frame", judged.fit_frame(number))):
            fits[name].append([*fit.weights, fit.bias])
    return fits


@dataclass(frozen=True)
class _ScoredSamples:
    """Samples and patchwork of them, with the network's log-odds of both."""

    whole: tuple[Tensor, Tensor, Samples]
    mixed: tuple[Tensor, Tensor, Samples]

    @classmethod
    def of(cls, predict: Predict, samples: Samples, seed: int) -> "_ScoredSamples":
        mixed = patchwork(samples, np.random.default_rng([seed]))
        return cls((*predict(samples), samples), (*predict(mixed), mixed))

    def fit_tile(self, number: int) -> Platt:
        """By the tile's own log-odds and the frame's; rain, which falls everywhere, on whole images alone."""
        evidence, truth = [], []
        for tiles, frames, samples in (self.whole,) if EVENTS[number] == "rain" else (self.whole, self.mixed):
            own = tiles[:, number]
            evidence.append(torch.stack([own, frames[:, number, None, None].expand_as(own)], -1))
            truth.append(samples.tiles_NERC[:, number])
        return _fit(torch.cat(evidence), torch.cat(truth))

    def fit_frame(self, number: int) -> Platt:
        """By the frame's own log-odds and the mean of its tiles'."""
        tiles, frames, samples = self.whole
        evidence = torch.stack([frames[:, number], tiles[:, number].mean((1, 2))], -1)
        return _fit(evidence, samples.frames_NE[:, number])


def _fit(evidence: Tensor, truth: Tensor) -> Platt:
    """Fit the events: one happens where its truth exceeds 0.5, and is left out where that is NaN."""
    known = ~torch.isnan(truth)
    return Platt.fit(evidence[known].numpy(), (truth[known] > 0.5).numpy().astype(np.float64))
