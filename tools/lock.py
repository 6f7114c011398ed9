# SPDX-License-Identifier: Apache-2.0
"""Resolve pyproject.toml and requirements-ros.in for this Python; write the lock files (``make lock``).

By pip's resolver: uv's does not read pip's configuration, which is where a machine says that PyTorch's CPU build comes
from, and would lock the libraries of the CUDA build instead. Without hashes, since both builds stand under one version.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = f"# Written by make lock for Python {sys.version_info[0]}.{sys.version_info[1]}. Do not edit.\n"
ROS_WHEELS: dict[str, tuple[str, ...]] = {
    "jazzy": (),
    # Needed by Kilted's generators, declared by none of them, and not in Jazzy.
    "kilted": ("ros-kilted-ament-cmake-ros-core",),
}
# The release whose CPU build serves machines without a GPU; a range would take the newest CUDA build.
TORCH = "torch==2.13.0"
OURS = (TORCH, "setuptools", "wheel", ".[dev,docs,tensorrt-rtx]")


def resolve(ros_wheels: str, *requirements: str) -> dict[str, str]:
    """Name -> version of all that pip would install for ``requirements`` in an empty environment."""
    pip_install = [sys.executable, "-m", "pip", "install", "--quiet"]
    options = ["--dry-run", "--ignore-installed", "--report", "-"]
    # The metadata of our own package is all that is wanted of it: spare the build of the message.
    env = {**os.environ, "RESTOREGAN_WITHOUT_MESSAGE": "1", "ROS_WHEELS": ros_wheels}
    command = [*pip_install, *options, *requirements]
    report = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    chosen = (item["metadata"] for item in json.loads(report.stdout)["install"])
    return {
        item["name"].lower(): item["version"].split("+")[0] for item in chosen if item["name"] != "restoregan"
    }


def write(path: Path, versions: dict[str, str]) -> None:
    path.write_text(HEADER + "".join(f"{name}=={versions[name]}\n" for name in sorted(versions)))


ours = resolve("", *OURS)
write(ROOT / "requirements.lock", ours)
pins = [f"{name}=={version}" for name, version in ours.items()]
for ros_wheels, undeclared in ROS_WHEELS.items():
    everything = resolve(ros_wheels, "-r", "requirements-ros.in", *undeclared, *pins)
    ros = {name: version for name, version in everything.items() if name not in ours}
    write(ROOT / f"requirements-ros-{ros_wheels}.lock", ros)
