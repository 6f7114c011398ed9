# SPDX-License-Identifier: Apache-2.0
"""The judgement of blur and rain that looks at the frames before, on top of that of the single image."""

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.assessment.log_odds import log_odds_of, probability_of
from restoregan_core.assessment.temporal_measures import measure_change
from restoregan_core.models.assessor_config import SINGLE_LIMIT, SINGLE_SCALE, TEMPORAL_EVENTS
from restoregan_core.models.lazy_network import Weights

Vector = npt.NDArray[np.float32]

SHARES = {"blur": 1 / 3, "rain": 0.8}
"""Weight of the frames before in the log-odds of an event; the rest is the single image's. Rain shows in what changes,
blur in the image itself: each has most to say where it sees most (docs/benchmarks/assessor_video.md)."""
_LOWEST = 1e-4
"""The single image's probabilities are held this far from 0 and 1, whose log-odds are infinite."""


class TemporalJudge:
    """A ``TemporalHead`` on numpy and OpenCV: on matrices this small, torch costs more than it computes.

    Args:
        weights: of the head, by name.
        temperatures: what the log-odds of blur and of rain are divided by at last.
    """

    def __init__(self, weights: Weights, temperatures: tuple[float, float] = (1.0, 1.0)) -> None:
        self._temperatures = np.array(temperatures, np.float32)
        self._mean, self._deviation = (np.array(weights[name], np.float32) for name in ("mean", "deviation"))
        self._tile, self._frame = _layers(weights, "tile"), _layers(weights, "frame")

    def judge(
        self, before: FramesBefore, single: tuple[Vector, Vector], log_odds: tuple[Vector, Vector]
    ) -> tuple[Vector, Vector]:
        """Probabilities of blur and of rain: (2, rows, columns) of tiles and (2,) of the frame.

        Args:
            single: what is said of the single image, probabilities of tiles (3, rows, columns) and of the frame (3,).
            log_odds: the same from before calibration.
        """
        shares = np.array([SHARES[event] for event in TEMPORAL_EVENTS], np.float32)
        own, others = shares / self._temperatures, (1 - shares) / self._temperatures
        tiles, frame = (
            probability_of((part.T * own + log_odds_of(alone[: len(shares)], _LOWEST).T * others).T)
            for part, alone in zip(self.log_odds(before, *log_odds), single, strict=True)
        )
        return tiles, frame

    def log_odds(self, before: FramesBefore, tiles: Vector, frame: Vector) -> tuple[Vector, Vector]:
        """The head's own log-odds, of tiles (2, rows, columns) and of the frame (2,)."""
        events, rows, columns = tiles.shape
        seen = (measure_change(before, rows, columns) - self._mean) / self._deviation
        seen = seen.reshape(rows * columns, -1)
        average = np.broadcast_to(seen.mean(0), seen.shape)
        known = np.concatenate(
            [tiles.reshape(events, -1).T, np.broadcast_to(frame, (rows * columns, events))], axis=1
        )
        known = np.clip(known, -SINGLE_LIMIT, SINGLE_LIMIT) / np.float32(SINGLE_SCALE)
        tile_log_odds = _through(self._tile, np.concatenate([seen, average, known], axis=1))
        whole = np.concatenate([average[0], seen.max(0), known.mean(0)])[None]
        return (
            tile_log_odds.T.reshape(len(TEMPORAL_EVENTS), rows, columns),
            _through(self._frame, whole)[0],
        )


def _layers(weights: Weights, perceptron: str) -> list[tuple[Vector, Vector]]:
    return [
        (
            np.ascontiguousarray(weights[f"{perceptron}.{layer}.weight"].T, np.float32),
            np.array(weights[f"{perceptron}.{layer}.bias"], np.float32),
        )
        for layer in (0, 2)  # an activation lies between them
    ]


def _through(layers: list[tuple[Vector, Vector]], inputs: Vector) -> Vector:
    outputs = np.ascontiguousarray(inputs, np.float32)
    for number, (weight, bias) in enumerate(layers):
        # OpenCV's product: OpenBLAS would leave threads behind that spin long after.
        outputs = cv2.gemm(np.maximum(outputs, 0) if number else outputs, weight, 1.0, None, 0.0) + bias  # type: ignore[call-overload]
    return outputs
