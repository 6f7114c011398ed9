# SPDX-License-Identifier: Apache-2.0
"""Messages of a bag as objects: images of every serialisation that recorders write."""

from pathlib import Path

import numpy as np
import pytest
from replay_bags import COMPRESSED, IMAGE, START_NS, STORE, compressed, image_message, rgb_image, write_bag

from restoregan_core.bags.messages import MessageTypes
from restoregan_core.bags.reader import open_bag
from restoregan_core.bags.types import Message


@pytest.mark.parametrize(("make", "msgtype"), [(image_message, IMAGE), (compressed, COMPRESSED)])
@pytest.mark.parametrize("is_little_endian", [True, False])
def test_images_in_plain_xcdr2_are_read(tmp_path: Path, make, msgtype: str, is_little_endian: bool) -> None:
    written = make(rgb_image(1), START_NS)
    xcdr1 = bytes(STORE.serialize_cdr(written, msgtype, little_endian=is_little_endian))
    xcdr2 = bytes([0, 6 + is_little_endian]) + xcdr1[2:]
    with open_bag(write_bag(tmp_path / "bag", [("/front/image", msgtype, START_NS, written)])) as bag:
        read = MessageTypes(bag).deserialize(Message("/front/image", msgtype, START_NS, xcdr2))
    assert read is not None
    assert np.array_equal(read.data, written.data)
    assert read.header == written.header


def test_a_type_with_eight_byte_members_in_xcdr2_is_not_read_as_something_else(tmp_path: Path) -> None:
    with open_bag(write_bag(tmp_path / "bag", [("/i", IMAGE, 1, image_message(rgb_image(1), 1))])) as bag:
        raw = Message("/info", "sensor_msgs/msg/CameraInfo", 1, b"\0\7\0\0" + bytes(300))
        assert MessageTypes(bag).deserialize(raw) is None
