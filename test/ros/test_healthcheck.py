# SPDX-License-Identifier: Apache-2.0
"""The image's health check: healthy while the node speaks for itself, unhealthy where nobody does."""

import os
import subprocess
import sys
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "docker" / "healthcheck.py"


def check(domain_id: int, seconds: float) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "ROS_DOMAIN_ID": str(domain_id)}
    command = [sys.executable, str(CHECK), str(seconds)]
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True)


def test_no_node_is_unhealthy_and_a_running_one_is_healthy(domain_id: int, start_node) -> None:
    silent = check(domain_id, 0.5)
    assert (silent.returncode, silent.stdout) == (1, "no word from restore_node for 0.5 s\n")
    start_node(model="lite").wait_active()
    running = check(domain_id, 20.0)
    assert (running.returncode, running.stdout) == (0, "active\n"), running.stderr
