# SPDX-License-Identifier: Apache-2.0
"""Fits the part of the assessor that looks at the frames before; the network of single images stays as it is.

What it sees of a clip is a few numbers for each tile, so all clips fit into memory and the fit takes a minute.
The last layer is scaled on clips of held-out scenes, by Platt's method: probabilities mean what they say. So do those
that a camera's judge publishes, which are means: what errs in a frame cancels, and the mean may be surer than that.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restoregan_core.assessment.assessor import Assessor
from restoregan_core.assessment.learned import LearnedAssessor
from restoregan_core.assessment.log_odds import log_odds_of
from restoregan_core.assessment.temporal_measures import measure_change
from restoregan_core.data.assessment_clips import LabelledClip
from restoregan_core.images.tile_grid import grid_shape
from restoregan_core.metrics.calibration import Platt, temperature
from restoregan_core.models.temporal_head import TEMPORAL_EVENTS, TemporalHead
from restoregan_core.restoration.camera_judge import FRAMES_BEFORE, CameraJudge
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.training.ema import make_ema

_FRAMES_IN_A_STEP = 32
_LOWEST = 1e-4
"""What is published is held this far from 0 and 1, whose log-odds are infinite."""
EMA_DECAY = 0.98


@dataclass(frozen=True)
class Evidence:
    """One frame of a clip: what is seen, and what is true."""

    measures: npt.NDArray[np.float32]
    """(tiles, measures), see ``temporal_measures``."""
    single: npt.NDArray[np.float32]
    """(tiles, 6): log-odds of the network of single images, the tile's and the frame's."""
    tile_truth: npt.NDArray[np.float32]
    """(tiles, 2): probability of blur and of rain; NaN where nobody knows."""
    frame_truth: npt.NDArray[np.float32]
    """(2,), likewise."""
    source: str


def evidence_of(clips: Iterable[LabelledClip], assessor: LearnedAssessor) -> Iterator[Evidence]:
    """What each clip shows; those whose frames do not belong together are left out."""
    for clip in clips:
        history = FrameHistory(len(clip.frames) - 1)
        for frame_HWC in clip.frames:
            history.take("clip", frame_HWC)
        before = history.before("clip")
        if before is None:
            continue
        tiles, frame = assessor.log_odds(clip.frames[-1])
        measures = measure_change(before, *grid_shape(*clip.frames[-1].shape[:2]))
        own = tiles.reshape(len(tiles), -1).T
        events = len(TEMPORAL_EVENTS)
        yield Evidence(
            measures.reshape(len(own), -1),
            np.concatenate([own, np.broadcast_to(frame, own.shape)], axis=1),
            clip.tiles[:events].reshape(events, -1).T,
            clip.frame[:events],
            clip.source,
        )


@dataclass(frozen=True)
class _Stacked:
    """Evidence of many frames; frames with fewer tiles are filled up."""

    measures: Tensor
    single: Tensor
    is_tile: Tensor
    tile_truth: Tensor
    frame_truth: Tensor

    @classmethod
    def of(cls, frames: Sequence[Evidence]) -> "_Stacked":
        most = max(len(frame.measures) for frame in frames)

        def filled(arrays: list[npt.NDArray[np.float32]], value: float) -> Tensor:
            room = [np.pad(a, ((0, most - len(a)), (0, 0)), constant_values=value) for a in arrays]
            return torch.from_numpy(np.stack(room))

        return cls(
            filled([frame.measures for frame in frames], 0.0),
            filled([frame.single for frame in frames], 0.0),
            filled([np.ones((len(frame.measures), 1), np.float32) for frame in frames], 0.0)[..., 0] > 0,
            filled([frame.tile_truth for frame in frames], np.nan),
            torch.from_numpy(np.stack([frame.frame_truth for frame in frames])),
        )

    def judged(self, head: TemporalHead, numbers: Tensor, noise: float = 0.0) -> tuple[Tensor, Tensor]:
        measures = self.measures[numbers]
        if noise:
            measures = measures + noise * head.deviation * torch.randn_like(measures)
        tiles, frames = head(measures, self.single[numbers], self.is_tile[numbers])
        return tiles, frames


def fit_head(
    learnt: Sequence[Evidence], held_out: Sequence[Evidence], *, seed: int = 0, passes: int = 40, width: int = 32,
    learning_rate: float = 3e-3, weight_decay: float = 1e-2, noise: float = 0.1,
) -> TemporalHead:  # fmt: skip
    """Fit a head on some clips and calibrate it on others.

    Args:
        noise: standard deviation of what is added to each measure, in units of its own deviation.
    """
    torch.manual_seed(seed)
    head = TemporalHead(width)
    everything = np.concatenate([evidence.measures for evidence in learnt])
    head.mean.copy_(torch.from_numpy(everything.mean(0)))
    head.deviation.copy_(torch.from_numpy(everything.std(0) + 1e-3))
    frames = _Stacked.of(learnt)
    optimiser = torch.optim.AdamW(head.parameters(), learning_rate, weight_decay=weight_decay)
    steps = passes * -(-len(learnt) // _FRAMES_IN_A_STEP)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    ema = make_ema(head, EMA_DECAY)
    for _ in range(passes):
        for numbers in torch.randperm(len(learnt)).split(_FRAMES_IN_A_STEP):
            tiles, whole = frames.judged(head, numbers, noise)
            loss = _cross_entropy(tiles, frames.tile_truth[numbers])
            loss = loss + _cross_entropy(whole, frames.frame_truth[numbers])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            ema.update_parameters(head)
    return calibrated(cast(TemporalHead, ema.module), held_out)


def _cross_entropy(log_odds: Tensor, truth: Tensor) -> Tensor:
    known = ~torch.isnan(truth)
    return F.binary_cross_entropy_with_logits(log_odds[known], truth[known])


@torch.no_grad()
def calibrated(head: TemporalHead, held_out: Sequence[Evidence]) -> TemporalHead:
    """The same head with its last layers scaled so that its probabilities hold on these clips."""
    head = copy.deepcopy(head).eval()
    frames = _Stacked.of(held_out)
    judged = frames.judged(head, torch.arange(len(held_out)))
    for layers, log_odds, truth in zip(
        (head.tile, head.frame), judged, (frames.tile_truth, frames.frame_truth), strict=True
    ):
        last = layers[-1]
        assert isinstance(last, nn.Linear)
        for event in range(len(TEMPORAL_EVENTS)):
            known = ~torch.isnan(truth[..., event])
            happened = (truth[..., event][known] > 0.5).numpy().astype(np.float64)
            fit = Platt.fit(log_odds[..., event][known].numpy(), happened)
            last.weight[event] *= fit.weights[0]
            last.bias[event] = last.bias[event] * fit.weights[0] + fit.bias
    return head


def published_temperatures(clips: Iterable[LabelledClip], assessor: Assessor) -> list[float]:
    """What the log-odds of blur and rain are to be divided by so that what a ``CameraJudge`` publishes holds.

    Args:
        clips: of scenes that were not learnt from; the last frame of each is judged.
        assessor: with temperatures of 1.
    """
    published, truth = [], []
    for clip in clips:
        history = FrameHistory(FRAMES_BEFORE)
        judge = CameraJudge(assessor, history)
        for frame_HWC in clip.frames:
            history.take("clip", frame_HWC)
            found = judge.judge("clip", frame_HWC)
        if history.before("clip") is not None:
            published.append((found.blur_probability, found.rain_probability))
            truth.append(clip.frame[: len(TEMPORAL_EVENTS)])
    temperatures = []
    for said, happened in zip(
        log_odds_of(np.array(published, np.float32), _LOWEST).T, np.array(truth).T, strict=True
    ):
        known = ~np.isnan(happened)
        temperatures.append(temperature(said[known], happened[known] > 0.5))
    return temperatures
