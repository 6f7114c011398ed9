# SPDX-License-Identifier: Apache-2.0
"""Latency and CPU time per frame of restore_node beside a plain rclpy relay, frame by frame in one run.

    python benchmarks/node_latency.py --frames 60 --rate 5 --output docs/benchmarks/node_latency

Frames go alternately to the relay and to the node, so that both see the same machine and never compete.
Latency is from before the driver's publish to the detector's callback: two hops over DDS and all between.
CPU time is that of the process, idle time of the period included.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from ros_bench import Bench, init, leave, random_lite, running

from restoregan_core.commands.common import parse_size

SIZES = ((360, 640), (720, 1280), (1080, 1920))
MODES = {
    "disabled": {"enabled": False, "mode": "restore"},
    "assessed": {"enabled": True, "mode": "monitor"},
    "restored": {"enabled": True, "mode": "restore", "preset": "always"},
}


def relay() -> None:
    """The yardstick: what anybody would write in rclpy to pass an image on."""
    import rclpy
    from rclpy.qos import QoSProfile
    from rclpy.signals import SignalHandlerOptions
    from ros_bench import BEST_EFFORT
    from sensor_msgs.msg import Image

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # SIGTERM ends it
    node = rclpy.create_node("relay")
    publisher = node.create_publisher(Image, "relay/out", QoSProfile(depth=1))
    node.create_subscription(Image, "relay/in", publisher.publish, BEST_EFFORT)
    rclpy.spin(node)


def measure(
    bench: Bench,
    sources: dict,
    size: tuple[int, int],
    mode: str,
    frames: int,
    rate_hz: float,
    processes: dict,
    nodes: tuple[str, ...] = ("restore_node",),
) -> dict:
    """Percentiles in ms and CPU time per frame of two processes, each over ``frames`` frames, and the second one's as
    multiples of the first one's."""
    for node in nodes:
        bench.set_parameters_of(node, **MODES[mode])
    by_report = bench.report_s if mode == "assessed" else bench.image_s
    answers = {name: bench.image_s if name == "relay" else by_report for name in processes}
    stamps: dict[str, list[int]] = {name: [] for name in processes}
    warm_up = 5
    cpu_s = {}
    for number in range(frames + warm_up):
        if number == warm_up:
            cpu_s = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
        for name in stamps:
            stamp = len(bench.sent_s) + 1
            bench.send(sources[name], *size, stamp)
            if number >= warm_up:
                stamps[name].append(stamp)
            end_s = time.monotonic() + 5.0
            while stamp not in answers[name] and time.monotonic() < end_s:
                time.sleep(0.0005)
            time.sleep(max(0.0, bench.sent_s[stamp] + 0.5 / rate_hz - time.monotonic()))
    row: dict = {"size": f"{size[0]}x{size[1]}", "mode": mode}
    for name, process in processes.items():
        latencies_ms = [
            (answers[name][s] - bench.sent_s[s]) * 1e3 for s in stamps[name] if s in answers[name]
        ]
        p50, p99 = np.percentile(latencies_ms, [50, 99])
        row[name] = {
            "answered": len(latencies_ms),
            "p50_ms": round(float(p50), 2),
            "p99_ms": round(float(p99), 2),
            "max_ms": round(max(latencies_ms), 2),
            "cpu_ms_per_frame": round((sum(process.cpu_times()[:2]) - cpu_s[name]) * 1e3 / frames, 2),
        }
    first, second = (row[name] for name in processes)
    row["ratio_p50"] = round(second["p50_ms"] / first["p50_ms"], 2)
    row["ratio_cpu"] = round(second["cpu_ms_per_frame"] / max(first["cpu_ms_per_frame"], 0.01), 2)
    return row


def markdown(result: dict) -> str:
    lines = [
        "# Latency of restore_node beside a plain rclpy relay",
        "",
        f"Command: `{result['command']}`",
        "",
        f"Machine: {result['cpus']} CPU cores, load {result['load']:.1f} at the start;"
        f" {result['frames']} frames of bgr8 for each figure.",
        "Latency is from the driver's publish to the detector's callback, in ms; CPU is milliseconds of the",
        "process for each frame. Absolute figures depend on what else the machine does; relay and node took",
        "turns frame by frame, so their ratio depends on it far less.",
        "disabled is enabled:=false, assessed is mode:=monitor, restored is preset:=always.",
        "",
        "| size | mode | relay p50, p99, max | node p50, p99, max | ratio | CPU relay | CPU node | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        relayed, node = row["relay"], row["node"]
        times = [f"{r['p50_ms']}, {r['p99_ms']}, {r['max_ms']}" for r in (relayed, node)]
        cpu = [str(r["cpu_ms_per_frame"]) for r in (relayed, node)]
        cells = [row["size"], row["mode"], *times, str(row["ratio_p50"]), *cpu, str(row["ratio_cpu"])]
        lines.append(f"| {' | '.join(cells)} |")
    notes = """
How `enabled:=false` is passed on: the node's subscription is raw. rclpy makes a message of the bytes that
DDS delivers (one copy into a C message, one into Python), and the reverse to publish it; the node reads the
header from the bytes (`restoregan_ros/image_cdr.py`) and publishes the very same bytes. A frame that is
superseded, or that nobody wants, is never decoded. Assessment and restoration view the pixels in place, and
the restored image is written behind a header once.
"""
    return "\n".join(lines) + "\n" + notes


def write(result: dict, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    output.with_suffix(".md").write_text(markdown(result))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=60, help="for each figure (default 60)")
    parser.add_argument("--rate", type=float, default=5.0, help="Hz (default 5)")
    parser.add_argument("--sizes", nargs="+", type=parse_size, default=SIZES, metavar="HxW")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--model", help="default: a lite of random weights, which costs the same")
    parser.add_argument("--output", type=Path, help="written with .json and .md added")
    parser.add_argument("--relay", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.relay:
        relay()
        return 0
    bench, load = init(), os.getloadavg()[0]
    sources = {"relay": bench.source("relay/in"), "node": bench.source("camera/image_raw")}
    for topic in ("relay/out", "camera/restored/image_raw"):
        bench.listen_to_image(topic)
    bench.listen_to_report("camera/restored/report")
    parameters = [
        f"model:={given.model or random_lite()}",
        "autostart:=true",
        "deadline_ms:=5000.0",
        "hang_timeout_s:=60.0",
    ]
    parameters.append("warm_up_sizes:=[" + ",".join(f"'{h}x{w}'" for h, w in given.sizes) + "]")
    options = [word for parameter in parameters for word in ("-p", parameter)]
    rows: list[dict] = []
    command = "python benchmarks/node_latency.py " + " ".join(sys.argv[1:])
    result = {"command": command, "cpus": os.cpu_count(), "load": load, "frames": given.frames, "rows": rows}
    with (
        running(__file__, "--relay") as relaying,
        running("-m", "restoregan_ros.restore_node", "--ros-args", *options) as restoring,
    ):
        bench.wait_for_peers(list(sources.values()), ["relay/out", "camera/restored/report"])
        processes = {"relay": psutil.Process(relaying.pid), "node": psutil.Process(restoring.pid)}
        for size in given.sizes:
            for mode in given.modes:
                rows.append(measure(bench, sources, size, mode, given.frames, given.rate, processes))
                print(json.dumps(rows[-1]), flush=True)
                if given.output:
                    write(result, given.output)
    return 0


if __name__ == "__main__":
    leave(main())
