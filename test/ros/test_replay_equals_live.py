# SPDX-License-Identifier: Apache-2.0
"""Replay gives the pixels of the live run for the same frames: a real node, real DDS, real processes."""

import subprocess
import sys
from pathlib import Path

import dds_segments
import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="replay needs the extra 'replay'")
import torch
from replay_bags import comparable, drive, messages_of, write_bag
from ros_probe import wait_until

from restoregan_core import zoo
from restoregan_core.bags.reader import open_bag
from restoregan_core.models.generator import Generator, GeneratorConfig

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 30


@pytest.fixture
def network(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    config = GeneratorConfig(
        base_width=8, width_multipliers=(1, 2), blocks=1, outer_blocks=(0,), block_convolutions=2,
        dropout=0.0, kernel_size=3, upsampling="shuffle", unet_skips=True, identity_start=True,
    )  # fmt: skip
    generator = Generator(config)
    with torch.no_grad():
        head = list(generator.parameters())[-2]
        head.add_(0.02 * torch.randn_like(head))
    zoo.save_generator(generator, tmp_path / "tiny.safetensors", {})
    return tmp_path / "tiny.safetensors"


def test_replay_of_the_frames_accepted_gives_the_pixels_of_the_live_run(
    tmp_path: Path, network: Path, start_node, make_probe, domain_id: int
) -> None:
    import os

    bag = write_bag(tmp_path / "bag", drive(FRAMES, base="/front"))
    node = start_node(
        autostart=True, cameras=["front"], model=str(network), runtime="torch", preset="balanced",
        deadline_ms=9000.0,
    )  # fmt: skip
    node.wait_active()
    driver = make_probe("front").wait_connected()
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain_id)}
    topics = ["/front/restored/image_raw", "/front/restored/report", "/front/restored/camera_info"]
    log = (tmp_path / "recorder.log").open("w")
    recorder = subprocess.Popen(
        [sys.executable, "-m", "restoregan_ros.bag_recorder", str(tmp_path / "live"), "--idle-timeout", "8",
         "--topics", *topics],
        env=environment, cwd=ROOT, stderr=subprocess.STDOUT, stdout=log,
    )  # fmt: skip
    try:
        wait_until(lambda: (tmp_path / "recorder.log").read_text().count("recording") == 3, 90, "recorder")
        with open_bag(bag) as opened:
            images = list(opened.messages(["/front/image_raw"]))
        # Each as soon as the node is done with the last.
        for number, image in enumerate(images[:2] + images[5:20:3]):
            driver.source.publish(bytes(image.data))
            wait_until(lambda number=number: len(driver.reports) > number, what="a report")
        assert recorder.wait(timeout=120) == 0
    finally:
        dds_segments.end(recorder)
        log.close()

    subprocess.run(
        [sys.executable, "-m", "restoregan_core", "replay", str(bag), "--output", str(tmp_path / "replayed"),
         "--accepted-in", str(tmp_path / "live"), "--image-format", "raw", "--model", str(network),
         "--runtime", "torch", "--preset", "balanced", "--clips", "0", "--no-html"],
        cwd=ROOT, check=True, timeout=240,
    )  # fmt: skip

    def by_stamp(path: Path, topic: str) -> dict:
        return {
            (m.header.stamp.sec, m.header.stamp.nanosec): m
            for t, _, m in messages_of(path)
            if t.endswith(topic)
        }

    live, replayed = (tmp_path / name for name in ("live", "replayed/bag"))
    reports_live, reports = by_stamp(live, "/report"), by_stamp(replayed, "/report")
    assert 3 <= len(reports_live) < FRAMES
    assert set(reports) == set(reports_live)
    for stamp, report in reports_live.items():
        assert (report.action, report.reason) == (reports[stamp].action, reports[stamp].reason)
        for grid in ("blur_grid", "rain_grid", "restored_grid"):
            np.testing.assert_array_equal(getattr(report, grid), getattr(reports[stamp], grid))
    assert 1 in {report.action for report in reports.values()}  # something was restored
    images_live, images = by_stamp(live, "/image_raw"), by_stamp(replayed, "/image_raw")
    assert set(images) == set(reports)
    for stamp, image in images_live.items():
        assert image.encoding == images[stamp].encoding
        np.testing.assert_array_equal(image.data, images[stamp].data)
    assert len(images_live) == len(reports_live)
    assert comparable(replayed)
