# SPDX-License-Identifier: Apache-2.0
"""Samples for a recurrent network: frames in their order, how they lie over each other, and what goes wrong."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from clips import only, recorded, soft_image, write_stills

from restoregan_core.data.clips import ClipConfig
from restoregan_core.data.config import DataConfig, Folder, PairFolder, ReuseConfig
from restoregan_core.data.degrade import DegradeConfig, Shares
from restoregan_core.data.sensor import SensorConfig
from restoregan_core.data.sequences import Mishaps, SequenceBatch, draw_mishaps, make_sequence
from restoregan_core.data.sources import TrainingSource
from restoregan_core.images.alignment import warp
from restoregan_core.images.blur_path import path_image

COUNT = 4
QUIET = ClipConfig(
    unrolled=COUNT,
    path=True,
    veil_share=0,
    dropped_share=0,
    repeated_share=0,
    missing_share=0,
    failed_share=0,
    jump_share=0,
    single_share=0,
    spared_share=0,
)


def frames(count=COUNT, shift=4, side=96):
    whole = soft_image(9, 200, 400)
    return [np.ascontiguousarray(whole[20 : 20 + side, shift * k : shift * k + side]) for k in range(count)]


def source(clips=QUIET, seed=0, **options):
    return TrainingSource(DataConfig(clips=clips, **options), seed=seed)


@pytest.fixture
def stills(tmp_path):
    return [Folder(path=str(write_stills(tmp_path / "stills")))]


def assert_equal(one: SequenceBatch, other: SequenceBatch):
    for name, images in one.tensors().items():
        assert torch.equal(images, other.tensors()[name]), name
    assert [origin.to_dict() for origin in one.origins] == [origin.to_dict() for origin in other.origins]


def image_of(batch, name, number):
    return np.ascontiguousarray(batch.tensors()[name][0, number].permute(1, 2, 0).numpy())


def test_the_frame_before_lies_over_each_frame_along_its_flow():
    seen = frames()
    made = make_sequence(seen, seen, Mishaps(), path=True)
    assert made.begins_BT.tolist() == [[True, False, False, False]]
    assert not made.flow_BT2HW[0, 0].any()
    for number in range(1, COUNT):
        flow = image_of(made, "flow_BT2HW", number)
        inner = slice(16, -16)
        before = warp(seen[number - 1], flow)[inner, inner].astype(int)
        assert np.abs(before - seen[number][inner, inner]).mean() < 2
        np.testing.assert_array_equal(image_of(made, "path_BTCHW", number), path_image(seen[number], flow))
    np.testing.assert_array_equal(image_of(made, "path_BTCHW", 0), path_image(seen[0], None))


def test_single_images_begin_each():
    made = make_sequence(frames(), frames(), Mishaps(spared=(0, 2)), path=False, is_clip=False)
    assert made.begins_BT.all()
    assert not made.flow_BT2HW.any()
    assert not made.spared_BT1HW.any()
    assert made.path_BTCHW.shape == (1, COUNT, 0, 96, 96)


def test_history_starts_over_where_it_is_missing():
    made = make_sequence(frames(), frames(), Mishaps(starts_over=2, fails=2, displaced_px=(9, 0)), path=True)
    assert made.begins_BT.tolist() == [[True, False, True, False]]
    assert not made.flow_BT2HW[0, 2].any()
    np.testing.assert_array_equal(image_of(made, "path_BTCHW", 2), path_image(frames()[2], None))


def test_alignment_fails_for_one_frame_alone():
    seen = frames()
    well = make_sequence(seen, seen, Mishaps(), path=True)
    displaced = make_sequence(seen, seen, Mishaps(fails=2, displaced_px=(8, -6)), path=True)
    change = displaced.flow_BT2HW - well.flow_BT2HW
    torch.testing.assert_close(change[0, 2], torch.tensor([4.0, -3.0])[:, None, None].expand(2, 48, 48))
    assert not change[0, [0, 1, 3]].any()
    mirrored = make_sequence(seen, seen, Mishaps(fails=2, is_other_scene=True), path=True)
    shown = warp(seen[1], image_of(mirrored, "flow_BT2HW", 2)).astype(int)
    aligned = warp(seen[1], image_of(well, "flow_BT2HW", 2))[::-1, ::-1]
    assert np.abs(shown - aligned)[4:-4, 4:-4].max() <= 3


def test_frames_pass_the_gate_wholly_or_in_part():
    made = make_sequence(frames(), frames(), Mishaps(spared=(1, 3), spared_box=(0.5, 0, 1, 1)), path=True)
    assert made.spared_BT1HW.sum((2, 3, 4)).tolist() == [[0, 48 * 96, 48 * 96, 0]]
    assert made.spared_BT1HW[0, 1, 0, 48:].all()


def test_every_mishap_is_drawn_as_often_as_its_share_says():
    config = replace(QUIET, missing_share=0.5, failed_share=0.5, spared_share=0.5)
    rng = np.random.default_rng(0)
    drawn = [draw_mishaps(config, rng) for _ in range(400)]
    assert np.mean([m.starts_over > 0 for m in drawn]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([m.fails > 0 for m in drawn]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([m.spared != (0, 0) for m in drawn]) == pytest.approx(0.5, abs=0.1)
    spared = {m.spared for m in drawn} - {(0, 0)}
    assert spared == {(first, end) for first in range(COUNT - 1) for end in range(first + 1, COUNT)}
    assert draw_mishaps(QUIET, rng) == Mishaps()


def test_each_way_to_make_clips_gives_frames_and_their_ground_truth(stills, tmp_path):
    videos = [Folder(path=str(recorded(tmp_path / "recorded") / "target"))]
    quiet = DegradeConfig(sensor=SensorConfig(noise_share=0, jpeg_share=0))
    for kind, options in (
        ("rain", {}),
        ("blur", {}),
        ("rain", {"videos": videos, "downscale": (1, 1)}),
    ):
        made = source(
            replace(QUIET, video_share=1),
            sharp=stills,
            degrade=quiet,
            shares=only(kind),
            **options,
        )
        batch = made.sequences(range(3), 64)
        assert batch.seen_BTCHW.shape == batch.wanted_BTCHW.shape == (3, COUNT, 3, 64, 64)
        assert batch.seen_BTCHW.dtype == torch.uint8
        difference_BT = (batch.seen_BTCHW.float() - batch.wanted_BTCHW).abs().mean((2, 3, 4))
        assert (difference_BT.mean(0) > 0.2).all(), "the frames are degraded"
        assert not torch.equal(batch.wanted_BTCHW[:, 0], batch.wanted_BTCHW[:, 1])


def test_clean_sequences_are_their_own_ground_truth_noise_included(stills):
    noisy = DegradeConfig(sensor=SensorConfig(noise_share=1, read=(0.02, 0.02), jpeg_share=0.5))
    made = source(sharp=stills, degrade=noisy, shares=only("clean"))
    batch = made.sequences(range(3), 64)
    assert torch.equal(batch.seen_BTCHW, batch.wanted_BTCHW)


def test_real_pairs_are_frames_of_one_clip_forwards_or_backwards(tmp_path):
    for prefix, seed in (("a_", 1), ("b_", 2)):
        recorded(tmp_path, COUNT, prefix=prefix, seed=seed)
    made = source(pairs=[PairFolder(path=str(tmp_path), consecutive=True)], flips=False)
    batch = made.sequences(range(12), 96)
    assert torch.equal(batch.seen_BTCHW, batch.wanted_BTCHW + 10)
    # All that moves slides by 3 px a frame: over a cut it would not.
    slides = batch.flow_BT2HW[:, 1:, :, 12:-12, 12:-12].flatten(3).median(3).values
    assert slides[..., 1].abs().max() < 0.2
    rightward = slides[..., 0].sign()
    assert torch.allclose(slides[..., 0].abs(), torch.tensor(1.5), atol=0.2)
    assert (rightward == rightward[:, :1]).all()
    assert set(rightward[:, 0].tolist()) == {-1.0, 1.0}


def test_frames_that_were_dropped_are_taken_from_clips_that_are_long_enough(tmp_path):
    recorded(tmp_path, count=3 * (COUNT - 1) + 1, shift=1)
    folder = [PairFolder(path=str(tmp_path), consecutive=True)]
    batch = source(replace(QUIET, dropped_share=1), pairs=folder).sequences(range(8), 96)
    slides = batch.flow_BT2HW[:, 1, 0, 12:-12, 12:-12].flatten(1).median(1).values.abs()
    assert sorted({round(2 * float(slide)) for slide in slides}) == [2, 3]


def test_a_folder_of_clips_that_are_too_short_is_named(tmp_path):
    recorded(tmp_path, count=COUNT - 1)
    with pytest.raises(
        ValueError, match=f"has no {COUNT} frames of one clip in a row: lower data.clips.unrolled"
    ):
        source(pairs=[PairFolder(path=str(tmp_path), consecutive=True)])


def test_pairs_that_are_not_consecutive_are_single_images(tmp_path):
    recorded(tmp_path)
    batch = source(pairs=[PairFolder(path=str(tmp_path))]).sequences(range(3), 64)
    assert batch.begins_BT.all()
    assert torch.equal(batch.seen_BTCHW, batch.wanted_BTCHW + 10)


def test_a_sample_of_single_images_shows_as_many(stills):
    made = source(replace(QUIET, single_share=1), sharp=stills, shares=only("rain"))
    batch = made.sequences(range(3), 64)
    assert batch.begins_BT.all()
    assert not torch.equal(batch.wanted_BTCHW[:, 0], batch.wanted_BTCHW[:, 1])


@pytest.mark.parametrize("reuse", [None, ReuseConfig(images=3, size=80)])
def test_a_sample_depends_on_nothing_but_seed_number_and_size(reuse, stills):
    config = replace(
        ClipConfig(), unrolled=3, missing_share=0.5, failed_share=0.5, spared_share=0.5, single_share=0.3
    )
    options = {
        "sharp": stills,
        "reuse": reuse,
        "input_noise": 0.02,
        "shares": only("rain"),
    }
    batch = source(config, **options).sequences([5, 3], 64)
    assert_equal(batch, source(config, **options).sequences([5, 3], 64))
    alone = source(config, **options).sequences([3], 64)
    assert torch.equal(batch.seen_BTCHW[1:], alone.seen_BTCHW)
    assert torch.equal(batch.spared_BT1HW[1:], alone.spared_BT1HW)
    assert not torch.equal(source(config, seed=1, **options).sequences([3], 64).seen_BTCHW, alone.seen_BTCHW)


def test_what_is_cut_from_the_pool_keeps_frames_and_ground_truth_together(tmp_path):
    recorded(tmp_path)
    folder = [PairFolder(path=str(tmp_path), consecutive=True)]
    batch = source(pairs=folder, reuse=ReuseConfig(images=2, size=96)).sequences(range(8), 64)
    assert torch.equal(batch.seen_BTCHW, batch.wanted_BTCHW + 10)
    assert len({(origin.top, origin.left) for origin in batch.origins}) > 4
    assert not batch.begins_BT[:, 1:].any()


def test_two_ranks_see_what_one_process_sees(stills):
    made = source(sharp=stills, shares=Shares(pair=0))
    (whole,) = islice(made.batches(1, 2, 0, 1, 64, workers=1), 1)
    parts = [next(made.batches(1, 2, rank, 2, 64, workers=0)) for rank in range(2)]
    assert_equal(SequenceBatch.of(parts), whole)
    assert whole.target_BCHW.shape == (2 * COUNT, 3, 64, 64)


@pytest.mark.parametrize(
    ("setting", "value"), [("unrolled", 0), ("unrolled", 10), ("history", 1), ("spared_share", 2)]
)
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value}"):
        replace(QUIET, **{setting: value})
