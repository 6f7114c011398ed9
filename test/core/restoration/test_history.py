# SPDX-License-Identifier: Apache-2.0
"""What a camera's last frames show."""

import cv2
import numpy as np
import pytest

from restoregan_core.images.alignment import find_flow, half_image
from restoregan_core.images.blur_path import path_image
from restoregan_core.restoration.history import LONGEST_GAP_S, FrameHistory


def scene(seed, shift=0, height=96, width=160):
    """Large soft shapes that differ from seed to seed, moved to the left by ``shift`` px."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 16, 2 * width // 16, 3), dtype=np.uint8)
    large = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    return np.ascontiguousarray(large[:, shift : shift + width])


def taken(*frames, length=2, camera="front", step_s=0.1):
    history = FrameHistory(length)
    for number, frame in enumerate(frames):
        history.take(camera, frame, number * step_s)
    return history


def test_the_first_frame_has_no_history():
    assert taken(scene(0)).look_back("front") is None
    assert FrameHistory(2).look_back("a camera that never came") is None


def test_frames_come_back_newest_first():
    frames = [scene(0) // 2 + np.uint8(value) for value in (0, 20, 40)]
    newer, older = taken(*frames).look_back("front").beside()
    for aligned, frame in ((newer, frames[1]), (older, frames[0])):
        assert np.abs(aligned.astype(int) - frame).mean() < 1


def test_the_oldest_frame_stands_for_those_that_are_missing():
    newer, older = taken(scene(0), scene(0)).look_back("front").beside()
    np.testing.assert_array_equal(newer, older)


def test_only_the_last_frames_are_kept():
    history = taken(*[scene(0)] * 10)
    assert len(history.look_back("front").beside()) == 2
    assert len(history.state()) == 2 * 3


def test_a_buffer_that_its_owner_writes_to_again_is_remembered_as_it_was():
    history = FrameHistory(1)
    buffer = scene(0)
    history.take("front", buffer)
    first = buffer.copy()
    buffer[:] = buffer // 2 + 60
    history.take("front", buffer)
    assert np.abs(history.look_back("front").beside()[0].astype(int) - first).mean() < 3


def test_cameras_do_not_see_each_other():
    history = FrameHistory(1)
    history.take("front", scene(0))
    history.take("rear", scene(1))
    assert history.look_back("front") is None
    history.take("front", scene(0))
    np.testing.assert_array_equal(history.look_back("front").beside()[0], scene(0))


@pytest.mark.parametrize("stamp_s", [-0.01, 5 + LONGEST_GAP_S + 0.01, 1e9])
def test_history_starts_over_where_time_jumps(stamp_s):
    history = FrameHistory(2)
    history.take("front", scene(0), 5.0 if stamp_s > 0 else 0.0)
    history.take("front", scene(0), stamp_s)
    assert history.look_back("front") is None


@pytest.mark.parametrize("stamps", [(0.0, 0.0, 0.0), (None, None, None), (1.0, None, 1.2), (7.0, 7.3, 8.2)])
def test_stamps_that_say_nothing_and_frames_that_were_left_out_are_not_a_jump(stamps):
    history = FrameHistory(2)
    for stamp_s in stamps:
        history.take("front", scene(0), stamp_s)
    assert len(history.look_back("front").beside()) == 2


def test_history_starts_over_at_another_size():
    history = taken(scene(0), scene(0, height=80))
    assert history.look_back("front") is None


def test_a_cut_to_another_scene_ends_the_history():
    history = taken(scene(0), scene(0), scene(5))
    assert history.look_back("front") is None
    history.take("front", scene(5), 0.3)
    newer, older = history.look_back("front").beside()
    np.testing.assert_array_equal(newer, scene(5))
    np.testing.assert_array_equal(older, newer)  # not the scene before the cut


def test_a_moving_camera_is_not_cut():
    assert len(taken(*[scene(0, shift=4 * k) for k in range(3)]).look_back("front").beside()) == 2


def test_fog_is_not_cut():
    grey = np.full((96, 160, 3), 128, np.uint8)
    noisy = [grey + np.random.default_rng(k).integers(0, 3, grey.shape, dtype=np.uint8) for k in range(3)]
    assert len(taken(*noisy).look_back("front").beside()) == 2


def test_asking_between_frames_or_only_at_the_end_gives_the_same():
    frames = [scene(0, shift=3 * k) for k in range(5)]
    patient, curious = FrameHistory(2), FrameHistory(2)
    for number, frame in enumerate(frames):
        patient.take("front", frame, number / 10)
        curious.take("front", frame, number / 10)
        curious.look_back("front")
    for one, other in zip(
        patient.look_back("front").beside(), curious.look_back("front").beside(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_history_goes_on_where_another_was_stopped():
    frames = [scene(0, shift=3 * k) for k in range(5)]
    whole = taken(*frames)
    stopped = taken(*frames[:3])
    resumed = FrameHistory(2)
    resumed.load_state(stopped.state())
    for number in (3, 4):
        resumed.take("front", frames[number], number * 0.1)
    for one, other in zip(
        whole.look_back("front").beside(), resumed.look_back("front").beside(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_state_that_is_none_is_refused():
    frame = {"frame 0 front": np.zeros((4, 4), np.float32)}
    with pytest.raises(ValueError, match="frame 0 of 'front' has no stamp"):
        FrameHistory(2).load_state(frame)
    with pytest.raises(ValueError, match="frame 0 of 'front' must be uint8 RGB"):
        FrameHistory(2).load_state({**frame, "stamp 0 front": np.array(0.0)})


def test_cameras_whose_names_hold_spaces_are_kept_apart():
    history = FrameHistory(1)
    history.take("front left", scene(0))
    history.take("front", scene(1))
    other = FrameHistory(1)
    other.load_state(history.state())
    other.take("front left", scene(0))
    np.testing.assert_array_equal(other.look_back("front left").beside()[0], scene(0))


def test_what_is_reset_is_forgotten():
    history = taken(scene(0))
    history.take("rear", scene(1))
    history.reset("front")
    history.take("front", scene(0), 9.0)
    assert history.look_back("front") is None
    history.take("rear", scene(1))
    assert len(history.look_back("rear").beside()) == 2
    history.reset()
    assert history.state() == {}


def test_without_length_nothing_is_kept():
    history = taken(scene(0), scene(0), length=0)
    assert history.state() == {}
    assert history.look_back("front") is None
    with pytest.raises(ValueError, match="length=-1"):
        FrameHistory(-1)


def test_an_assessor_sees_nothing_before_the_first_frame_or_across_a_cut():
    assert FrameHistory(2).before("a camera that never came") is None
    assert taken(scene(0)).before("front") is None
    assert taken(scene(0), scene(1)).before("front") is None
    assert taken(scene(0), scene(0)).before("front") is not None


def test_an_assessor_sees_the_frames_before_from_where_the_current_one_was_taken():
    frames = [scene(0, shift=6 * k, height=192, width=320) for k in range(3)]
    before = taken(*frames).before("front")
    assert before.current.shape == before.aligned[0].shape == (48, 160)
    inner = (slice(6, -6), slice(12, -12))
    for aligned in before.aligned:
        assert np.abs(before.current[inner].astype(int) - aligned[inner]).mean() < 8
    assert abs(float(np.median(before.flow[..., 0])) - 6) < 1.5


def test_what_an_assessor_sees_is_the_same_live_and_resumed():
    frames = [scene(0, shift=3 * k) for k in range(5)]
    live, resumed = FrameHistory(2), FrameHistory(2)
    for number, frame in enumerate(frames):
        live.take("front", frame, number * 0.1)
        seen = live.before("front")
        if number == 3:
            resumed.load_state(live.state())
    resumed.take("front", frames[4], 0.4)
    again = resumed.before("front")
    for one, other in zip((seen.current, *seen.aligned), (again.current, *again.aligned), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(seen.flow, again.flow)


def test_fewer_aligned_frames_than_are_kept_can_be_asked_for():
    history = taken(scene(0), scene(0), scene(0))
    assert history.look_back("front", 0) is None
    assert [len(history.look_back("front", count).beside()) for count in (1, 2)] == [1, 2]


@pytest.mark.parametrize(("height", "width"), [(148, 250), (149, 251)])
def test_parts_of_the_aligned_frames_are_those_of_the_whole(height, width):
    rng, history = np.random.default_rng(0), FrameHistory(2)
    wide = cv2.GaussianBlur(rng.integers(0, 256, (height, width + 16, 3), np.uint8), (0, 0), 3)
    for shift in (0, 5, 11):
        history.take("front", wide[:, shift : shift + width])
    parts = [
        (slice(16, 80), slice(0, 96)), (slice(64, height), slice(128, width)), (slice(0, 32), slice(48, 112)),
    ]  # fmt: skip
    whole = history.look_back("front").beside()
    assert (whole[0] != wide[:, 5 : 5 + width]).any(), "they must have been moved"
    for found, expected in zip(history.look_back("front", parts=parts).beside(), whole, strict=True):
        for part in parts:
            np.testing.assert_array_equal(found[part], expected[part])


def test_the_path_follows_the_aligned_frames_where_there_are_any():
    history = FrameHistory(2, path=True)
    history.take("front", scene(0))
    assert history.look_back("front") is None
    history.take("front", scene(0, shift=6))
    *aligned, path = history.look_back("front").beside()
    assert len(aligned) == 2
    flow = find_flow(half_image(scene(0, shift=6)), half_image(scene(0)))
    np.testing.assert_array_equal(path, path_image(scene(0, shift=6), flow))
    history.take("front", scene(7))  # a cut
    assert history.look_back("front") is None
