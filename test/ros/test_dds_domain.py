# SPDX-License-Identifier: Apache-2.0
"""Two test runs, benchmarks or demos on one machine do not hear each other."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import rclpy

from restoregan_ros.dds_domain import own_domain

ROOT = Path(__file__).resolve().parents[2]
CLAIM = """
from restoregan_ros.dds_domain import own_domain
with own_domain() as domain:
    print(domain, flush=True)
    input()
"""


def test_whoever_asks_gets_a_domain_of_its_own():
    with ExitStack() as claims:
        assert len({claims.enter_context(own_domain()) for _ in range(5)}) == 5


def test_a_domain_with_a_node_in_it_is_not_given_away():
    context = rclpy.Context()
    with own_domain() as domain:
        rclpy.init(context=context, domain_id=domain)
        node = rclpy.create_node("occupant", context=context)
    try:
        with pytest.raises(RuntimeError, match=f"from {domain} to {domain} is in use"), own_domain([domain]):
            pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown(context=context)


def test_nor_is_one_that_another_process_claims_until_that_ends():
    child = subprocess.Popen(
        [sys.executable, "-c", CLAIM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    domain = int(child.stdout.readline())
    with pytest.raises(RuntimeError, match="in use"), own_domain([domain]):
        pass
    child.kill()
    child.wait()
    with own_domain([domain]) as again:
        assert again == domain
