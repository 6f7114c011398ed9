# SPDX-License-Identifier: Apache-2.0
"""Samples with the frames before."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from clips import only, recorded, soft_image, write_stills
from torch.nn import functional

from restoregan_core.data.clips import Accidents, ClipConfig, draw_accidents, draw_clip, with_history
from restoregan_core.data.config import DataConfig, Folder, PairFolder, ReuseConfig
from restoregan_core.data.degrade import DegradeConfig, Shares
from restoregan_core.data.sensor import SensorConfig
from restoregan_core.data.sources import TrainingSource
from restoregan_core.images.blur_path import SAMPLES, STILL, path_image

QUIET = ClipConfig(
    veil_share=0,
    dropped_share=0,
    repeated_share=0,
    missing_share=0,
    failed_share=0,
    jump_share=0,
    single_share=0,
)


@pytest.fixture
def stills(tmp_path):
    return write_stills(tmp_path / "stills")


def source(stills, clips=QUIET, **options):
    shares = options.pop("shares", Shares(pair=0))
    config = DataConfig(sharp=[Folder(path=str(stills))], shares=shares, clips=clips, **options)
    return TrainingSource(config, seed=0)


def older(batch):
    return batch.input_BCHW[:, 3:]


def test_a_sample_holds_the_frame_and_those_before_it(stills):
    batch = source(stills).samples(range(6), 64)
    assert batch.input_BCHW.shape == (6, 9, 64, 64)
    assert batch.target_BCHW.shape == (6, 3, 64, 64)


def test_single_images_are_told_by_a_history_of_copies(stills):
    batch = source(stills, replace(QUIET, single_share=1)).samples(range(6), 64)
    assert torch.equal(older(batch), batch.input_BCHW[:, :3].repeat(1, 2, 1, 1))


def test_the_path_is_the_last_image_of_a_sample_and_flipped_with_it(stills, tmp_path):
    config = replace(QUIET, path=True)
    single = source(stills, replace(config, single_share=1)).samples(range(2), 64)
    for given in single.input_BCHW:
        frame = given[:3].mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
        path = torch.from_numpy(path_image(frame, None)).permute(2, 0, 1).float() / 255
        assert torch.equal(given[9:], path)
    pairs = [PairFolder(path=str(recorded(tmp_path / "clip")), consecutive=True)]
    for reuse in (None, ReuseConfig(images=4, size=96)):
        made = TrainingSource(DataConfig(pairs=pairs, clips=config, reuse=reuse), seed=0)
        moving = 0
        for given in made.samples(range(12), 64).input_BCHW:
            planes = functional.pixel_unshuffle(given[9:], 2)
            right, down = ((255 * plane - STILL).median() / 2 for plane in planes[SAMPLES:])
            assert abs(down) < 0.3
            if abs(right) < 0.3:
                continue  # a clip's first frame
            moving += 1
            # The last samples lie half the way to both sides: together, the way times the slope of the brightness.
            slope = (planes[0].roll(-1, 1) - planes[0].roll(1, 1)) / 2
            differences = torch.stack([planes[SAMPLES - 2] - planes[SAMPLES - 1], right * slope])
            assert torch.corrcoef(differences[:, 8:-8, 8:-8].flatten(1))[0, 1] > 0.8
        assert moving > 3


def test_the_history_of_a_clean_clip_lies_over_its_frame(stills):
    batch = source(stills, shares=only("clean")).samples(range(12), 96)
    near = (older(batch)[:, :3] - batch.target_BCHW)[..., 16:-16, 16:-16].abs().mean((1, 2, 3))
    assert near.median() < 0.03


def test_a_sample_is_a_pure_function_of_its_number(stills):
    first, second = (source(stills, ClipConfig()).samples([5, 3], 64) for _ in range(2))
    assert torch.equal(first.input_BCHW, second.input_BCHW)
    assert first.origins == second.origins
    alone = source(stills, ClipConfig()).samples([3], 64)
    assert torch.equal(alone.input_BCHW[0], first.input_BCHW[1])


def test_what_is_cut_from_the_pool_keeps_frame_history_and_target_together(stills):
    pooled = source(stills, shares=only("clean"), reuse=ReuseConfig(images=2, size=96))
    batch = pooled.samples(range(6), 64)
    noise = (batch.input_BCHW[:, :3] - batch.target_BCHW).abs().mean()
    assert noise < 0.02


def test_nothing_is_to_be_done_to_a_clean_clip_noise_included(stills):
    noisy = DegradeConfig(sensor=SensorConfig(noise_share=1, read=(0.02, 0.02), jpeg_share=0.5))
    batch = source(stills, shares=only("clean"), degrade=noisy).samples(range(6), 64)
    assert torch.equal(batch.input_BCHW[:, :3], batch.target_BCHW)
    assert not torch.equal(older(batch)[:, :3], batch.target_BCHW)


def test_streaks_go_and_the_veil_stays():
    config = replace(QUIET, veil_share=1, veil=(0.3, 0.3))
    clip = draw_clip("rain", config, DegradeConfig(), np.random.default_rng(0), 64)
    clip = replace(clip, rain=replace(clip.rain, haze=0.2), sensor=None)
    frame = np.zeros((64, 64, 3), np.float32)
    veiled = clip.ground_truth(frame)
    assert (
        veiled.min() == veiled.max() > 255 * 0.3 * clip.airlight
    )  # nothing but veils on black, and both of them
    rainy = clip.degrade([frame] * 3)
    assert all((image.astype(int) >= veiled).all() for image in rainy)
    assert rainy[0].max() > veiled.max() + 10


@pytest.mark.parametrize("new_rain_share", [0.0, 1.0])
def test_rain_falls_on_or_is_independent_in_every_frame(new_rain_share):
    config = replace(QUIET, new_rain_share=new_rain_share)
    clip = draw_clip("rain", config, DegradeConfig(), np.random.default_rng(1), 64)
    assert clip.rain_steps == ((0, 0, 0) if new_rain_share else (0, -1, -2))
    first, second, _ = replace(clip, sensor=None).degrade([np.zeros((64, 64, 3), np.float32)] * 3)
    assert (first != second).any()


def test_drops_stay_on_the_lens():
    clip = draw_clip("drops", QUIET, DegradeConfig(), np.random.default_rng(2), 64)
    first, second, _ = replace(clip, sensor=None).degrade(
        [soft_image(1, 64, 64).astype(np.float32) / 255] * 3
    )
    np.testing.assert_array_equal(first, second)


def test_accidents_do_what_they_say():
    frames = [soft_image(k, 96, 96) for k in range(3)]
    missing = with_history(frames, Accidents(missing=2))
    np.testing.assert_array_equal(missing, np.concatenate([frames[0]] * 3, axis=2))
    still = [frames[0]] * 3
    displaced = with_history(still, Accidents(displaced_px=(7, -4)))
    np.testing.assert_array_equal(displaced[..., 3:6], np.roll(frames[0], (-4, 7), (0, 1)))
    np.testing.assert_array_equal(displaced[..., 6:], frames[0])
    turned = with_history(still, Accidents(is_other_scene=True))
    np.testing.assert_array_equal(turned[..., 3:6], frames[0][::-1, ::-1])


def test_every_accident_is_drawn_as_often_as_its_share_says():
    config = ClipConfig(missing_share=0.5, failed_share=0.5, jump_share=0.5)
    rng = np.random.default_rng(0)
    drawn = [draw_accidents(config, rng) for _ in range(400)]
    assert np.mean([a.missing > 0 for a in drawn]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([a.displaced_px != (0, 0) for a in drawn]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([a.gains != () for a in drawn]) == pytest.approx(0.5, abs=0.1)
    assert all(draw_accidents(config, rng, is_recorded=True).gains == () for _ in range(50))


def test_real_pairs_that_are_consecutive_bring_their_history(tmp_path):
    folder = recorded(tmp_path / "clip")
    pairs = [PairFolder(path=str(folder), consecutive=True)]
    made = TrainingSource(DataConfig(pairs=pairs, clips=QUIET, flips=False), seed=0)
    batch = made.samples(range(16), 96)
    for input_CHW, origin in zip(batch.input_BCHW, batch.origins, strict=True):
        change = (input_CHW[3:6] - input_CHW[:3]).abs()
        if origin.file.endswith("000.png"):
            assert change.max() == 0  # nothing came before the first frame
        else:
            assert 0 < change[:, 16:-16, 16:-16].mean() < 0.03  # aligned, and still another frame
    assert (batch.input_BCHW[:, :3] - batch.target_BCHW).mean() == pytest.approx(10 / 255, abs=0.01)


def test_real_pairs_that_are_not_consecutive_are_single_images(tmp_path):
    folder = recorded(tmp_path / "clip")
    made = TrainingSource(DataConfig(pairs=[PairFolder(path=str(folder))], clips=QUIET), seed=0)
    batch = made.samples(range(4), 64)
    assert torch.equal(older(batch), batch.input_BCHW[:, :3].repeat(1, 2, 1, 1))


@pytest.mark.parametrize("kind", ["rain", "pair"])
def test_frames_before_are_of_the_same_clip_where_one_folder_holds_several(kind, tmp_path, stills):
    """As REDS names them, 000_00001.png; black clips lie before white ones."""
    for side in ("input", "target"):
        (tmp_path / "clips" / side).mkdir(parents=True)
        for clip in range(4):
            for number in range(3):
                frame = np.full((80, 80, 3), 255 * (clip % 2), np.uint8)
                cv2.imwrite(str(tmp_path / "clips" / side / f"{clip:03}_{number:05}.png"), frame)
    folders = {"videos": [Folder(path=str(tmp_path / "clips" / "target"))]}
    if kind == "pair":
        folders = {"pairs": [PairFolder(path=str(tmp_path / "clips"), consecutive=True)]}
    clips = replace(QUIET, video_share=1, dropped_share=0.5)
    batch = source(stills, clips, shares=only(kind), **folders).samples(range(24), 64)
    for given, target, origin in zip(batch.input_BCHW, batch.target_BCHW, batch.origins, strict=True):
        level = float(int(Path(origin.file).name[:3]) % 2)
        assert target.median() == pytest.approx(level, abs=0.25), "with the haze of the rain"
        for frame in given.split(3):
            assert frame.median() == pytest.approx(level, abs=0.25)


def test_recorded_clean_frames_are_degraded_as_clips(tmp_path, stills):
    folder = recorded(tmp_path / "clip")
    clips = replace(QUIET, video_share=1)
    made = source(
        stills, clips, shares=only("rain"), videos=[Folder(path=str(folder / "target"))], downscale=(1, 1)
    )
    batch = made.samples(range(8), 96)
    assert all("target" in origin.file for origin in batch.origins)
    assert ((batch.input_BCHW[:, :3] - batch.target_BCHW) > 0.1).any()
    near = (older(batch)[:, :3] - batch.target_BCHW)[..., 16:-16, 16:-16].abs()
    assert near.median() < 0.05


@pytest.mark.parametrize("setting", ["history", "dropped_frames"])
def test_settings_out_of_range_are_named(setting):
    with pytest.raises(ValueError, match=f"{setting}=0"):
        ClipConfig(**{setting: 0})
