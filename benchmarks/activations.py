# SPDX-License-Identifier: Apache-2.0
"""Does restore_node's memory grow from one activation to the next, each with threads of its own?

    python benchmarks/activations.py --cycles 48
    MALLOC_ARENA_MAX=16 python benchmarks/activations.py     as glibc does it by default on two cores

Between two activations one camera sends frames of four sizes, each of which is restored. Each fourth time the network
is freed and loaded anew, too. Prints the node's own memory (USS).
"""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))
import psutil
import rclpy
from endurance_bench import SIZES, serialised
from rclpy.serialization import deserialize_message
from ros_bench import leave, set_environment
from ros_probe import NodeProcess, Probe
from sensor_msgs.msg import Image

FRAMES = 2
"""Of each size and activation."""


def run(cycles: int, print_every: int) -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    log = Path(tempfile.mkdtemp()) / "log.txt"
    parameters = {"preset": "always", "deadline_ms": 10_000.0}
    node = NodeProcess(
        "restoregan_ros.restore_node", int(os.environ["ROS_DOMAIN_ID"]), log, "", parameters
    ).wait_active()
    probe = Probe(context, "camera")
    process = psutil.Process(node.process.pid)
    frames = [
        deserialize_message(serialised("bgr8", size, is_sharp=False), Image)
        for size in SIZES
        for _ in range(FRAMES)
    ]
    print("| activation | memory, MB | threads |\n|---|---|---|")
    for cycle in range(cycles):
        probe.wait_connected()
        for number, frame in enumerate(frames):
            frame.header.stamp.sec = 100_000 + cycle * len(frames) + number
            probe.exchange(frame)
        if cycle % print_every == 0 or cycle == cycles - 1:
            memory_mb = process.memory_full_info().uss / 2**20
            print(f"| {cycle + 1} | {memory_mb:.0f} | {process.num_threads()} |", flush=True)
        anew = ("cleanup", "configure") if cycle % 4 == 3 else ()
        for label in ("deactivate", *anew, "activate"):
            assert probe.transition(label), f"{label} was refused"
    probe.close()
    node.signal(signal.SIGINT)
    node.wait_exit()
    rclpy.try_shutdown(context=context)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=48)
    parser.add_argument("--every", type=int, default=6, help="activations from one line to the next")
    given = parser.parse_args()
    set_environment()
    run(given.cycles, given.every)
    return 0


if __name__ == "__main__":
    leave(main())
