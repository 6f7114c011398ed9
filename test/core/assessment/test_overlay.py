# SPDX-License-Identifier: Apache-2.0
import numpy as np

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.assessment.overlay import draw_overlay


def test_blurred_tile_is_tinted_and_the_source_not_written_to():
    rgb = np.full((200, 256, 3), 128, np.uint8)
    rgb.flags.writeable = False
    blur = np.zeros((4, 4), np.float32)
    blur[2, 3] = 1.0
    drawn = draw_overlay(rgb, Assessment(0.5, float("nan"), blur_grid=blur, rain_grid=blur * 0))
    assert drawn.shape == rgb.shape
    red, _, blue = drawn[150, 230].astype(int)
    assert red > 128 > blue
    np.testing.assert_array_equal(drawn[150, 100], [128, 128, 128])


def test_restored_tile_has_a_frame_inside_the_image():
    rgb = np.full((100, 100, 3), 128, np.uint8)
    restored = np.array([[0, 0], [0, 0.5]], np.float32)
    drawn = draw_overlay(rgb, Assessment.not_assessed(), restored)
    assert drawn[99, 99].tolist() == [0, 220, 0]
    assert drawn[64, 80].tolist() == [0, 220, 0]
    assert drawn[80, 80].tolist() == [128, 128, 128]
