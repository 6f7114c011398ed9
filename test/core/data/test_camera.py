# SPDX-License-Identifier: Apache-2.0
"""Promises about the cameras and scenes that the assessor must look through."""

import numpy as np
import pytest

from restoregan_core.data.camera import CameraConfig, draw_camera, fenced, shadowed

NONE = {f"{name}_share": 0.0 for name in ("soft", "defocus", "sharpen", "tone", "dark", "grey")}


def edge() -> np.ndarray:
    image = np.full((64, 64, 3), 0.3, np.float32)
    image[:, 32:] = 0.7
    return image


def test_a_shadow_darkens_a_part_and_its_edge_is_as_wide_as_asked() -> None:
    flat = np.full((128, 128, 3), 0.8, np.float32)
    widths = []
    for edge_px in (4.0, 40.0):
        dimmed = shadowed(flat, edge_px, np.random.default_rng(3))
        assert dimmed.max() == pytest.approx(0.8)
        assert dimmed.min() < 0.7
        steepest = np.hypot(*np.gradient(dimmed[..., 0])).max()
        widths.append((dimmed.max() - dimmed.min()) / steepest)
    assert widths[1] > 5 * widths[0]


def test_a_fence_lies_over_the_image_and_leaves_what_is_between() -> None:
    behind = np.full((128, 128, 3), 0.5, np.float32)
    seen = fenced(behind, np.random.default_rng(0))
    is_bar = np.abs(seen - behind).max(2) > 0.01
    assert 0 < is_bar.mean() < 0.6
    np.testing.assert_array_equal(seen[~is_bar][:, 0].round(1), 0.5)


def test_a_camera_that_does_nothing_records_the_image() -> None:
    config = CameraConfig(**NONE)
    for seed in range(20):
        camera = draw_camera(config, np.random.default_rng(seed))
        if camera.sensor.shot == camera.sensor.read == 0 and camera.sensor.jpeg_quality is None:
            seen = camera.record(edge()).permute(1, 2, 0).numpy()
            np.testing.assert_allclose(seen, edge(), atol=0.5 / 255)
            return
    pytest.fail("no camera without noise and JPEG in twenty")


def test_sharpening_overshoots_and_a_soft_lens_does_not() -> None:
    def recorded(**shares: float) -> np.ndarray:
        config = CameraConfig(**(NONE | shares), sharpen_amount=(1.5, 1.5))
        camera = draw_camera(config, np.random.default_rng(0))
        return camera.lens(edge()) if "soft_share" in shares else camera.record(edge()).numpy()

    assert recorded(sharpen_share=1.0).max() > 0.75
    assert recorded(soft_share=1.0).max() <= 0.701


def test_of_an_image_through_a_real_lens_no_other_is_drawn() -> None:
    config = CameraConfig(soft_share=1, defocus_share=1, sharpen_share=1)
    camera = draw_camera(config, np.random.default_rng(0), has_lens=False)
    assert camera.soft_px == camera.defocus_px == camera.sharpen_amount == 0
