# SPDX-License-Identifier: Apache-2.0
"""Restore videos frame by frame, each with the frames before, and measure what single images do not show.

docs/evaluation.md defines the figures: streak energy and its excess, steadiness, ghosts.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restoregan_core.evaluation.clips import Clip, Frame, VideoSet
from restoregan_core.evaluation.measure import Restore, Restored, SetScores, score_beside
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.protocols import Scorer
from restoregan_core.metrics.video import Streaks, frame_change, moving_mask, neighbours, streaks
from restoregan_core.restoration.video_restorer import RestoresWithHistory, VideoRestorer


@dataclass(frozen=True)
class Consecutive:
    """What consecutive frames show, the mean over a set's triples, in grey levels of 255."""

    streaks: Streaks
    frame_change: float


@dataclass(frozen=True)
class Ghosts:
    """Mean absolute error, in levels of 255, at pixels of things that move against the background."""

    with_history: float
    without_history: float

    @property
    def ratio(self) -> float | None:
        """Above 1: the frames before do harm there. None where there is no error without them."""
        return self.with_history / self.without_history if self.without_history else None


@dataclass(frozen=True)
class VideoScores:
    """One set."""

    name: str
    count: int
    """Number of its frames."""
    scores: SetScores | None
    """Frame by frame against the ground truth; None without one, as the next two."""
    target: Consecutive | None
    """What consecutive frames of the ground truth show."""
    moving_share: float | None
    """Share of the ground truth's pixels that move against the background."""
    input: Consecutive
    outputs: tuple[Consecutive, ...]
    ghosts: tuple[Ghosts | None, ...]
    """One entry for each restorer; no ghosts where nothing moves on its own."""


def measure_video(
    video_set: VideoSet,
    restorers: Sequence[Restore],
    extra: Sequence[Scorer] = (),
    on_measured: Callable[[], None] = lambda: None,
) -> VideoScores:
    """Restore and score every frame of a set's clips; history starts over with each clip.

    The restorers run in the calling thread, one frame at a time; scoring runs beside them.

    Args:
        restorers: those that ``RestoresWithHistory`` get it.
        extra: see `protocols.score`.
        on_measured: called after each frame, for a progress bar.

    Raises:
        ValueError: a file cannot be read, or sizes differ; the message names the file.
    """
    totals = _Totals(len(restorers))
    count = 0

    def with_targets() -> Iterator[Restored]:
        nonlocal count
        for clip in video_set.clips:
            for frame, outputs in _restored(clip, [_Camera(restore) for restore in restorers], totals):
                count += 1
                on_measured()
                if frame.target is not None:
                    yield frame.file, frame.image, outputs, frame.target

    scored = list(score_beside(with_targets(), extra))
    return totals.scores(video_set.name, count, SetScores(video_set.name, tuple(scored)) if scored else None)


class _Camera:
    """One restorer on one clip."""

    def __init__(self, restore: Restore) -> None:
        self.restore = restore
        self.looks_back = isinstance(restore, RestoresWithHistory) and restore.history > 0
        self.next = VideoRestorer(restore) if isinstance(restore, RestoresWithHistory) else restore
        """Gives the clip's next frame, restored."""


@dataclass(frozen=True)
class _Seen:
    frame: Frame
    outputs: list[RgbImage]


def _restored(
    clip: Clip, cameras: Sequence[_Camera], totals: "_Totals"
) -> Iterator[tuple[Frame, list[RgbImage]]]:
    """Each frame with its outputs; adds every triple to the totals on the way."""
    window: deque[_Seen] = deque(maxlen=3)
    for frame in clip.frames():
        outputs = [camera.next(frame.image) for camera in cameras]
        for output in outputs:
            if output.shape != frame.image.shape:
                raise ValueError(
                    f"{frame.file}: image {output.shape} and reference {frame.image.shape} differ in size"
                )
        window.append(_Seen(frame, outputs))
        if len(window) == 3:
            totals.add(list(window), cameras)
        yield frame, outputs


class _Totals:
    """Sums over triples and over moving pixels."""

    def __init__(self, restorers: int) -> None:
        self._triples = 0
        # Rows: input, target, then every output. Columns: streak energy, its excess, change.
        self._sums = np.zeros((2 + restorers, 3))
        self._errors = np.zeros((restorers, 2))
        self._moving_values = self._all_values = 0

    def add(self, window: Sequence[_Seen], cameras: Sequence[_Camera]) -> None:
        inputs = [seen.frame.image for seen in window]
        targets = [seen.frame.target for seen in window if seen.frame.target is not None]
        places = neighbours(targets or inputs)
        clips = [inputs, targets or inputs]
        clips += [[seen.outputs[index] for seen in window] for index in range(len(cameras))]
        for row, clip in zip(self._sums, clips, strict=True):
            found = streaks(clip, places)
            row += found.energy, found.excess, frame_change(clip, places)
        self._triples += 1
        if targets:
            self._add_ghosts(window[1], targets[1], moving_mask(places), cameras)

    def _add_ghosts(
        self, seen: _Seen, target: RgbImage, moving: npt.NDArray[np.bool_], cameras: Sequence[_Camera]
    ) -> None:
        self._all_values += target.size
        self._moving_values += int(moving.sum()) * target.shape[2]
        if not moving.any():
            return
        for index, camera in enumerate(cameras):
            with_history = seen.outputs[index]
            alone = camera.restore(seen.frame.image) if camera.looks_back else with_history
            for column, output in enumerate((with_history, alone)):
                error = np.abs(output[moving].astype(np.int16) - target[moving])
                self._errors[index, column] += float(error.sum())

    def scores(self, name: str, count: int, scores: SetScores | None) -> VideoScores:
        means = [
            Consecutive(Streaks(energy, excess), change)
            for energy, excess, change in (self._sums / self._triples).tolist()
        ]
        errors = self._errors / max(self._moving_values, 1)
        return VideoScores(
            name=name,
            count=count,
            scores=scores,
            target=means[1] if scores else None,
            moving_share=self._moving_values / self._all_values if scores else None,
            input=means[0],
            outputs=tuple(means[2:]),
            ghosts=tuple(Ghosts(*map(float, row)) if self._moving_values else None for row in errors),
        )
