# SPDX-License-Identifier: Apache-2.0
"""What a live run recorded besides images: the frames that were accepted, and a detector's findings."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.bags.messages import MessageTypes
from restoregan_core.bags.reader import BagError, open_bag
from restoregan_core.bags.writer import REPORT_TYPE, output_typestore
from restoregan_core.detection.detector import Detections

DETECTIONS_TYPE = "vision_msgs/msg/Detection2DArray"
_REPORT_ENDING = "/restored/report"

Recorded = dict[int, tuple[Detections, Detections]]
"""Stamp in nanoseconds -> what was found before and after restoration."""


def accepted_stamps(path: Path) -> dict[str, frozenset[int]]:
    """Per camera, stamps in nanoseconds of the frames that the node reported on in a recorded live run.

    Raises:
        BagError: no reports in the bag.
    """
    store = output_typestore()
    stamps: defaultdict[str, set[int]] = defaultdict(set)
    with open_bag(path) as bag:
        topics = [name for name, topic in bag.topics.items() if topic.msgtype == REPORT_TYPE]
        if not topics:
            raise BagError(
                f"{path} does not hold any {REPORT_TYPE}: record */restored/report of the live run"
            )
        for message in bag.messages(topics):
            stamp = store.deserialize_cdr(message.data, REPORT_TYPE).header.stamp
            camera = message.topic.removesuffix(_REPORT_ENDING).lstrip("/")
            stamps[camera].add(stamp.sec * 10**9 + stamp.nanosec)
    return {camera: frozenset(found) for camera, found in stamps.items()}


def recorded_detections(path: Path, before_topic: str, after_topic: str) -> Recorded:
    """Findings of the user's own detector on source and restored images, by their header's stamp.

    Class ids are turned into numbers in the order of their first appearance. The message is read as it was recorded:
    its fields changed between vision_msgs 2 (Foxy), 3 (Galactic) and 4.

    Raises:
        BagError: a topic that is missing, of another type or cannot be read.
    """
    classes: dict[str, int] = {}
    found: tuple[dict[int, Detections], dict[int, Detections]] = ({}, {})
    with open_bag(path) as bag:
        for topic in (before_topic, after_topic):
            if topic not in bag.topics or bag.topics[topic].msgtype != DETECTIONS_TYPE:
                raise BagError(f"{path} does not hold any {DETECTIONS_TYPE} on {topic}")
        types = MessageTypes(bag)
        for message in bag.messages([before_topic, after_topic]):
            array = types.deserialize(message)
            if array is None:
                raise BagError(
                    f"{path}: {message.topic} cannot be read: sqlite3 bags before Iron do not keep the definition of"
                    f" {DETECTIONS_TYPE}; where vision_msgs is installed, `ros2 bag convert` writes an mcap that does"
                )
            stamp_ns = array.header.stamp.sec * 10**9 + array.header.stamp.nanosec
            rows = []
            for one in array.detections:
                guesses = [_class_and_score(result) for result in one.results]
                if not guesses:
                    continue
                name, score = max(guesses, key=lambda guess: guess[1])
                class_id = classes.setdefault(name, len(classes))
                centre = getattr(one.bbox.center, "position", one.bbox.center)
                half_x, half_y = one.bbox.size_x / 2, one.bbox.size_y / 2
                rows.append(
                    (
                        centre.x - half_x,
                        centre.y - half_y,
                        centre.x + half_x,
                        centre.y + half_y,
                        score,
                        class_id,
                    )
                )
            table = np.array(rows, np.float64).reshape(-1, 6)
            found[message.topic == after_topic][stamp_ns] = Detections(
                table[:, :4].astype(np.float32), table[:, 4].astype(np.float32), table[:, 5].astype(np.int64)
            )
    return {stamp: (found[0][stamp], found[1][stamp]) for stamp in found[0] if stamp in found[1]}


def _class_and_score(result: Any) -> tuple[str, float]:
    hypothesis = getattr(result, "hypothesis", result)
    name = hypothesis.class_id if hasattr(hypothesis, "class_id") else hypothesis.id
    return str(name), hypothesis.score
