# SPDX-License-Identifier: Apache-2.0
"""Every metric at once, and how a set's figure comes from its images'."""

import numpy as np
import pytest

from restoregan_core.metrics import psnr_ssim
from restoregan_core.metrics.protocols import TITLES, mean_scores, score


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)


def test_every_protocol_is_measured_and_has_a_title():
    scores = score(image(0), image(1))
    assert list(scores) == ["psnr_rgb", "psnr_y", "ssim_2d", "ssim_3d", "ssim_y"]
    assert scores["psnr_y"] == psnr_ssim.psnr_y(image(0), image(1))
    assert scores["ssim_3d"] == psnr_ssim.ssim_3d(image(0), image(1))
    assert set(scores) <= set(TITLES)


def test_identical_images_score_finite_figures_that_json_can_hold():
    scores = score(image(0), image(0))
    assert scores["psnr_rgb"] == scores["psnr_y"] == psnr_ssim.PSNR_CAP_DB
    assert scores["ssim_2d"] == pytest.approx(1)


def test_further_metrics_stand_beside_the_others():
    scores = score(image(0), image(1), [lambda a, b: {"mean_gap": float(a.mean() - b.mean())}])
    assert scores["mean_gap"] == pytest.approx(image(0).mean() - image(1).mean())
    assert "psnr_rgb" in scores


def test_a_set_is_the_mean_of_its_images():
    assert mean_scores([{"psnr_rgb": 20.0}, {"psnr_rgb": 30.0}]) == {"psnr_rgb": 25.0}
    with pytest.raises(ValueError, match="no images"):
        mean_scores([])
