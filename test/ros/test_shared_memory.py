# SPDX-License-Identifier: Apache-2.0
"""Shared memory: a node leaves none behind, and says when there is little left."""

import mmap
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import dds_segments
import pytest
from bags import Child, write_bag
from ros_probe import wait_until
from small_disks import must_mount

from restoregan_ros.dds_domain import own_domain
from restoregan_ros.shared_memory import SEGMENT_BYTES, shortage

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("autostart", [True, False])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_node_that_is_asked_to_end_leaves_no_shared_memory_behind(start_node, number, autostart):
    node = start_node(module="obedient_node", autostart=autostart)
    if autostart:
        node.wait_active()
    held = wait_until(lambda: dds_segments.remember(node.process.pid), what="a participant's segment")
    node.signal(number)
    assert node.wait_exit() == 0
    assert not held & dds_segments.left()


@pytest.mark.parametrize("module", ["bag_player", "bag_recorder"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_so_do_the_bag_nodes(own_domain_id, tmp_path, module, number):
    if module == "bag_player":
        arguments = [write_bag(tmp_path / "bag"), "--wait", 100]
    else:
        arguments = [tmp_path / "bag", "--topics", "/note"]
    child = Child(own_domain_id, f"restoregan_ros.{module}", *arguments)
    try:
        made = wait_until(lambda: dds_segments.made_by(child.pid), what="a participant's segments")
        child.send(number)
        assert child.wait()[0] == 0
        assert not made & {file.name for file in dds_segments.FOLDER.iterdir()}
    finally:
        child.end()


def test_what_a_node_has_made_is_told_from_what_it_maps_of_others(start_node, make_probe):
    node = start_node(module="obedient_node").wait_active()
    make_probe().wait_connected()
    ours, theirs = dds_segments.made_by(), dds_segments.made_by(node.process.pid)
    assert ours
    assert theirs
    assert not ours & theirs
    assert ours & dds_segments.held_by(node.process.pid), "it writes to our port"
    dds_segments.kill(node.process)
    assert not ours & dds_segments.left(), "we live on"


def test_a_file_that_is_closed_while_they_are_listed_hides_none_of_the_others():
    """As a node's are that starts. Here it is the descriptor of the list itself, which is gone when it is looked at."""
    file = dds_segments.FOLDER / f"fastdds_test{os.getpid()}"
    with file.open("w+b") as segment:
        segment.truncate(4096)
        with mmap.mmap(segment.fileno(), 0):
            assert file.name in dds_segments.remember()
            dds_segments.remove_left()
            assert file.exists(), "this process holds it"
    dds_segments.remove_left()
    assert not file.exists()


def test_the_segments_of_a_killed_node_are_removed_and_those_of_a_living_one_stay(start_node, own_domain_id):
    # In two domains: a participant that discovers another maps its port, which is then not nobody's yet.
    with own_domain() as other_domain_id:
        killed, living = (
            start_node(module="obedient_node", domain=domain).wait_active()
            for domain in (own_domain_id, other_domain_id)
        )
    theirs = dds_segments.remember(killed.process.pid)
    assert theirs
    dds_segments.kill(killed.process)
    assert theirs <= dds_segments.left()
    dds_segments.remove_left()
    assert not theirs & {file.name for file in dds_segments.FOLDER.iterdir()}
    kept = dds_segments.held_by(living.process.pid)
    assert kept <= {file.name for file in dds_segments.FOLDER.iterdir()}


def test_a_node_holds_a_segment_of_the_size_that_the_warning_tells(start_node):
    """What each participant takes of the machine, and has resident from its start."""
    node = start_node(module="obedient_node").wait_active()
    sizes = [(dds_segments.FOLDER / name).stat().st_size for name in dds_segments.made_by(node.process.pid)]
    assert max(sizes) == SEGMENT_BYTES


def test_a_segment_holds_more_than_the_queue_of_a_subscriber_refers_to():
    """So that what one subscriber has not fetched does not push out what another is about to.

    The queue's 512 fragments of 65,500 bytes are Fast DDS' defaults: docs/benchmarks/shared_memory.md.
    """
    profile = (ROOT / "config" / "fastdds_large_images.xml").read_text()
    (size,) = re.findall(r"<segment_size>(\d+)</segment_size>", profile)
    assert int(size) >= 2 * 512 * 65_500


def test_a_folder_with_room_is_not_a_shortage(tmp_path):
    assert shortage(tmp_path, needed_bytes=0) == ""
    assert shortage(tmp_path / "nowhere") == ""


def test_a_shortage_names_sizes_and_remedies(tmp_path):
    line = shortage(tmp_path, needed_bytes=10**18)
    assert f"{tmp_path} has " in line
    assert "fastdds shm clean" in line
    assert "--shm-size" in line


def test_the_node_says_at_start_that_shared_memory_is_nearly_full(domain_id, tmp_path):
    small = must_mount(Path("/dev/shm"), "size=20m")
    with (tmp_path / "log.txt").open("w") as log:
        node = subprocess.Popen(
            [*small, sys.executable, "-m", "restoregan_ros.restore_node"],
            cwd=ROOT, env={**os.environ, "ROS_DOMAIN_ID": str(domain_id)}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_until(lambda: "/dev/shm has" in (tmp_path / "log.txt").read_text(), what="the warning")
    finally:
        dds_segments.end(node)
