# SPDX-License-Identifier: Apache-2.0
"""Promises about what is true of a degraded image: what was done and can be seen; the camera changes no label."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from clips import only

from restoregan_core.data.assessment import AssessmentDataConfig, make_sample
from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.camera import CameraConfig
from restoregan_core.data.degrade import DegradeConfig, Degrader
from restoregan_core.data.labels import LabelConfig, labels_of_pair, streak_change, tile_detail
from restoregan_core.data.rain import apply_rain, draw_rain
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.sensor import SensorConfig

PLAIN = CameraConfig(
    soft_share=0,
    defocus_share=0,
    sharpen_share=0,
    tone_share=0,
    dark_share=0,
    grey_share=0,
    fence_share=0,
    shadow_share=0,
)


def texture(side: int = 192, seed: int = 0) -> torch.Tensor:
    coarse = torch.rand(1, 3, side // 6, side // 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")[0].clamp(0, 1)


def degraded(kind: str, config: AssessmentDataConfig, degrade: DegradeConfig, seed: int = 0):
    rng = np.random.default_rng(seed)
    given, clean, drawn = Degrader(degrade, only(kind))(texture()[None], rng)
    return make_sample(given[0], clean[0], drawn[0], config, rng)


def blur_of(extent_px: float) -> DegradeConfig:
    blur = BlurConfig(extent_px=(extent_px, extent_px), spatial_variation=0.0, object_share=0.0)
    return DegradeConfig(blur=blur, sensor=SensorConfig(noise_share=0, jpeg_share=0))


def test_blur_is_an_event_from_three_pixels_on() -> None:
    config = AssessmentDataConfig()
    none, weak, strong, full = (degraded("blur", config, blur_of(px)) for px in (1.0, 2.0, 4.0, 8.0))
    assert none.frame[0] == 0
    assert 0 < weak.frame[0] < 0.5 < strong.frame[0]
    assert full.frame[0] == pytest.approx(1, abs=0.01)
    assert full.tiles[0].mean() > 0.9
    assert none.tiles[0].max() == 0
    assert (full.frame[1:] == 0).all()


def test_the_label_rises_with_the_extent_that_was_asked_for() -> None:
    config = AssessmentDataConfig(labels=LabelConfig(blur_tile_px=(0, 12)))
    assert degraded("blur", config, blur_of(6.0)).frame[0] * 12 == pytest.approx(6.0, rel=0.3)


def test_blur_of_a_bare_wall_is_none() -> None:
    wall = torch.full((3, 128, 128), 0.5)
    assert tile_detail(wall).max() == 0
    assert tile_detail(texture(128)).min() > 0.3


def test_rain_counts_what_streaks_change_not_the_haze() -> None:
    rain = draw_rain(RainConfig(), np.random.default_rng(1))
    clean = texture() * 0.5
    dry, wet = (replace(rain, haze=h) for h in (0.0, 0.3))
    change = streak_change(clean, dry)
    np.testing.assert_array_equal(change, streak_change(clean, wet))
    np.testing.assert_allclose(change, (apply_rain(clean, dry) - clean).abs().amax(0).numpy())


def test_rain_out_of_focus_or_at_night_counts_for_less() -> None:
    thin = replace(RainConfig().video, brightness=(0.15, 0.15), width_px=(0.7, 0.8), haze_share=0.0)
    rain = RainConfig(sparse_weight=0, dense_weight=0, driving_weight=0, video=thin)

    def covered_through(camera: CameraConfig) -> float:
        config = AssessmentDataConfig(camera=camera, labels=LabelConfig(rain_frame=(0, 1)))
        return float(degraded("rain", config, DegradeConfig(rain=rain)).frame[1])

    lit = covered_through(PLAIN)
    assert lit > 0
    assert covered_through(replace(PLAIN, defocus_share=1, defocus_px=(4, 4))) < 0.8 * lit
    assert covered_through(replace(PLAIN, dark_share=1)) < 0.8 * lit


@pytest.mark.parametrize(
    ("kind", "expected"), [("rain", (0, 1, 0)), ("drops", (0, 1, 1)), ("clean", (0, 0, 0))]
)
def test_each_kind_is_labelled_by_what_it_is(kind: str, expected: tuple[int, int, int]) -> None:
    config = AssessmentDataConfig(rain=RainConfig(video_weight=0, driving_weight=0))
    sample = degraded(kind, config, DegradeConfig(rain=config.rain))
    assert tuple(np.round(sample.frame)) == expected


def test_the_camera_changes_images_but_no_label_of_blur() -> None:
    harsh = CameraConfig(
        soft_share=1, sharpen_share=1, tone_share=1, dark_share=1, grey_share=1, fence_share=1
    )
    one, other = (
        degraded("blur", AssessmentDataConfig(camera=camera), blur_of(8.0)) for camera in (PLAIN, harsh)
    )
    np.testing.assert_array_equal(one.tiles, other.tiles)
    assert one.image_CHW.mean() > other.image_CHW.mean() + 20
    assert (other.image_CHW[0].astype(int) - other.image_CHW[2]).std() < one.image_CHW.std()


@pytest.mark.parametrize("extent_px", [1.0, 3.0, 6.0])
def test_a_pair_is_labelled_by_the_motion_between_its_images(extent_px: float) -> None:
    given, clean, _ = Degrader(blur_of(extent_px), only("blur"))(texture()[None], np.random.default_rng(2))
    labels = LabelConfig(blur_tile_px=(0, 12))
    tiles, frame = labels_of_pair(given[0], clean[0], is_input=True, config=labels)
    assert frame[0] * 12 == pytest.approx(extent_px, rel=0.35, abs=1)
    assert frame[1:].tolist() == [0, 0]
    assert tiles.shape == (3, 3, 3)
    tiles, frame = labels_of_pair(given[0], clean[0], is_input=False, config=labels)
    assert tiles.max() == frame.max() == 0


def test_of_a_pair_nobody_knows_the_tiles_that_have_too_little_to_measure_by() -> None:
    clean = texture(256)
    # A slope is detail that a smear would change, but neighbours hardly differ.
    clean[:, :128, :128] = torch.linspace(0.1, 0.9, 128).expand(3, 128, 128)
    degraded_CHW = torch.nn.functional.avg_pool2d(clean[None], (1, 9), 1, (0, 4), count_include_pad=False)[0]
    tiles, frame = labels_of_pair(degraded_CHW, clean, is_input=True, config=LabelConfig())
    assert tile_detail(clean)[0, 0] > 0.05
    assert np.isnan(tiles[0, 0, 0])
    assert tiles[0, 3, 3] == 1
    assert frame[0] > 0.95, "they do not count for the frame"
    wall = torch.full((3, 128, 128), 0.5)
    tiles, frame = labels_of_pair(wall, wall, is_input=True, config=LabelConfig())
    assert tiles.max() == frame.max() == 0, "without any detail there is no blur"


def test_a_label_that_does_not_rise_is_refused() -> None:
    with pytest.raises(ValueError, match="blur_tile_px"):
        LabelConfig(blur_tile_px=(3, 3))
