# SPDX-License-Identifier: Apache-2.0
"""Every executable says how it is used, and what it cannot read, and starts nothing."""

import subprocess
import sys
from pathlib import Path

import pytest


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"restoregan_ros.{module}", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("module", ["restore_node", "bag_player", "bag_recorder", "demo"])
def test_help_is_printed_and_nothing_started(module: str) -> None:
    done = run(module, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {module} ")


def test_an_option_that_is_not_behind_ros_args_is_refused() -> None:
    done = run("restore_node", "--mode", "monitor", "--ros-args", "-p", "autostart:=true")
    assert done.returncode == 2
    assert "--mode monitor: parameters and remaps stand behind --ros-args" in done.stderr


def test_a_parameter_file_that_is_not_there_is_named_in_one_line() -> None:
    done = run("restore_node", "--ros-args", "--params-file", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_not_a_bag_is_named_in_one_line(tmp_path: Path) -> None:
    done = run("bag_player", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"bag_player: {tmp_path} does not hold a metadata.yaml")
    assert done.stderr.count("\n") == 1
