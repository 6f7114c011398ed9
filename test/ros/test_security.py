# SPDX-License-Identifier: Apache-2.0
"""What the node opens to others: nothing but DDS, and no more than the SROS 2 policy that ships with it allows."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import dds_segments
import pytest
from ros_probe import wait_until

ROOT = Path(__file__).resolve().parents[2]
SITE_WIDE = {"/parameter_events", "/rosout", "/clock"}
"""In the policy whether or not a node of this distribution uses them."""


@pytest.fixture(scope="module")
def node(start_shared_node):
    return start_shared_node(module="obedient_node", cameras="[front]").wait_active()


def allowed(kind: str, access: str) -> set[str]:
    tree = ElementTree.parse(ROOT / "config/sros2_policy.xml")
    return {entry.text for group in tree.iter(f"{kind}s") if group.get(access) for entry in group}


def test_the_policy_allows_what_the_node_uses_and_no_more(node, make_probe):
    graph = make_probe("front").wait_connected().node

    def used(of: str) -> set[str]:
        return {name for name, _ in getattr(graph, f"get_{of}_names_and_types_by_node")("restore_node", "/")}

    # What the graph knows comes in piece by piece.
    wait_until(
        lambda: ("restore_node", "/") in graph.get_node_names_and_namespaces(), what="the node in the graph"
    )
    needed = {"publisher": ("topic", "publish"), "subscriber": ("topic", "subscribe")}
    newer = {"/restore_node/get_type_description"}  # which not every distribution has
    with contextlib.suppress(AssertionError):  # the comparison below says what is missing
        wait_until(
            lambda: (
                all(used(kind) >= allowed(*entry) - SITE_WIDE for kind, entry in needed.items())
                and used("service") >= allowed("service", "reply") - newer
            )
        )
    assert used("publisher") | SITE_WIDE == allowed("topic", "publish") | SITE_WIDE
    assert used("subscriber") | SITE_WIDE == allowed("topic", "subscribe") | SITE_WIDE
    assert used("service") <= allowed("service", "reply")
    assert allowed("service", "reply") - newer <= used("service")


def test_nothing_listens_but_dds(node):
    folder = Path("/proc") / str(node.process.pid)
    links = [os.readlink(link) for link in (folder / "fd").iterdir()]
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:")}
    for protocol in ("tcp", "tcp6"):
        lines = [line.split() for line in (folder / "net" / protocol).read_text().splitlines()[1:]]
        assert not [line for line in lines if line[9] in inodes], "no connection and no listener"
    udp = [line.split() for line in (folder / "net/udp").read_text().splitlines()[1:]]
    ours = [int(line[1].split(":")[1], 16) for line in udp if line[9] in inodes]
    assert ours, "DDS itself"
    unix = [line for line in (folder / "net/unix").read_text().splitlines() if line.split()[6] in inodes]
    assert not [line for line in unix if len(line.split()) > 7], "no named local socket"


def test_where_security_is_demanded_and_cannot_be_had_the_node_does_not_start(domain_id, tmp_path):
    """Under Enforce without keys, or by a middleware that was built without security."""
    environment = {
        **os.environ, "ROS_DOMAIN_ID": str(domain_id), "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce", "ROS_SECURITY_KEYSTORE": str(tmp_path),
    }  # fmt: skip
    node = subprocess.Popen(
        [sys.executable, "-m", "restoregan_ros.restore_node", "--ros-args", "--enclave", "/restore_node"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        wait_until(lambda: node.poll() is not None, what="the node's end")
        said = node.stdout.read()
    finally:
        dds_segments.end(node)
    assert node.returncode == 2, said
    assert "security" in said.lower()
