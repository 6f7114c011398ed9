# SPDX-License-Identifier: Apache-2.0
"""A bag goes through the node's own pipeline: what comes out, in which order, and the same every time."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest
from replay_bags import (
    COMPRESSED,
    IMAGE,
    START_NS,
    STEP_NS,
    TYPES,
    comparable,
    compressed,
    drive,
    header,
    image_message,
    images_of,
    messages_of,
    rgb_image,
    write_bag,
)  # fmt: skip

from restoregan_core.bags.writer import BagParts, OutputMessage
from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.images import encodings
from restoregan_core.replay.messages import OutputFormat
from restoregan_core.replay.replay import ReplayOptions, replay
from restoregan_core.replay.state import ReplayFolder, ReplayState, read_checkpoint
from restoregan_core.replay.summary import summarise_replay
from restoregan_core.replay.table import TIME_COLUMNS, Frames

RAW = OutputFormat(image_format="raw")


def rows_of(folder: ReplayFolder) -> list[dict]:
    import pyarrow.parquet as pq

    rows = pq.read_table(folder.frames).to_pylist()
    return [{k: repr(v) for k, v in row.items() if k not in TIME_COLUMNS} for row in rows]


def test_pixels_are_those_of_the_pipeline_and_stamps_those_of_the_source(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(7))
    folder = ReplayFolder(tmp_path / "out")
    state = replay(bag, folder, make_pipeline(), ReplayOptions(form=RAW, checkpoint_frames=3))
    assert (state.frames_done, state.is_complete, state.damage) == (7, True, [])

    reference = make_pipeline()
    expected = [reference.process(rgb_image(i), camera="front") for i in range(7)]
    assert {r.action.name for r in expected} >= {"RESTORED"}
    for found, wanted in zip(images_of(folder.bag), expected, strict=True):
        np.testing.assert_array_equal(found, wanted.image)
    for topic, time_ns, message in messages_of(folder.bag):
        stamp = message.header.stamp
        assert stamp.sec * 10**9 + stamp.nanosec == time_ns - 1000, topic
        assert message.header.frame_id == "front_optical"
    reports = [m for t, _, m in messages_of(folder.bag) if t.endswith("/report")]
    assert [r.action for r in reports] == [int(r.action) for r in expected]
    assert reports[0].model.startswith("tiny-")
    infos = [m for t, _, m in messages_of(folder.bag) if t.endswith("camera_info")]
    assert len(infos) == 7
    assert infos[0].k[0] == 100.0


def test_the_bag_is_written_in_parts_and_becomes_one_file(tmp_path, make_pipeline) -> None:
    from rosbags.rosbag2 import Reader

    bag = write_bag(tmp_path / "bag", drive(7))
    folder = ReplayFolder(tmp_path / "out")
    seen: set[str] = set()
    replay(
        bag, folder, make_pipeline("off"), ReplayOptions(checkpoint_frames=3),
        on_progress=lambda done, total: seen.update(f.name for f in folder.bag.iterdir()),
    )  # fmt: skip
    assert seen == {"bag_0.mcap", "bag_1.mcap", "metadata.yaml"}
    assert sorted(f.name for f in folder.bag.iterdir()) == ["bag.mcap", "metadata.yaml"]
    with Reader(folder.bag) as reader:
        assert reader.message_count == 21 == sum(1 for _ in reader.messages())
        assert {c.topic for c in reader.connections} == {
            "/front/restored/image_raw/compressed", "/front/restored/camera_info", "/front/restored/report",
        }  # fmt: skip


def test_parts_that_cannot_be_joined_stay_a_whole_bag(tmp_path, make_pipeline, monkeypatch) -> None:
    bag = write_bag(tmp_path / "bag", drive(7))
    joined, parts = ReplayFolder(tmp_path / "joined"), ReplayFolder(tmp_path / "parts")
    replay(bag, joined, make_pipeline(), ReplayOptions(checkpoint_frames=3))
    write = BagParts.write

    def full(self: BagParts, message: OutputMessage) -> None:
        if self._writer is not None and self._writer.path.name == "bag" and message.topic.endswith("report"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, message)

    monkeypatch.setattr(BagParts, "write", full)
    state = replay(bag, parts, make_pipeline(), ReplayOptions(checkpoint_frames=3))
    assert state.is_complete
    assert sorted(f.name for f in parts.bag.iterdir()) == [
        "bag_0.mcap", "bag_1.mcap", "bag_2.mcap", "metadata.yaml",
    ]  # fmt: skip
    assert comparable(parts.bag) == comparable(joined.bag)


class EnoughError(Exception):
    pass


def after_five(done: int, total: int) -> None:
    if done == 5:
        raise EnoughError


def test_two_runs_and_a_run_in_two_pieces_give_the_same(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(9))
    options = ReplayOptions(checkpoint_frames=2)
    first, second, pieces = (ReplayFolder(tmp_path / name) for name in ("first", "second", "pieces"))
    replay(bag, first, make_pipeline(), options)
    replay(bag, second, make_pipeline(), options)

    with pytest.raises(EnoughError):
        replay(bag, pieces, make_pipeline(), options, on_progress=after_five)
    assert pieces.bag.joinpath("metadata.yaml").is_file()
    done: list[int] = []
    replay(bag, pieces, make_pipeline(), options, on_progress=lambda n, total: done.append(n))
    assert done[0] == 5  # the fifth: two parts of two were finished, and are not done again
    for other in (second, pieces):
        assert comparable(first.bag) == comparable(other.bag)
        assert rows_of(first) == rows_of(other)


def test_a_recurrent_network_goes_on_with_what_it_made_of_the_last_frame(
    tmp_path, make_recurrent_pipeline
) -> None:
    messages = list(drive(7, is_still=True))  # so that every frame depends on those before
    bag, folder = write_bag(tmp_path / "bag", messages), ReplayFolder(tmp_path / "out")
    options = ReplayOptions(form=RAW, checkpoint_frames=4)
    with pytest.raises(EnoughError):
        replay(bag, folder, make_recurrent_pipeline("always"), options, on_progress=after_five)
    assert read_checkpoint(folder).frames_done == 4
    replay(bag, folder, make_recurrent_pipeline("always"), options)

    whole, forgetful = make_recurrent_pipeline("always"), make_recurrent_pipeline("always")
    differ = []
    for number, found in enumerate(images_of(folder.bag)):
        image = messages[2 * number + 1][3]
        rgb = np.reshape(image.data, (image.height, image.width, 3))
        stamp_s = (START_NS + number * STEP_NS) / 1e9
        np.testing.assert_array_equal(found, whole.process(rgb, "front", stamp_s=stamp_s).image)
        if number == 4:
            kept = forgetful.state()
            forgetful.load_state({name: kept[name] for name in kept if not name.startswith("answers")})
        differ.append((forgetful.process(rgb, "front", stamp_s=stamp_s).image != found).any())
    assert differ[:5] == [False] * 4 + [True], "the answer is looked at"


def test_what_a_checkpoint_promises_is_there_whenever_a_replay_is_killed(
    tmp_path, make_pipeline, monkeypatch
) -> None:
    """Whatever the checkpoint says at any time is true of the folder at that time."""
    bag, folder = write_bag(tmp_path / "bag", drive(6)), ReplayFolder(tmp_path / "out")
    promised: list[int] = []
    save = ReplayFolder.save

    def save_and_check(self: ReplayFolder, state: ReplayState) -> None:
        save(self, state)
        promised.append(read_checkpoint(self).frames_done)

    monkeypatch.setattr(ReplayFolder, "save", save_and_check)
    replay(bag, folder, make_pipeline("always"), ReplayOptions(checkpoint_frames=2))
    assert promised[-1] == 6
    assert len(promised) > 4


def test_other_settings_are_refused_in_the_same_folder(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(2))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("off"), ReplayOptions())
    with pytest.raises(ValueError, match=r"thresholds was .*--overwrite"):
        replay(bag, folder, make_pipeline("always"), ReplayOptions())
    assert replay(bag, folder, make_pipeline("always"), ReplayOptions(), overwrite=True).frames_done == 2


def test_a_folder_with_something_else_in_it_is_not_touched(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(2))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match=r"thesis\.txt"):
        replay(bag, ReplayFolder(tmp_path / "out"), make_pipeline("off"), ReplayOptions(), overwrite=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_a_jpeg_that_need_not_change_keeps_its_bytes(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(3, is_compressed=True))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("off"), ReplayOptions())
    found = [m for t, _, m in messages_of(folder.bag) if t == "/front/restored/image_raw/compressed"]
    for number, message in enumerate(found):
        np.testing.assert_array_equal(message.data, compressed(rgb_image(number), 0).data)


@pytest.mark.parametrize(("name", "worst"), [("jpeg", 25), ("png", 0)])
def test_image_formats_hold_the_restored_pixels(tmp_path, make_pipeline, name: str, worst: int) -> None:
    bag = write_bag(tmp_path / "bag", drive(2))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("always"), ReplayOptions(form=OutputFormat(image_format=name)))
    messages = [m for t, _, m in messages_of(folder.bag) if t.endswith("/compressed")]
    for number, message in enumerate(messages):
        wanted = make_pipeline("always").process(rgb_image(number)).image
        found = encodings.decode_compressed(message.format, message.data)
        assert np.abs(found.astype(int) - wanted).mean() <= worst
        assert name in message.format


def test_a_camera_that_changes_size_goes_on(tmp_path, make_pipeline) -> None:
    messages = list(drive(6))
    for number in (2, 3, 4):
        time_ns = START_NS + number * STEP_NS
        larger = image_message(rgb_image(number, height=128, width=192), time_ns)
        messages[2 * number + 1] = ("/front/image_raw", IMAGE, time_ns + 1000, larger)
    folder = ReplayFolder(tmp_path / "out")
    replay(write_bag(tmp_path / "bag", messages), folder, make_pipeline("always"), ReplayOptions(form=RAW))
    heights = [p.shape[0] for p in images_of(folder.bag)]
    assert heights == [96, 96, 128, 128, 128, 96]
    assert Frames(folder.frames).column("action").tolist() == ["RESTORED"] * 6


def test_frames_that_cannot_be_decoded_fail_open_and_say_why(tmp_path, make_pipeline) -> None:
    odd = image_message(rgb_image(0), START_NS, encoding="bayer_rgbw8")
    short = image_message(rgb_image(1), START_NS + STEP_NS)
    short.data = short.data[:50]
    promised = image_message(rgb_image(1), START_NS + STEP_NS)
    promised.height = promised.width = 100_000
    promised.step = 3 * promised.width
    messages = [
        ("/front/image_raw", IMAGE, START_NS, odd),
        ("/front/image_raw", IMAGE, START_NS + STEP_NS, short),
        ("/front/image_raw", IMAGE, START_NS + 2 * STEP_NS, promised),
        (
            "/front/image_raw",
            IMAGE,
            START_NS + 3 * STEP_NS,
            image_message(rgb_image(3), START_NS + 3 * STEP_NS),
        ),
    ]
    folder = ReplayFolder(tmp_path / "out")
    replay(write_bag(tmp_path / "bag", messages), folder, make_pipeline("off"), ReplayOptions(form=RAW))
    columns = Frames(folder.frames).columns("action", "reason")
    assert columns["action"].tolist() == ["FAILED_OPEN"] * 3 + ["PASSED_THROUGH"]
    assert columns["reason"].tolist() == ["UNSUPPORTED_ENCODING", "MALFORMED", "MALFORMED", "DISABLED"]
    published = [m for t, _, m in messages_of(folder.bag) if t.endswith("image_raw")]
    assert [m.encoding for m in published] == ["bayer_rgbw8", "rgb8", "rgb8", "rgb8"]
    np.testing.assert_array_equal(published[1].data, short.data)


def test_a_network_that_keeps_failing_is_asked_for_every_frame(tmp_path, make_pipeline) -> None:
    pipeline = make_pipeline("always")

    class Broken:
        name = "broken-000000000000"

        def __call__(self, rgb_HWC: np.ndarray) -> np.ndarray:
            raise RuntimeError("no more")

        def describe(self) -> str:
            return "broken"

    pipeline.restorer = Broken()
    folder = ReplayFolder(tmp_path / "out")
    replay(write_bag(tmp_path / "bag", drive(8)), folder, pipeline, ReplayOptions())
    assert Frames(folder.frames).column("reason").tolist() == ["RUNTIME_FAULT"] * 8


def test_two_cameras_keep_their_own_state_and_topics(tmp_path, make_pipeline) -> None:
    both = sorted([*drive(4), *drive(4, base="/rear")], key=lambda entry: entry[2])
    folder = ReplayFolder(tmp_path / "out")
    replay(write_bag(tmp_path / "bag", both), folder, make_pipeline(), ReplayOptions(form=RAW))
    front, rear = (images_of(folder.bag, f"/{name}/restored/image_raw") for name in ("front", "rear"))
    assert len(front) == len(rear) == 4
    for a, b in zip(front, rear, strict=True):
        np.testing.assert_array_equal(a, b)


def test_intrinsics_that_come_after_their_image_serve_the_first_one_too(tmp_path, make_pipeline) -> None:
    later = [
        (topic, msgtype, time_ns + (2000 if topic.endswith("camera_info") else 0), message)
        for topic, msgtype, time_ns, message in drive(3)
    ]
    bag = write_bag(tmp_path / "bag", sorted(later, key=lambda entry: entry[2]))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("off"), ReplayOptions(form=RAW))
    infos = [m for topic, _, m in messages_of(folder.bag) if topic == "/front/restored/camera_info"]
    assert [m.header.stamp.nanosec for m in infos] == [0, STEP_NS, 2 * STEP_NS]


@pytest.mark.parametrize("cameras", [("front",), ()])
def test_truth_is_found_by_its_stamp_and_is_not_a_camera(tmp_path, make_pipeline, cameras) -> None:
    def message(topic: str, number: int, late_ns: int, size: int) -> tuple:
        stamp_ns = START_NS + number * STEP_NS
        rgb = cv2.blur(rgb_image(number), (size, size))
        return f"/{topic}/image_raw", IMAGE, stamp_ns + late_ns, image_message(rgb, stamp_ns)

    degraded = [message("front", number, 0, 9) for number in range(4)]
    # Recorded late, and one is missing.
    clean = [message("clean", number, 90_000_000, 1) for number in (0, 1, 3)]
    folder = ReplayFolder(tmp_path / "out")
    bag = write_bag(tmp_path / "bag", sorted([*degraded, *clean], key=lambda entry: entry[2]))
    options = ReplayOptions(cameras=cameras, ground_truth_topic="/clean/image_raw")
    state = replay(bag, folder, make_pipeline("off"), options)
    assert state.frames_done == 4
    from restoregan_core.metrics.psnr_ssim import psnr_rgb

    found = Frames(folder.frames).column("psnr_before")
    assert found[0] == pytest.approx(psnr_rgb(cv2.blur(rgb_image(0), (9, 9)), rgb_image(0)))
    assert np.isnan(found[2].astype(float))
    assert np.isfinite(found[[0, 1, 3]].astype(float)).all()


def test_a_clean_bag_is_degraded_the_same_way_at_every_run(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(3))
    options = ReplayOptions(form=RAW, degradation=KnownDegradation.parse("rain:0.7"))
    folders = [ReplayFolder(tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        replay(bag, folder, make_pipeline("off"), options)
    assert comparable(folders[0].bag) == comparable(folders[1].bag)
    psnr = Frames(folders[0].frames).column("psnr_before")
    assert (psnr < 40).all()
    published = images_of(folders[0].bag)  # what the pipeline got
    assert not np.array_equal(published[1], rgb_image(1))


@pytest.mark.parametrize("text", ["snow", "rain:2", "rain:much"])
def test_an_invalid_degradation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"--degrade {text}"):
        KnownDegradation.parse(text)


def test_source_topics_are_copied_on_demand(tmp_path, make_pipeline) -> None:
    bag = write_bag(tmp_path / "bag", drive(2, is_compressed=True))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("off"), ReplayOptions(form=OutputFormat(with_source=True)))
    found = [m for t, _, m in messages_of(folder.bag) if t == "/front/image_raw/compressed"]
    assert len(found) == 2
    assert found[0].__msgtype__ == COMPRESSED


def test_every_recorded_camera_info_is_copied_once_wherever_it_stands(tmp_path, make_pipeline) -> None:
    spread = []
    for topic, msgtype, time_ns, message in drive(3):
        if topic.endswith("camera_info"):  # two of each, one after its image
            spread += [(topic, msgtype, time_ns, message), (topic, msgtype, time_ns + 2000, message)]
        else:
            spread.append((topic, msgtype, time_ns, message))
    bag = write_bag(tmp_path / "bag", sorted(spread, key=lambda m: m[2]))
    folder = ReplayFolder(tmp_path / "out")
    replay(bag, folder, make_pipeline("off"), ReplayOptions(form=OutputFormat(with_source=True)))
    times = sorted(t for topic, t, _ in messages_of(folder.bag) if topic == "/front/camera_info")
    assert times == sorted(m[2] for m in spread if m[0] == "/front/camera_info")


def test_the_definition_that_is_packaged_is_that_of_the_message() -> None:
    root = Path(__file__).resolve().parents[3]
    packaged = root / "restoregan_core/bags/RestorationReport.msg"
    assert packaged.read_text() == (root / "msg/RestorationReport.msg").read_text()


def test_a_depth_cameras_bag_gives_a_clean_verdict_without_options(tmp_path, make_pipeline) -> None:
    messages = list(drive(3, "/camera/color"))
    for _, _, time_ns, _ in list(messages):
        depth = TYPES[IMAGE](header(time_ns), 8, 8, "16UC1", 0, 16, np.full(128, 5, np.uint8))
        infrared = TYPES[IMAGE](
            header(time_ns), 64, 64, "mono8", 0, 64, rgb_image(1, 64, 64)[..., 0].reshape(-1)
        )
        messages.append(("/camera/depth/image_rect_raw", IMAGE, time_ns, depth))
        messages.append(("/camera/infra1/image_rect_raw", IMAGE, time_ns, infrared))
    folder = ReplayFolder(tmp_path / "out")
    state = replay(write_bag(tmp_path / "bag", messages), folder, make_pipeline("off"), ReplayOptions())
    report = summarise_replay(folder, state, deadline_ms=1e9, clips=0)
    assert sorted(report["cameras"]) == ["camera/color", "camera/infra1"]
    assert report["frames"]["failed_open"] == 0
    assert "No frame failed open." in [text for _, text in report["verdict"]["findings"]]
    assert any("/camera/depth/image_rect_raw (16UC1: depth)" in line for line in report["replay"]["notes"])
