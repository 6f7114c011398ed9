# SPDX-License-Identifier: Apache-2.0
"""The user's own detector counts: its findings before and after are read from the bag and compared."""

from typing import Any

import numpy as np
import pytest
from mcap.writer import Writer
from replay_bags import START_NS, STEP_NS, drive, write_bag
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from restoregan_core.bags.reader import BagError
from restoregan_core.cli import main
from restoregan_core.replay.live_run import DETECTIONS_TYPE, recorded_detections
from restoregan_core.replay.state import ReplayFolder
from restoregan_core.replay.table import Frames

_LINE = "\n" + "=" * 80 + "\nMSG: "
DEFINITION = _LINE.join(
    (
        "std_msgs/Header header\nvision_msgs/Detection2D[] detections\n",
        "vision_msgs/Detection2D\nstd_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id\n",
        "vision_msgs/ObjectHypothesisWithPose\nvision_msgs/ObjectHypothesis hypothesis\n"
        "geometry_msgs/PoseWithCovariance pose\n",
        "vision_msgs/ObjectHypothesis\nstring class_id\nfloat64 score\n",
        "vision_msgs/BoundingBox2D\nvision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
        "vision_msgs/Pose2D\nvision_msgs/Point2D position\nfloat64 theta\n",
        "vision_msgs/Point2D\nfloat64 x\nfloat64 y\n",
        "std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n",
        "builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n",
        "geometry_msgs/PoseWithCovariance\ngeometry_msgs/Pose pose\nfloat64[36] covariance\n",
        "geometry_msgs/Pose\ngeometry_msgs/Point position\ngeometry_msgs/Quaternion orientation\n",
        "geometry_msgs/Point\nfloat64 x\nfloat64 y\nfloat64 z\n",
        "geometry_msgs/Quaternion\nfloat64 x\nfloat64 y\nfloat64 z\nfloat64 w\n",
    )
)
CAR, SIGN = ("car", 40.0, 30.0, 20.0, 10.0), ("sign", 90.0, 20.0, 12.0, 12.0)


def detections(topic: str, number: int, found: list[tuple[str, float, float, float, float]]) -> tuple:
    """A message with these (class, centre x, centre y, width, height), all sure."""
    store = get_typestore(Stores.ROS2_JAZZY)
    known = store.types
    types = get_types_from_msg(DEFINITION, DETECTIONS_TYPE)
    store.register({name: text for name, text in types.items() if name not in known})
    t = store.types
    stamp_ns = START_NS + number * STEP_NS
    header = t["std_msgs/msg/Header"](t["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9)), "front")
    pose = t["geometry_msgs/msg/PoseWithCovariance"](
        t["geometry_msgs/msg/Pose"](
            t["geometry_msgs/msg/Point"](0.0, 0.0, 0.0), t["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        ),
        np.zeros(36),
    )

    def one(name: str, x: float, y: float, width: float, height: float) -> Any:
        hypothesis = t["vision_msgs/msg/ObjectHypothesis"](name, 0.9)
        centre = t["vision_msgs/msg/Pose2D"](t["vision_msgs/msg/Point2D"](x, y), 0.0)
        return t["vision_msgs/msg/Detection2D"](
            header,
            [t["vision_msgs/msg/ObjectHypothesisWithPose"](hypothesis, pose)],
            t["vision_msgs/msg/BoundingBox2D"](centre, width, height),
            "",
        )

    message = t[DETECTIONS_TYPE](header, [one(*values) for values in found])
    data = bytes(store.serialize_cdr(message, DETECTIONS_TYPE))
    return topic, DETECTIONS_TYPE, DEFINITION, stamp_ns, data


@pytest.fixture
def bag(tmp_path):
    """Four frames: the second one's sign is found only after restoration, the third one's car only before."""
    before = [[CAR, SIGN], [CAR], [CAR, SIGN], []]
    after = [[CAR, SIGN], [CAR, SIGN], [SIGN], []]
    extra = [detections("/before", number, found) for number, found in enumerate(before)]
    extra += [detections("/after", number, found) for number, found in enumerate(after)]
    return write_bag(tmp_path / "bag", drive(4), extra=extra)


def test_boxes_are_read_by_their_stamp_and_class(bag) -> None:
    found = recorded_detections(bag, "/before", "/after")
    assert sorted(found) == [START_NS + number * STEP_NS for number in range(4)]
    before, after = found[START_NS]
    np.testing.assert_allclose(before.boxes_px, [[30, 25, 50, 35], [84, 14, 96, 26]])
    assert before.class_ids.tolist() == after.class_ids.tolist()
    assert len(set(before.class_ids.tolist())) == 2


FOXY = (
    DEFINITION.replace("vision_msgs/ObjectHypothesis hypothesis", "string id\nfloat64 score")
    .replace("vision_msgs/Pose2D center", "geometry_msgs/Pose2D center")
    .replace("string id\n" + _LINE, "bool is_tracking\nstring tracking_id\n" + _LINE)
    + _LINE + "geometry_msgs/Pose2D\nfloat64 x\nfloat64 y\nfloat64 theta\n"
)  # fmt: skip


def detections_of_foxy(topic: str) -> tuple:
    """A message with a car, of which the detector is not sure."""
    store = get_typestore(Stores.ROS2_FOXY)
    types = get_types_from_msg(FOXY, DETECTIONS_TYPE)
    store.register({name: text for name, text in types.items() if name not in store.types})
    t = store.types
    header = t["std_msgs/msg/Header"](t["builtin_interfaces/msg/Time"](*divmod(START_NS, 10**9)), "front")
    point, turn = (
        t["geometry_msgs/msg/Point"](0.0, 0.0, 0.0),
        t["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
    )
    pose = t["geometry_msgs/msg/PoseWithCovariance"](t["geometry_msgs/msg/Pose"](point, turn), np.zeros(36))
    guesses = [
        t["vision_msgs/msg/ObjectHypothesisWithPose"](name, score, pose)
        for name, score in (("7", 0.3), ("3", 0.8))
    ]
    box = t["vision_msgs/msg/BoundingBox2D"](t["geometry_msgs/msg/Pose2D"](40.0, 30.0, 0.0), 20.0, 10.0)
    one = t["vision_msgs/msg/Detection2D"](header, guesses, box, True, "")
    data = bytes(store.serialize_cdr(t[DETECTIONS_TYPE](header, [one]), DETECTIONS_TYPE))
    return topic, DETECTIONS_TYPE, FOXY, START_NS, data


def test_detections_of_foxy_are_read_by_the_definition_that_was_recorded(tmp_path) -> None:
    extra = [detections_of_foxy("/before"), detections_of_foxy("/after")]
    found = recorded_detections(write_bag(tmp_path / "bag", drive(1), extra=extra), "/before", "/after")
    np.testing.assert_allclose(found[START_NS][0].boxes_px, [[30, 25, 50, 35]])
    np.testing.assert_allclose(found[START_NS][0].scores, [0.8])


@pytest.mark.parametrize("older_is_first", [True, False])
def test_each_topic_is_read_by_its_own_definition(tmp_path, older_is_first: bool) -> None:
    """A file that was merged from two may define a type twice."""
    messages = [detections_of_foxy("/older"), detections("/newer", 0, [CAR])]
    path = tmp_path / "merged.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="ros2")
        for topic, msgtype, definition, time_ns, data in messages if older_is_first else messages[::-1]:
            schema = writer.register_schema(msgtype, "ros2msg", definition.encode())
            channel = writer.register_channel(topic, "cdr", schema)
            writer.add_message(channel, log_time=time_ns, publish_time=time_ns, data=data)
        writer.finish()
    older, newer = recorded_detections(path, "/older", "/newer")[START_NS]
    np.testing.assert_allclose([older.boxes_px, newer.boxes_px], [[[30, 25, 50, 35]]] * 2)
    np.testing.assert_allclose([older.scores, newer.scores], [[0.8], [0.9]])


def test_detections_whose_definition_the_bag_does_not_keep_are_refused_with_the_remedy(tmp_path) -> None:
    extra = [
        (*detections(topic, 0, [CAR])[:2], "", *detections(topic, 0, [CAR])[3:])
        for topic in ("/before", "/after")
    ]
    path = write_bag(tmp_path / "bag", drive(1), extra=extra)
    with pytest.raises(BagError, match=r"/before cannot be read: .* `ros2 bag convert`"):
        recorded_detections(path, "/before", "/after")


def test_the_report_counts_what_the_users_own_detector_gained_and_lost(bag, tmp_path, weights) -> None:
    output = tmp_path / "out"
    command = ["replay", str(bag), "--output", str(output), "--model", str(weights), "--runtime", "torch"]
    assert main([*command, "--preset", "off", "--detections", "/before", "/after"]) == 0
    columns = Frames(ReplayFolder(output).frames).columns("objects_gained", "objects_lost")
    assert columns["objects_gained"].tolist() == [0, 1, 0, 0]
    assert columns["objects_lost"].tolist() == [0, 0, 1, 0]


def test_a_topic_of_another_type_is_refused(bag) -> None:
    with pytest.raises(BagError, match=r"Detection2DArray on /front/image_raw"):
        recorded_detections(bag, "/before", "/front/image_raw")
