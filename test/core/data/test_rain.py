# SPDX-License-Identifier: Apache-2.0
"""Promises about rain: Y = X + W, streaks as drawn, the same on every call, moving on in a video."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restoregan_core.data.rain import (
    Rain,
    RainConfig,
    StreakLayer,
    apply_rain,
    draw_rain,
    streak_layer,
)

CLEAR_AIR = RainConfig(
    **{
        kind: replace(getattr(RainConfig(), kind), haze_share=0.0)
        for kind in ("sparse", "dense", "video", "driving")
    }
)


def one_layer(**changes: object) -> Rain:
    layer = StreakLayer(
        angle_deg=0.0,
        lengths_px=(24.0, 24.0, 24.0),
        widths_px=(2.0, 2.0, 2.0),
        coverages=(0.03, 0.03, 0.03),
        brightness=0.4,
        hard=False,
        texture=0.0,
        fall_px=30.0,
    )
    layer = replace(layer, **changes)  # type: ignore[arg-type]
    return Rain(
        kind="sparse",
        layers=(layer,),
        transparent=False,
        in_light=False,
        colour=(1.0, 1.0, 1.0),
        haze=0.0,
        airlight=0.8,
        seed=1,
    )


def test_rain_adds_its_streak_layer_to_the_image() -> None:
    clean = torch.rand(3, 96, 80) * 0.3
    rain = one_layer()
    streaks = streak_layer(rain, 96, 80)
    assert streaks.max() > 0.1
    torch.testing.assert_close(apply_rain(clean, rain), (clean + streaks).clamp(0, 1))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rain_never_darkens_what_is_darker_than_the_sky_and_stays_in_range(seed: int) -> None:
    rain = draw_rain(CLEAR_AIR, np.random.default_rng(seed))
    clean = torch.rand(3, 64, 72, generator=torch.Generator().manual_seed(seed))
    if rain.in_light:
        clean *= rain.airlight
    rainy = apply_rain(clean, rain)
    assert rainy.max() <= 1
    assert (rainy - clean).min() >= -1e-6


@pytest.mark.parametrize("angle_deg", [-30.0, 0.0, 30.0])
def test_streaks_run_in_the_direction_drawn(angle_deg: float) -> None:
    streaks = streak_layer(one_layer(angle_deg=angle_deg), 256, 256).double()
    spectrum = torch.fft.fft2(streaks - streaks.mean()).abs().square()
    correlation = torch.fft.fftshift(torch.fft.ifft2(spectrum).real)

    def along(angle: float, reach: int = 8) -> float:
        row = 128 + round(reach * math.cos(math.radians(angle)))
        return float(correlation[row, 128 + round(reach * math.sin(math.radians(angle)))])

    best = max(range(-60, 61, 10), key=along)
    assert best == angle_deg


def test_more_coverage_covers_more() -> None:
    shares = [
        float((streak_layer(one_layer(coverages=(c, c, c)), 256, 256) > 0.1).float().mean())
        for c in (0.01, 0.05, 0.2)
    ]
    assert shares == sorted(shares)
    assert shares[-1] > 3 * shares[0]


def test_in_a_video_the_streaks_fall_by_what_is_recorded() -> None:
    rain = one_layer()
    first, second = (streak_layer(rain, 128, 64, frame=frame) for frame in (0, 1))
    torch.testing.assert_close(second, torch.roll(first, 30, dims=0), atol=1e-4, rtol=0)


def test_dense_rain_degrades_an_image_as_the_heavy_sets_do_and_sparse_rain_as_the_light() -> None:
    # Mean PSNR of the inputs: Rain100H 12.3 dB, Rain100L 25.2 dB; a wide band, since scenes differ.
    clean = torch.rand(3, 8, 10, generator=torch.Generator().manual_seed(0))
    clean = torch.nn.functional.interpolate(clean[None], (160, 200), mode="bicubic")[0].clamp(0, 0.8) * 0.8
    for kind, low, high in (("dense", 9, 16), ("sparse", 20, 30)):
        weights = {f"{k}_weight": float(k == kind) for k in ("sparse", "dense", "video", "driving")}
        config = replace(CLEAR_AIR, **weights)  # type: ignore[arg-type]
        rng = np.random.default_rng(0)
        psnr = [
            -10 * math.log10(float((apply_rain(clean, draw_rain(config, rng)) - clean).square().mean()))
            for _ in range(40)
        ]
        assert low < np.mean(psnr) < high


def test_haze_draws_the_image_towards_the_airlight() -> None:
    hazy = apply_rain(torch.zeros(3, 32, 32), replace(one_layer(brightness=0.0), haze=0.5, airlight=0.8))
    torch.testing.assert_close(hazy, torch.full((3, 32, 32), 0.4))


def test_a_drop_replaces_the_light_behind_it_by_the_skys() -> None:
    rain = replace(one_layer(), in_light=True, airlight=0.8)
    share = streak_layer(rain, 96, 80).clamp(0, 1)
    assert share.max() > 0.3
    black, sky = torch.zeros(3, 96, 80), torch.full((3, 96, 80), 0.8)
    torch.testing.assert_close(apply_rain(black, rain)[0], share ** (1 / 2.2) * 0.8)
    torch.testing.assert_close(apply_rain(sky, rain), sky)  # before a sky as bright, no drop is seen
    white = torch.ones(3, 96, 80)
    assert (apply_rain(white, rain) - white).min() < -0.05  # and before anything brighter it is dark


def test_streaks_that_fan_out_lean_apart_and_grow() -> None:
    rain = one_layer(fan=(0.0, 0.4))  # the vanishing point lies above
    streaks = streak_layer(rain, 256, 256)

    def lean(part_HW: torch.Tensor) -> float:
        """Mean direction of what is seen there, px to the right for each px down."""
        down, right = torch.gradient(part_HW)
        return float(-(right * down).sum() / (right * right).sum())

    assert lean(streaks[:, :80]) < -0.1
    assert lean(streaks[:, -80:]) > 0.1
    assert abs(lean(streaks[:, 88:168])) < 0.1

    def runs(part_HW: torch.Tensor) -> float:
        """Streak pixels for each upper end of a streak: how long they are."""
        is_streak = part_HW > 0.15
        return float(is_streak.sum() / (is_streak[1:] & ~is_streak[:-1]).sum())

    assert runs(streaks[-96:]) > 1.3 * runs(streaks[:96])


def test_the_same_draw_gives_the_same_rain_and_its_record_is_json() -> None:
    first, second = (draw_rain(RainConfig(), np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert torch.equal(streak_layer(first, 48, 48), streak_layer(second, 48, 48))
    assert json.loads(json.dumps(first.to_dict()))["seed"] == first.seed


def test_severity_makes_it_rain_harder() -> None:
    means = [
        np.mean(
            [
                float(
                    streak_layer(draw_rain(RainConfig(), np.random.default_rng(s), severity), 96, 96).mean()
                )
                for s in range(8)
            ]
        )
        for severity in (0.0, 0.5, 1.0)
    ]
    assert means == sorted(means)


def test_nothing_is_seen_through_an_opaque_stroke() -> None:
    only_opaque = RainConfig(
        sparse_weight=0, dense_weight=0, video_weight=0, driving_weight=0, opaque_weight=1
    )
    dark_CHW, light_CHW = (torch.full((3, 96, 96), value) for value in (0.2, 0.6))
    for seed in range(5):
        rain = draw_rain(only_opaque, np.random.default_rng(seed), severity=1)
        rain = replace(rain, transparent=not rain.in_light)
        difference_CHW = apply_rain(light_CHW, rain) - apply_rain(dark_CHW, rain)
        assert difference_CHW.min() < 0.15  # of 0.4
        assert difference_CHW.median() > 0.35


def test_a_wrong_value_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="dense_weight"):
        RainConfig(sparse_weight=0, dense_weight=0, video_weight=0, driving_weight=0)
    with pytest.raises(ValueError, match="coverage"):
        replace(RainConfig().dense, coverage=(2, 1))
