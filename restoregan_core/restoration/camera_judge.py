# SPDX-License-Identifier: Apache-2.0
"""An assessor watches cameras: each frame is judged with those before it, and judgements change smoothly.

What a camera shows is degraded for longer than a frame. So the log-odds that are published, of the frame and of each
tile, are the exponential mean of the frames' own: one frame's error does not open or close the gate. That of blur falls
slower than it rises: a camera that shakes is at rest where it turns back, for a frame, but a steady one does not blur.
"""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment, Assessor, VideoAssessor
from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.assessment.log_odds import log_odds_of, probability_of
from restoregan_core.images.rgb import RgbImage
from restoregan_core.restoration.history import FrameHistory

FRAMES_BEFORE = 2
"""How many a history must keep for an assessor."""

RISING_SHARE = 0.4
"""Share of the newest frame's log-odds in the mean where they are above it."""
FALLING_SHARES = {"blur": 0.25, "rain": 0.4}
"""The same where they are below."""
_FALLING = np.array(list(FALLING_SHARES.values()), np.float32)[:, None, None]
_MOST = 5.0
"""A frame's own log-odds count as at most that: no frame says more than 99.3 %."""


class CameraJudge:
    """Judges the frames of a history.

    Args:
        assessor: one that is not a ``VideoAssessor`` judges each frame alone, and its judgement is not averaged.
        history: must hold a frame before it is judged; keeps at least ``FRAMES_BEFORE``.
    """

    def __init__(self, assessor: Assessor, history: FrameHistory) -> None:
        self.assessor = assessor
        self._video_assessor = assessor if isinstance(assessor, VideoAssessor) else None
        self._history = history
        self._one_at_a_time = threading.Lock()
        """An assessor is asked from one thread at a time."""
        self._log_odds: dict[str, npt.NDArray[np.float32]] = {}
        """Of each camera, the mean for blur and rain, (2, 1 + rows, columns): the frame's in the first row."""

    def judge(self, camera: str, rgb_HWC: RgbImage) -> Assessment:
        """Judge the newest frame that the history holds of a camera."""
        with self._one_at_a_time:
            return self._judge(camera, rgb_HWC)

    def _judge(self, camera: str, rgb_HWC: RgbImage) -> Assessment:
        if self._video_assessor is None:
            return self.assessor.assess(rgb_HWC)
        before = self._history.before(camera)
        if before is None:
            # A first frame, or a new scene: the judgement of one image alone has no part in the mean.
            self._log_odds.pop(camera, None)
            return self.assessor.assess(rgb_HWC)
        found = self._video_assessor.assess_video(rgb_HWC, before)
        own = _own_log_odds(found)
        mean = self._log_odds.get(camera, own)
        change = own - mean
        mean = np.asarray(mean + np.where(change > 0, RISING_SHARE, _FALLING) * change, np.float32)
        self._log_odds[camera] = mean
        p = probability_of(mean)
        return replace(
            found,
            blur_probability=float(p[0, 0, 0]),
            rain_probability=float(p[1, 0, 0]),
            blur_grid=p[0, 1:],
            rain_grid=p[1, 1:],
        )

    def frames_before(self, camera: str) -> FramesBefore | None:
        """What ``judge_published`` needs of the newest frame's history; None if the assessor looks at single images."""
        return None if self._video_assessor is None else self._history.before(camera)

    def judge_published(self, before: FramesBefore | None, image_HWC: RgbImage) -> Assessment:
        """Judge what was made of a frame, on its own: it has no part in the mean. May be called while ``judge`` runs.

        Args:
            before: of the frame, from ``frames_before``.
        """
        with self._one_at_a_time:
            if self._video_assessor is None or before is None:
                return self.assessor.assess(image_HWC)
            return self._video_assessor.assess_video(image_HWC, before.of(image_HWC))

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's mean, or all."""
        if camera is None:
            self._log_odds.clear()
        else:
            self._log_odds.pop(camera, None)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Per camera, the mean log-odds, for ``load_state``; later frames do not change them."""
        return dict(self._log_odds)

    def load_state(self, log_odds: dict[str, npt.NDArray[Any]]) -> None:
        """Go on where another judge's ``state`` was taken."""
        self._log_odds = dict(log_odds)


def _own_log_odds(found: Assessment) -> npt.NDArray[np.float32]:
    rows = [
        np.vstack([np.full((1, grid.shape[1]), frame, np.float32), grid])
        for frame, grid in (
            (found.blur_probability, found.blur_grid),
            (found.rain_probability, found.rain_grid),
        )
    ]
    return log_odds_of(np.nan_to_num(np.stack(rows), nan=0.0), 1 / (1 + np.exp(np.float32(_MOST))))
