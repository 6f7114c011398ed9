# SPDX-License-Identifier: Apache-2.0
"""The street that the demo drives along."""

import cv2
import numpy as np
import pytest

from restoregan_core.demo.street import Pose, Street


@pytest.mark.parametrize("z_m", [3.0, 17.5])
def test_a_pixel_is_the_mean_of_what_it_covers(z_m):
    """Else texture shimmers from frame to frame, which no camera shows and no network can restore."""
    pose = Pose(z_m=z_m, yaw=0.03, pitch=0.01, roll=0.01)
    fine = Street(4 * 90, 4 * 160).render(pose)
    means = cv2.resize(fine, (160, 90), interpolation=cv2.INTER_AREA)
    error = np.abs(Street(90, 160).render(pose).astype(int) - means)
    assert error.mean() < 2
    assert np.percentile(error, 99) < 16


def test_a_turn_of_the_camera_moves_the_image():
    street = Street(90, 160)
    straight, turned = (
        street.render(Pose(z_m=5, yaw=yaw)).astype(int) for yaw in (0.0, 10 / street.focal_px)
    )
    assert np.abs(turned[:, :-12] - straight[:, 10:-2]).mean() < np.abs(turned - straight).mean() / 3
