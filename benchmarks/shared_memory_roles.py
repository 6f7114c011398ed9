# SPDX-License-Identifier: Apache-2.0
"""The processes of shared_memory.py: a camera's driver, and a subscriber that notes which images it got.

Both talk to the benchmark in lines over standard input and output, and end with their input.
"""

import json
import struct
import sys
import threading
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_bench import leave, serialised_frame
from sensor_msgs.msg import Image

from restoregan_ros.image_cdr import read_image

QUALITY = {
    "best effort": QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT),
    "reliable": QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE),
    "at once": QoSProfile(depth=30, reliability=ReliabilityPolicy.BEST_EFFORT),
}


def drive(topic: str, height: int, width: int, subscribers: int) -> None:
    """Say ``ready`` when so many subscribe, then publish as each line says: first frame's time, period, number.

    The answer to a line is how many seconds that took.
    """
    node = rclpy.create_node("driver")
    publisher = node.create_publisher(Image, topic, QoSProfile(depth=5))
    frame, number = serialised_frame(height, width), 0
    while publisher.get_subscription_count() < subscribers:
        rclpy.spin_once(node, timeout_sec=0.1)
    print("ready", flush=True)
    for line in sys.stdin:
        due_s, period_s, frames = json.loads(line)
        started_s = time.monotonic()
        for _ in range(frames):
            time.sleep(max(0.0, due_s - time.monotonic()))
            # Late frames are not caught up with, as a camera's are not.
            due_s = max(due_s, time.monotonic()) + period_s
            number += 1
            publisher.publish(b"".join((frame[:4], struct.pack("<i", number), memoryview(frame)[8:])))
        print(time.monotonic() - started_s, flush=True)


def subscribe(quality: str, topics: list[str]) -> None:
    """Upon each line, say which frames have come: topic -> numbers."""
    node, came = rclpy.create_node("subscriber"), {topic: set[int]() for topic in topics}
    for topic in topics:
        node.create_subscription(
            Image, topic, lambda cdr, topic=topic: came[topic].add(read_image(cdr).sec), QUALITY[quality], raw=True
        )  # fmt: skip

    def answer() -> None:
        for _ in sys.stdin:
            print(json.dumps({topic: sorted(numbers) for topic, numbers in came.items()}), flush=True)
        leave(0)

    threading.Thread(target=answer, daemon=True).start()
    rclpy.spin(node)


if __name__ == "__main__":
    rclpy.init(args=[])
    if sys.argv[1] == "drive":
        drive(sys.argv[2], *map(int, sys.argv[3:]))
        leave(0)
    subscribe(sys.argv[2], sys.argv[3:])
