"""Promises about what the assessor learns from: labels are what was done, the camera changes no label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from restoregan_core.data.assessment import (
    AssessmentDataConfig,
    AssessmentSource,
    make_sample,
    streak_change,
    tile_detail,
)
from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.config import Folder, PairFolder
from restoregan_core.data.degrade import DegradeConfig, Degrader, Shares
from restoregan_core.data.rain import apply_rain, draw_rain
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.sensor import SensorConfig

KINDS = ("blur", "rain", "blur_rain", "drops", "clean")


def texture(side: int = 192, seed: int = 0) -> torch.Tensor:
    coarse = torch.rand(1, 3, side // 6, side // 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")[0].clamp(0, 1)


def spoilt(kind: str, config: AssessmentDataConfig, degrade: DegradeConfig, seed: int = 0):
    shares = Shares(**({k: float(k == kind) for k in KINDS} | {"pair": 0.0}))
    rng = np.random.default_rng(seed)
    given, clean, drawn = Degrader(degrade, shares)(texture()[None], rng)
    return make_sample(given[0], clean[0], drawn[0], config, rng)


def blur_of(extent_px: float) -> DegradeConfig:
    blur = BlurConfig(extent_px=(extent_px, extent_px), spatial_variation=0.0, object_share=0.0)
    return DegradeConfig(blur=blur, sensor=SensorConfig(noise_share=0, jpeg_share=0))


def test_blur_is_an_event_from_three_pixels_on() -> None:
    config = AssessmentDataConfig()
    weak, strong = (spoilt("blur", config, blur_of(px)) for px in (1.5, 6.0))
    assert (weak.frame[0], strong.frame[0]) == (0, 1)
    assert strong.tiles[0].mean() > 0.9
    assert weak.tiles[0].max() == 0
    assert strong.extent_px == pytest.approx(6.0, rel=0.3)
    assert (strong.frame[1:] == 0).all()


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
    plain = AssessmentDataConfig(soft_share=0, defocus_share=0, tone_share=0, dark_share=0, fence_share=0)
    thin = replace(RainConfig().video, brightness=(0.15, 0.15), width_px=(0.7, 0.8), haze_share=0.0)
    rain = RainConfig(sparse_weight=0, dense_weight=0, driving_weight=0, video=thin)
    degrade = DegradeConfig(rain=rain)
    lit = spoilt("rain", plain, degrade)
    out_of_focus = spoilt("rain", replace(plain, defocus_share=1, defocus_px=(4, 4)), degrade)
    at_night = spoilt("rain", replace(plain, dark_share=1), degrade)
    assert max(out_of_focus.coverage, at_night.coverage) < 0.8 * lit.coverage


@pytest.mark.parametrize(
    ("kind", "expected"), [("rain", (0, 1, 0)), ("drops", (0, 1, 1)), ("clean", (0, 0, 0))]
)
def test_each_kind_is_labelled_by_what_it_is(kind: str, expected: tuple[int, int, int]) -> None:
    config = AssessmentDataConfig(rain=RainConfig(video_weight=0, driving_weight=0))
    sample = spoilt(kind, config, DegradeConfig(rain=config.rain))
    assert tuple(np.round(sample.frame)) == expected


def test_the_camera_changes_pictures_but_no_label() -> None:
    plain = AssessmentDataConfig(
        soft_share=0, defocus_share=0, tone_share=0, dark_share=0, grey_share=0, fence_share=0
    )
    harsh = AssessmentDataConfig(soft_share=1, tone_share=1, dark_share=1, grey_share=1, fence_share=1)
    one, other = (spoilt("blur", config, blur_of(8.0)) for config in (plain, harsh))
    np.testing.assert_array_equal(one.tiles, other.tiles)
    assert one.picture_CHW.mean() > other.picture_CHW.mean() + 20
    assert (other.picture_CHW[0].astype(int) - other.picture_CHW[2]).std() < one.picture_CHW.std()


def test_a_sample_is_a_function_of_its_number(tmp_path: Path, write_picture) -> None:
    for i in range(4):
        write_picture(tmp_path / "sharp" / f"{i}.png", seed=i, height=200, width=240)
        write_picture(tmp_path / "pairs" / "target" / f"{i}.png", seed=i, height=200, width=240)
        write_picture(tmp_path / "pairs" / "input" / f"{i}.png", seed=i + 9, height=200, width=240)
    config = AssessmentDataConfig(
        sharp=[Folder(path=str(tmp_path / "sharp"))], pairs=[PairFolder(path=str(tmp_path / "pairs"))]
    )
    first, second = AssessmentSource(config, 3), AssessmentSource(config, 3)
    kinds = set()
    for number in (5, 2, 9, 11, 17, 23, 24, 31, 40):
        one, two = first.sample(number, 128), second.sample(number, 128)
        np.testing.assert_array_equal(one.picture_CHW, two.picture_CHW)
        np.testing.assert_array_equal(one.tiles, two.tiles)
        assert one.picture_CHW.shape == (3, 128, 128)
        assert one.tiles.shape == (3, 2, 2)
        kinds.add(one.kind)
    assert len(kinds) >= 3


def test_parts_of_a_folder_do_not_overlap(tmp_path: Path, write_picture) -> None:
    for i in range(10):
        write_picture(tmp_path / f"{i}.png", seed=i, height=200, width=240)

    def seen(part: tuple[float, float]) -> set[str]:
        from restoregan_core.data.config import DataConfig
        from restoregan_core.data.sources import TrainingSource

        config = DataConfig(sharp=[Folder(path=str(tmp_path), part=part)])
        return {o.file for o in TrainingSource(config, 0).samples(range(40), 32).origins}

    learnt, held_out = seen((0, 0.8)), seen((0.8, 1))
    assert len(learnt) == 8
    assert len(held_out) == 2
    assert not learnt & held_out
    with pytest.raises(ValueError, match="part"):
        Folder(path="x", part=(0.9, 0.1))
