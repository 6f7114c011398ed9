# SPDX-License-Identifier: Apache-2.0
"""What replay costs around the network: memory over a long bag, and throughput against the network alone.

    python benchmarks/replay_cost.py memory --frames 10000
    python benchmarks/replay_cost.py throughput --model lite --size 720x1280 --frames 60
    python benchmarks/replay_cost.py steps --size 360x640 --frames 10 --turns 4

Memory is the resident set of this process, sampled while a bag of random images is replayed. Throughput is
measured in turns (network alone, whole replay), so that a busy machine burdens both alike. Steps compares, without a
bag, the pipeline's steps of a frame one after the other and beside each other, on one thread and on two; each turn's ms
a frame, on the wall and of all cores together.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from restoregan_core import load_pipeline
from restoregan_core.commands.common import parse_size
from restoregan_core.concurrency import prefetched
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.replay.replay import ReplayOptions, replay
from restoregan_core.replay.state import ReplayFolder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("memory", "throughput", "steps"))
    parser.add_argument("--model", default="lite")
    parser.add_argument("--size", type=parse_size, default=(64, 96))
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of the network, as of load_pipeline")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp())
    try:
        height, width = given.size
        if given.what == "steps":
            print(json.dumps(_steps(given)))
            return
        bag = _write_bag(root / "bag", given.frames, height, width)
        figures = _memory(given, bag, root) if given.what == "memory" else _throughput(given, bag, root)
        print(json.dumps(figures))
    finally:
        shutil.rmtree(root)


def _write_bag(path: Path, frames: int, height: int, width: int) -> Path:
    """A bag of JPEG frames, 25 a second: coarse random patches under as much noise."""
    store = get_typestore(Stores.ROS2_JAZZY)
    image_type = "sensor_msgs/msg/CompressedImage"
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = writer.add_connection("/front/image_raw/compressed", image_type, typestore=store)
        for number in range(frames):
            rng = np.random.default_rng(number)
            coarse = rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
            noise = rng.integers(0, 256, (height, width, 3), np.uint8)
            bgr_HWC = cv2.addWeighted(cv2.resize(coarse, (width, height)), 0.6, noise, 0.4, 0)
            jpeg = cv2.imencode(".jpg", bgr_HWC, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].reshape(-1)
            time_ns = 1_700_000_000 * 10**9 + number * 40_000_000
            stamp = store.types["builtin_interfaces/msg/Time"](*divmod(time_ns, 10**9))
            header = store.types["std_msgs/msg/Header"](stamp, "front_optical")
            message = store.types[image_type](header, "bgr8; jpeg compressed bgr8", jpeg)
            writer.write(topic, time_ns, store.serialize_cdr(message, image_type))
    return path


def _memory(given: argparse.Namespace, bag: Path, root: Path) -> dict:
    process = psutil.Process()
    resident_mb: dict[int, float] = {}

    def sample(done: int, total: int) -> None:
        if done % 1000 == 0:
            resident_mb[done] = round(process.memory_info().rss / 2**20, 1)

    pipeline = load_pipeline(given.model, preset="off", circuit_breaker=False)
    replay(bag, ReplayFolder(root / "out"), pipeline, ReplayOptions(), on_progress=sample)
    return {"resident_mb": resident_mb}


def _throughput(given: argparse.Namespace, bag: Path, root: Path) -> dict:
    height, width = given.size
    pipeline = load_pipeline(given.model, preset="always", circuit_breaker=False, threads=given.threads)
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    pipeline.restorer(rgb)
    rows = []
    for turn in range(given.turns):
        started_s = time.perf_counter()
        for _ in range(given.frames):
            pipeline.restorer(rgb)
        network_s = time.perf_counter() - started_s
        started_s = time.perf_counter()
        for _ in range(given.frames):
            pipeline.assessor.assess(rgb)
        assessor_s = 2 * (time.perf_counter() - started_s)  # source and result
        started_s = time.perf_counter()
        replay(bag, ReplayFolder(root / f"out_{turn}"), pipeline, ReplayOptions())
        replay_s = time.perf_counter() - started_s
        rows.append(
            {
                "network_fps": given.frames / network_s,
                "network_and_assessor_fps": given.frames / (network_s + assessor_s),
                "replay_fps": given.frames / replay_s,
                "replay_to_network": network_s / replay_s,
                "replay_to_network_and_assessor": (network_s + assessor_s) / replay_s,
            }
        )
    return {"runtime": pipeline.restorer.describe(), "turns": rows}


def _steps(given: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    height, width = given.size
    coarse = np.random.default_rng(0).integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    scene = cv2.resize(coarse, (width + 2 * given.frames, height + given.frames))
    frames = [np.ascontiguousarray(scene[i : i + height, 2 * i : 2 * i + width]) for i in range(given.frames)]
    pipelines = {
        threads: load_pipeline(given.model, preset="always", circuit_breaker=False, threads=threads)
        for threads in (1, 2)
    }

    def network(pipeline: RestorationPipeline) -> None:
        for frame in frames:
            pipeline.restorer.restore_aligned(frame, [frame] * pipeline.restorer.history)

    def in_a_row(pipeline: RestorationPipeline) -> None:
        for number, frame in enumerate(frames):
            pipeline.process(frame, stamp_s=number / 25)

    def overlapped(pipeline: RestorationPipeline) -> None:
        begun = (pipeline.begin(frame, stamp_s=number / 25) for number, frame in enumerate(frames))
        for step in prefetched(map(pipeline.run_network, prefetched(begun, 1)), 1):
            pipeline.finish(step)

    rows: dict[str, list[tuple[float, float]]] = {}
    for turn in range(given.turns + 1):  # the first one warms up
        for run in (network, in_a_row, overlapped):
            for threads, pipeline in pipelines.items():
                cv2.setNumThreads(threads)
                pipeline.reset()
                wall_s, busy_s = time.perf_counter(), time.process_time()
                run(pipeline)
                spent = time.perf_counter() - wall_s, time.process_time() - busy_s
                row = rows.setdefault(f"{run.__name__}, {threads} threads", [])
                if turn:
                    row.append(
                        (round(spent[0] / len(frames) * 1e3, 1), round(spent[1] / len(frames) * 1e3, 1))
                    )
    return rows


if __name__ == "__main__":
    main()
