# SPDX-License-Identifier: Apache-2.0
import numpy as np

from restoregan_core.data.assessment import AssessmentDataConfig
from restoregan_core.training.assessor.severity_grid import severity_grid


def scene(seed: int) -> np.ndarray:
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), np.uint8)
    return cv2.resize(coarse, (144, 130), interpolation=cv2.INTER_CUBIC)


def test_every_scene_meets_every_cell_and_the_same_grid_comes_out_again() -> None:
    scenes = [scene(0), scene(1)]
    grid, again = (list(severity_grid(scenes, AssessmentDataConfig())) for _ in range(2))
    assert len(grid) == 36
    assert [s.cell for s in grid[:18]] == [s.cell for s in grid[18:]]
    for one, other in zip(grid, again, strict=True):
        np.testing.assert_array_equal(one.rgb_HWC, other.rgb_HWC)
        assert one.rgb_HWC.shape == (128, 128, 3)


def test_labels_follow_the_severity() -> None:
    grid = list(severity_grid([scene(s) for s in range(3)], AssessmentDataConfig()))

    def share(cell: str, event: str) -> float:
        return float(np.mean([s.has(event) for s in grid if s.cell == cell]))

    assert share("clean", "blur") == share("clean", "rain") == 0
    assert share("blur 1 px", "blur") == 0
    assert share("blur 16 px", "blur") == 1
    assert share("rain 0.8", "rain") == 1
    assert not any(s.has("rain") for s in grid if s.cell.startswith("blur"))
