# SPDX-License-Identifier: Apache-2.0
"""Promises about training samples: by number, the same for everyone, and honest about what was done."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restoregan_core.data.blur import BlurConfig
from restoregan_core.data.config import DataConfig, Folder, PairFolder, ReuseConfig
from restoregan_core.data.degrade import DegradeConfig, Degrader, Shares
from restoregan_core.data.rain_config import RainConfig
from restoregan_core.data.sensor import Sensor, SensorConfig, apply_sensor
from restoregan_core.data.sources import Batch, TrainingSource

ALL_KINDS = ("blur", "rain", "blur_rain", "drops", "clean", "pair")


@pytest.fixture
def config(tmp_path: Path, write_image) -> DataConfig:
    for number in range(4):
        write_image(tmp_path / f"sharp/{number}.png", number, height=96, width=120)
        write_image(tmp_path / f"pairs/input/{number}.png", number + 10)
        write_image(tmp_path / f"pairs/target/{number}.png", number)
    even = Shares(**dict.fromkeys(ALL_KINDS, 1.0))
    return DataConfig(
        sharp=[Folder(path=str(tmp_path / "sharp"))],
        pairs=[PairFolder(path=str(tmp_path / "pairs"))],
        shares=even,
    )


def assert_equal(one: Batch, other: Batch) -> None:
    assert torch.equal(one.input_BCHW, other.input_BCHW)
    assert torch.equal(one.target_BCHW, other.target_BCHW)
    assert [o.to_dict() for o in one.origins] == [o.to_dict() for o in other.origins]


def only(config: DataConfig, kind: str) -> DataConfig:
    return replace(config, shares=Shares(**{k: float(k == kind) for k in ALL_KINDS}))


def test_samples_are_images_in_range_with_inputs_as_a_file_would_hold_them(config: DataConfig) -> None:
    batch = TrainingSource(config, seed=0).samples(range(24), 32)
    assert batch.input_BCHW.shape == batch.target_BCHW.shape == (24, 3, 32, 32)
    assert batch.input_BCHW.dtype == batch.target_BCHW.dtype == torch.float32
    assert set(batch.kinds) == set(ALL_KINDS)
    for image in (batch.input_BCHW, batch.target_BCHW):
        assert image.min() >= 0
        assert image.max() <= 1
    steps = batch.input_BCHW * 255
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)


def test_a_sample_depends_on_nothing_but_seed_number_and_size(config: DataConfig) -> None:
    source = TrainingSource(config, seed=7)
    together = source.samples([3, 11, 5], 32)
    alone = TrainingSource(config, seed=7).samples([5], 32)
    assert torch.equal(together.input_BCHW[2:], alone.input_BCHW)
    assert not torch.equal(TrainingSource(config, seed=8).samples([5], 32).target_BCHW, alone.target_BCHW)


def test_two_ranks_and_a_resumed_run_see_what_one_process_sees(config: DataConfig) -> None:
    source = TrainingSource(config, seed=1)

    def first(count: int, start: int = 0, rank: int = 0, world: int = 1, workers: int = 0) -> list[Batch]:
        return list(islice(source.batches(start, 4, rank, world, 24, workers=workers), count))

    whole = first(3)
    assert [batch.input_BCHW.shape for batch in whole] == [(4, 3, 24, 24)] * 3
    for left, right, both in zip(first(3, rank=0, world=2), first(3, rank=1, world=2), whole, strict=True):
        assert torch.equal(torch.cat([left.input_BCHW, right.input_BCHW]), both.input_BCHW)
    assert_equal(first(1, start=2)[0], whole[2])
    for made_ahead, made_here in zip(first(2, workers=2), whole, strict=False):
        assert_equal(made_ahead, made_here)


def test_samples_cut_from_a_pool_are_parts_of_its_few_images_and_the_same_for_everyone(
    config: DataConfig,
) -> None:
    pooled = replace(only(config, "rain"), reuse=ReuseConfig(images=2, size=48), flips=False)
    batch = TrainingSource(pooled, seed=3).samples(range(12), 40)
    whole = TrainingSource(pooled, seed=3)
    assert_equal(whole.samples([7], 40), TrainingSource(pooled, seed=3).samples([7], 40))
    assert len({(o.file, json.dumps(o.to_dict()["rain"])) for o in batch.origins}) == 2, "two degradations"
    assert len({(o.top, o.left) for o in batch.origins}) > 4, "cut in many places"
    for images in (batch.input_BCHW, batch.target_BCHW):
        for origin, image in zip(batch.origins, images, strict=True):
            if origin.degradation == batch.origins[0].degradation:
                down, right = origin.top - batch.origins[0].top, origin.left - batch.origins[0].left
                here = image[:, max(-down, 0) : 40 - max(down, 0), max(-right, 0) : 40 - max(right, 0)]
                there = images[0][:, max(down, 0) : 40 + min(down, 0), max(right, 0) : 40 + min(right, 0)]
                assert torch.equal(here, there), "where two overlap, they show the same"


def test_runs_of_one_kind_make_batches_of_one_kind(config: DataConfig) -> None:
    source = TrainingSource(replace(config, same_kind=4), seed=0)
    runs = [set(source.samples(range(first, first + 4), 24).kinds) for first in range(0, 96, 4)]
    assert all(len(kinds) == 1 for kinds in runs)
    assert set.union(*runs) == set(ALL_KINDS)


def test_a_size_that_the_pool_cannot_give_is_degraded_by_itself(config: DataConfig) -> None:
    pooled = replace(only(config, "rain"), reuse=ReuseConfig(images=2, size=32))
    assert_equal(
        TrainingSource(pooled, seed=3).samples(range(4), 32),
        TrainingSource(only(config, "rain"), seed=3).samples(range(4), 32),
    )


def test_clean_samples_are_clean_and_others_are_not(config: DataConfig) -> None:
    clean = TrainingSource(only(config, "clean"), seed=0).samples(range(4), 32)
    assert torch.equal(clean.input_BCHW, clean.target_BCHW)
    for kind in ("blur", "rain", "blur_rain"):
        batch = TrainingSource(only(config, kind), seed=0).samples(range(8), 32)
        assert (batch.input_BCHW - batch.target_BCHW).abs().mean() > 0.005, kind


def test_real_pairs_stay_aligned_under_flips(config: DataConfig, tmp_path: Path) -> None:
    import cv2

    for number in range(4):  # the target is the negative of the input
        image = cv2.imread(str(tmp_path / f"pairs/input/{number}.png"))
        cv2.imwrite(str(tmp_path / f"pairs/target/{number}.png"), 255 - image)
    batch = TrainingSource(only(config, "pair"), seed=0).samples(range(8), 24)
    torch.testing.assert_close(batch.input_BCHW, 1 - batch.target_BCHW, atol=1e-6, rtol=0)


def test_everything_drawn_is_recorded_with_the_true_blur_extent(config: DataConfig) -> None:
    blur = BlurConfig(extent_px=(6.0, 6.0), spatial_variation=0.0, few_frames_share=0.0)
    batch = TrainingSource(replace(only(config, "blur"), degrade=DegradeConfig(blur=blur)), seed=0).samples(
        range(4), 64
    )
    for origin in batch.origins:
        record = json.loads(json.dumps(origin.to_dict()))
        assert record["kind"] == "blur"
        assert record["blur_extent_px"] == pytest.approx(6, rel=0.35)
        assert Path(record["file"]).is_file()
        assert "noise" not in record
    assert (
        TrainingSource(only(config, "clean"), 0).samples([0], 32).origins[0].to_dict()["blur_extent_px"] == 0
    )


def test_crops_larger_than_an_image_are_filled_by_mirroring(config: DataConfig) -> None:
    batch = TrainingSource(config, seed=0).samples(range(12), 128)
    assert batch.input_BCHW.shape == (12, 3, 128, 128)


def test_noise_goes_on_inputs_alone(config: DataConfig) -> None:
    noisy = TrainingSource(replace(only(config, "clean"), input_noise=0.02), seed=0).samples(range(4), 48)
    plain = TrainingSource(only(config, "clean"), seed=0).samples(range(4), 48)
    assert torch.equal(noisy.target_BCHW, plain.target_BCHW)
    inside = (plain.input_BCHW > 0.1) & (plain.input_BCHW < 0.9)
    assert (noisy.input_BCHW - plain.input_BCHW)[inside].std().item() == pytest.approx(0.02, rel=0.1)


def test_broken_data_stops_the_program_at_its_start(config: DataConfig, tmp_path: Path) -> None:
    pairs_that_nothing_asks_for = replace(config, sharp=[], shares=Shares(pair=0.0))
    with pytest.raises(ValueError, match="shares of pair are all 0"):
        TrainingSource(pairs_that_nothing_asks_for, seed=0)
    (tmp_path / "pairs/input/2.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"input/2\.png is not a readable image"):
        TrainingSource(config, seed=0)
    with pytest.raises(ValueError, match="neither sharp nor pairs"):
        DataConfig()


def test_a_batch_size_that_ranks_cannot_share_is_refused(config: DataConfig) -> None:
    with pytest.raises(ValueError, match="batch_size=5 must be a multiple of the 2 processes"):
        TrainingSource(config, seed=0).batches(0, 5, 0, 2, 32)


def test_a_batch_in_memory_can_be_degraded_where_it_lies() -> None:
    sharp = torch.rand(6, 3, 64, 64)
    degrader = Degrader(DegradeConfig(), Shares())
    degraded, target, drawn = degrader(sharp, np.random.default_rng(0))
    again, _, _ = degrader(sharp, np.random.default_rng(0))
    assert torch.equal(degraded, again)
    assert degraded.shape == target.shape == sharp.shape
    assert [d.kind for d in drawn].count("clean") < 6


@pytest.mark.gpu
def test_the_gpu_makes_the_same_samples_as_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    sharp = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    shares = Shares(blur=1, rain=1, blur_rain=1, drops=1, clean=1)
    degrader = Degrader(DegradeConfig(sensor=SensorConfig(jpeg_share=0)), shares)
    on_cpu, _, _ = degrader(sharp, np.random.default_rng(0))
    on_gpu, _, _ = degrader(sharp.cuda(), np.random.default_rng(0))
    assert (on_gpu.cpu() - on_cpu).abs().max() <= 2 / 255
    assert (on_gpu.cpu() - on_cpu).abs().mean() < 0.1 / 255


def test_noise_grows_with_the_light_and_jpeg_changes_only_a_little() -> None:
    sensor = Sensor(shot=0.02, read=0.0, jpeg_quality=None, seed=1)
    dark, bright = (apply_sensor(torch.full((3, 64, 64), v), sensor).std().item() for v in (0.1, 0.6))
    assert bright > 1.8 * dark
    smooth = torch.linspace(0, 1, 64).expand(3, 64, 64).contiguous()
    packed = apply_sensor(smooth, Sensor(shot=0.0, read=0.0, jpeg_quality=90, seed=1))
    assert 0 < (packed - smooth).abs().mean() < 0.02


def test_a_missing_folder_of_streaks_is_told_before_any_sample_is_made(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), np.uint8))
    rain = RainConfig(overlay_weight=1, overlays=str(tmp_path / "streaks"))
    sharp = [Folder(path=str(tmp_path))]
    with pytest.raises(ValueError, match="streaks is not a folder"):
        TrainingSource(DataConfig(sharp=sharp, degrade=DegradeConfig(rain=rain)), seed=0)
