# SPDX-License-Identifier: Apache-2.0
"""Promises about blur: light is averaged as a sensor does it, and the recorded extent is the true one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.data.blur import GAMMA, Blur, BlurConfig, apply_blur, draw_blur, extent_map, margin_px
from restoregan_core.data.camera_motion import Window, whole_frame


def sliding(shifts_px: list[float], **changes: object) -> Blur:
    """A blur that only slides to the right."""
    still = Blur(
        camera="hand",
        path=tuple((float(x), 0.0, 0.0, 0.0, 0.0, 0.0) for x in shifts_px),
        vanishing_point=(0.0, 0.0),
        nearness=((0.0, 0.0, 0.0),),
        linear_light=True,
        highlight_gain=1.0,
        object_path=None,
        object_shape=None,
    )
    return replace(still, **changes)  # type: ignore[arg-type]


def image(height: int = 32, width: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def test_a_camera_at_rest_takes_the_sharp_image() -> None:
    sharp = image()
    blurred, target = apply_blur(sharp, sliding([0.0, 0.0, 0.0]), whole_frame(32, 40))
    assert torch.equal(target, sharp)
    torch.testing.assert_close(blurred, sharp, atol=1e-3, rtol=0)


def test_whole_pixel_shifts_average_in_linear_light() -> None:
    sharp = image(width=44)
    window = Window(top=0, left=2, height=28, width=40, frame_height=32, frame_width=44)
    blurred, _ = apply_blur(sharp, sliding([-1.0, 0.0, 1.0]), window, margin=2)
    light = sharp[:, 2:-2].pow(GAMMA)
    expected = ((light[:, :, 1:41] + light[:, :, 2:42] + light[:, :, 3:43]) / 3).pow(1 / GAMMA)
    torch.testing.assert_close(blurred, expected, atol=1e-4, rtol=0)


def test_black_and_white_average_to_the_grey_that_light_gives() -> None:
    sharp = torch.zeros(3, 8, 16)
    sharp[:, :, 8:] = 1
    # Half of the exposure white, half black: 0.5 ^ (1 / 2.2) in linear light, 0.5 on pixel values.
    for linear, grey in ((True, 0.5 ** (1 / 2.2)), (False, 0.5)):
        blurred, _ = apply_blur(sharp, sliding([0.0, -1.0], linear_light=linear), whole_frame(8, 16))
        assert blurred[0, 4, 7].item() == pytest.approx(grey, abs=1e-3)


def test_a_clipped_highlight_draws_a_brighter_line_than_its_pixel_value_would() -> None:
    sharp = torch.full((3, 9, 21), 0.2)
    sharp[:, 4, 10] = 1
    path = [float(x) for x in range(-3, 4)]
    plain, _ = apply_blur(sharp, sliding(path), whole_frame(9, 21))
    lamp, target = apply_blur(sharp, sliding(path, highlight_gain=6.0), whole_frame(9, 21))
    assert lamp[0, 4, 8] > plain[0, 4, 8] + 0.1
    assert lamp.max() <= 1
    assert torch.equal(target, sharp)


def test_the_scene_moves_the_way_the_path_says() -> None:
    sharp = torch.zeros(3, 9, 21)
    sharp[:, 4, 10] = 1
    moved, _ = apply_blur(sharp, sliding([3.0]), whole_frame(9, 21))
    assert moved[0, 4, 13].item() == pytest.approx(1, abs=1e-3)


def test_something_that_moves_blurs_alone_and_stands_in_the_target_at_mid_exposure() -> None:
    window = whole_frame(64, 64)
    blur = sliding(
        [0.0] * 9,
        object_path=tuple((float(x), 0.0) for x in range(-8, 9, 2)),
        object_shape=(0.5, 0.5, 0.2, 0.2, 0.0, 0.05),
    )
    dark, white = torch.zeros(3, 64, 64), torch.ones(3, 64, 64)
    blurred, target = apply_blur(dark, blur, window, object_CHW=white)
    assert target[0, 32, 32] == 1
    assert target[0, 32, 10] == 0
    assert 0 < blurred[0, 32, 17] < 1, "smeared over its edge"
    assert blurred[0, 5, 5] == 0, "what does not move stays sharp"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), severity=st.floats(0, 1))
def test_the_recorded_extent_is_the_one_asked_for_and_fits_the_margin(seed: int, severity: float) -> None:
    window = whole_frame(256, 320)
    config = BlurConfig(extent_px=(0.0, 20.0), object_share=0.0, few_frames_share=0.0)
    blur = draw_blur(config, np.random.default_rng(seed), window, severity=severity)
    tiles = extent_map(blur, window)
    assert tiles.shape == (4, 5)
    assert tiles.mean() == pytest.approx(_spanned_px(blur, 20 * severity), rel=0.6, abs=0.2)
    assert margin_px(blur, window) >= 2
    assert margin_px(blur, window) < 200


def _spanned_px(blur: Blur, extent_px: float) -> float:
    """From the middle of the first sub-frame to the middle of the last."""
    return extent_px * (1 - 1 / len(blur.path))


def test_extents_are_as_asked_for_on_average() -> None:
    # A single draw departs from it: its extent is measured on a coarse grid before the tiles are cut.
    window = whole_frame(256, 320)
    config = BlurConfig(extent_px=(0.0, 20.0), object_share=0.0, few_frames_share=0.0)
    blurs = [draw_blur(config, np.random.default_rng(seed), window, severity=0.5) for seed in range(100)]
    ratios = [extent_map(blur, window).mean() / _spanned_px(blur, 10.0) for blur in blurs]
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_a_point_of_light_is_smeared_as_far_as_recorded() -> None:
    window = whole_frame(128, 128)
    config = BlurConfig(
        extent_px=(12.0, 12.0), object_share=0, few_frames_share=0, linear_light_share=0, spatial_variation=0
    )
    for seed in range(5):
        blur = draw_blur(config, np.random.default_rng(seed), window)
        sharp = torch.zeros(3, 128, 128)
        sharp[:, 63:65, 63:65] = 1
        blurred, _ = apply_blur(sharp, blur, window)
        rows, columns = torch.nonzero(blurred[0] > 1e-3, as_tuple=True)
        seen = math.hypot(int(rows.max() - rows.min()) - 2, int(columns.max() - columns.min()) - 2)
        assert seen == pytest.approx(float(extent_map(blur, window).mean()), abs=3)


def test_forward_motion_blurs_more_the_farther_out() -> None:
    blur = sliding([0.0], path=tuple((0.0, 0.0, 0.0, a, 0.0, 0.0) for a in (-5.0, 0.0, 5.0)))
    tiles = extent_map(blur, whole_frame(320, 576))
    assert tiles[-1, 0] > tiles[2, 4] + 3
    assert tiles[-1, 4] > tiles[0, 4], "the road is nearer than the sky"


def test_the_same_draw_gives_the_same_blur_and_its_record_is_json() -> None:
    import json

    window = whole_frame(64, 64)
    first, second = (draw_blur(BlurConfig(), np.random.default_rng(3), window) for _ in range(2))
    assert first == second
    assert json.loads(json.dumps(first.to_dict()))["camera"] in ("hand", "vehicle")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("extent_px", (5, 1)),
        ("vehicle_share", 1.5),
        ("step_px", 0),
        ("max_frames", 1),
        ("extent_emphasis", 0),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        BlurConfig(**{field: value})  # type: ignore[arg-type]
