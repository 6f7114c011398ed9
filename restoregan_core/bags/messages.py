# SPDX-License-Identifier: Apache-2.0
"""A bag's messages as objects, for the few types that replay reads."""

from typing import Any

from restoregan_core.bags.reader import Bag
from restoregan_core.bags.types import Message
from restoregan_core.bags.video import VIDEO_TYPE

IMAGE_TYPE = "sensor_msgs/msg/Image"
COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
INFO_TYPE = "sensor_msgs/msg/CameraInfo"
FOXGLOVE_COMPRESSED_TYPE = "foxglove_msgs/msg/CompressedImage"
CAMERA_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE, FOXGLOVE_COMPRESSED_TYPE, VIDEO_TYPE)
READ_SERIALIZATIONS = ("cdr", "ros1")


class MessageTypes:
    """Deserialises the few types that replay reads. Every other type of the bag may be unknown or broken."""

    def __init__(self, bag: Bag) -> None:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore

        self._is_ros1 = bag.is_ros1
        self._definitions = {topic.msgtype: topic.definition for topic in bag.topics.values()}
        self._store = get_typestore(Stores.ROS1_NOETIC if bag.is_ros1 else Stores.ROS2_JAZZY)
        for topic in bag.topics.values():
            if topic.msgtype in self._store.types or topic.msgtype.split("/")[0] not in _EXTRA_PACKAGES:
                continue
            try:
                types = get_types_from_msg(topic.definition, topic.msgtype)
                known = self._store.types
                self._store.register({name: text for name, text in types.items() if name not in known})
            except Exception:  # a broken definition: its topic stays unread
                continue

    def deserialize(self, message: Message) -> Any | None:
        """The message as an object of rosbags; None for bytes or a type that cannot be read."""
        try:
            if self._is_ros1:
                return self._store.deserialize_ros1(message.data, message.msgtype)
            return self._store.deserialize_cdr(_as_xcdr1(message), message.msgtype)
        except Exception:  # rosbags raises whatever the broken bytes lead to
            return None

    def definition(self, msgtype: str) -> str:
        """The message's text as recorded."""
        return self._definitions.get(msgtype, "")


_EXTRA_PACKAGES = ("vision_msgs", "foxglove_msgs")


def _as_xcdr1(message: Message) -> bytes:
    """Bytes that rosbags can read: it refuses plain XCDR2 (OMG DDS-XTypes 1.3, 7.6.2.1.2).

    That differs from XCDR1 in the alignment of eight-byte members alone, of which images have none.
    """
    is_plain_xcdr2 = message.data[:2] in (b"\0\6", b"\0\7")
    if is_plain_xcdr2 and message.msgtype in CAMERA_TYPES:
        return b"\0" + bytes([message.data[1] - 6]) + message.data[2:]
    return message.data
