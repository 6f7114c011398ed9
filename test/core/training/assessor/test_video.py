# SPDX-License-Identifier: Apache-2.0
"""The part of the assessor that looks at the frames before is fitted on clips, and calibrated on others."""

import numpy as np
import pytest
import torch

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.data.assessment_clips import LabelledClip
from restoregan_core.metrics.calibration import expected_calibration_error
from restoregan_core.models.temporal_head import MEASURES
from restoregan_core.training.assessor.video import Evidence, fit_head, published_temperatures


def frames(count, seed, tell=1.5):
    """Frames of which a rainy one, every other, has its first measure raised by ``tell`` in every tile."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        tiles, is_rainy = int(rng.integers(4, 12)), float(number % 2)
        measures = rng.normal(0, 1, (tiles, MEASURES)).astype(np.float32)
        measures[:, 0] += tell * is_rainy
        truth = np.full((tiles, 2), (rng.random(), is_rainy), np.float32)
        truth[0] = np.nan
        single = rng.normal(0, 1, (tiles, 6)).astype(np.float32)
        made.append(Evidence(measures, single, truth, truth[1], "made"))
    return made


def judged(head, made):
    with torch.no_grad():
        found = [
            head(
                torch.from_numpy(e.measures)[None],
                torch.from_numpy(e.single)[None],
                torch.ones(1, len(e.measures), dtype=torch.bool),
            )[1][0, 1]
            for e in made
        ]
    return torch.sigmoid(torch.stack(found)).numpy()


def test_what_tells_rain_is_learnt_and_probabilities_hold_on_other_frames():
    head = fit_head(frames(200, 0), frames(200, 1), passes=40)
    others = frames(300, 2)
    p, rainy = judged(head, others), np.arange(300) % 2 == 1
    assert ((p > 0.5) == rainy).mean() > 0.8
    assert expected_calibration_error(p, rainy) < 0.12


def test_the_same_seed_gives_the_same_head():
    one, other = (fit_head(frames(20, 0), frames(20, 1), passes=2, seed=3) for _ in range(2))
    for key, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])


def test_events_that_never_happen_cannot_be_calibrated():
    dry = [e for e in frames(40, 0) if e.frame_truth[1] == 0]
    with pytest.raises(ValueError, match="calibration needs"):
        fit_head(frames(40, 0), dry, passes=1)


class JudgesByBrightness:
    """Half as sure of blur as it may be, and twice as sure of rain."""

    name = "judges by brightness"

    def assess(self, rgb_HWC):
        log_odds = brightness_as_log_odds(rgb_HWC)
        blur, rain = (1 / (1 + np.exp(-scale * log_odds)) for scale in (0.5, 2))
        return Assessment(
            blur, rain, blur_grid=np.zeros((2, 2), np.float32), rain_grid=np.zeros((2, 2), np.float32)
        )

    def assess_video(self, rgb_HWC, before):
        return self.assess(rgb_HWC)


def brightness_as_log_odds(rgb_HWC):
    return (float(rgb_HWC.mean()) - 127.5) / 50


def test_what_is_published_is_tempered_until_it_holds_on_other_clips():
    clips = []
    for level in range(30, 226, 5):
        frames = [np.full((128, 128, 3), level, np.uint8)] * 3
        p = 1 / (1 + np.exp(-brightness_as_log_odds(frames[0])))
        for number in range(20):
            truth = np.full(3, number < 20 * p, np.float32)
            clips.append(LabelledClip(frames, np.zeros((3, 2, 2), np.float32), truth, "made"))
    unknown = LabelledClip(clips[0].frames, clips[0].tiles, np.full(3, np.nan, np.float32), "made")
    found = published_temperatures([*clips, unknown], JudgesByBrightness())
    np.testing.assert_allclose(found, [0.5, 2], rtol=0.15)
