# SPDX-License-Identifier: Apache-2.0
"""A bag's messages as objects, for the few types that replay reads."""

from typing import TYPE_CHECKING, Any

from restoregan_core.bags.reader import Bag
from restoregan_core.bags.types import Message
from restoregan_core.bags.video import VIDEO_TYPE

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

IMAGE_TYPE = "sensor_msgs/msg/Image"
COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"
INFO_TYPE = "sensor_msgs/msg/CameraInfo"
FOXGLOVE_COMPRESSED_TYPE = "foxglove_msgs/msg/CompressedImage"
CAMERA_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE, FOXGLOVE_COMPRESSED_TYPE, VIDEO_TYPE)
READ_SERIALIZATIONS = ("cdr", "ros1")


class MessageTypes:
    """Deserialises the few types that replay reads. Every other type of the bag may be unknown or broken."""

    def __init__(self, bag: Bag) -> None:
        from rosbags.typesys import Stores, get_typestore

        self._is_ros1 = bag.is_ros1
        self._topics = bag.topics
        self._release = Stores.ROS1_NOETIC if bag.is_ros1 else Stores.ROS2_JAZZY
        self._store = get_typestore(self._release)
        self._own_stores: dict[tuple[str, str], Typestore] = {}

    def deserialize(self, message: Message) -> Any | None:
        """The message as an object of rosbags; None for bytes or a type that cannot be read."""
        try:
            store = self._store_of(message)
            if self._is_ros1:
                return store.deserialize_ros1(message.data, message.msgtype)
            return store.deserialize_cdr(_as_xcdr1(message), message.msgtype)
        except Exception:  # rosbags raises whatever the broken bytes, or a broken definition, lead to
            return None

    def definition(self, message: Message) -> str:
        """The text of the message's type, as recorded with its topic."""
        topic = self._topics.get(message.topic)
        return topic.definition if topic else ""

    def _store_of(self, message: Message) -> "Typestore":
        """The types as the message's topic has them: in a bag that was merged, two may define one type differently."""
        from rosbags.typesys import get_types_from_msg, get_typestore

        msgtype = message.msgtype
        if msgtype in self._store.types or msgtype.split("/")[0] not in _EXTRA_PACKAGES:
            return self._store
        key = msgtype, self.definition(message)
        if key not in self._own_stores:
            # Kept at once: a definition that is broken is not parsed for each message again.
            store = self._own_stores[key] = get_typestore(self._release)
            types = get_types_from_msg(key[1], msgtype)
            store.register({name: text for name, text in types.items() if name not in store.types})
        return self._own_stores[key]


_EXTRA_PACKAGES = ("vision_msgs", "foxglove_msgs")


def _as_xcdr1(message: Message) -> bytes:
    """Bytes that rosbags can read: it refuses plain XCDR2 (OMG DDS-XTypes 1.3, 7.6.2.1.2).

    That differs from XCDR1 in the alignment of eight-byte members alone, of which images have none.
    """
    is_plain_xcdr2 = message.data[:2] in (b"\0\6", b"\0\7")
    if is_plain_xcdr2 and message.msgtype in CAMERA_TYPES:
        return b"\0" + bytes([message.data[1] - 6]) + message.data[2:]
    return message.data
