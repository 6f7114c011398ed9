# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of a node beside an earlier commit's have in common: starting one, and the page of figures."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from against_commit import environment_for
from rich.console import Console

from restoregan_core.environment import processor_name
from restoregan_ros.fastdds_profile import VARIABLES

HEIGHT, WIDTH = 360, 640
"""What a node is warmed up for."""


def parser_of(description: str | None, frames: int, frames_help: str) -> argparse.ArgumentParser:
    """The options of both."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commit", default="6758743")
    parser.add_argument("--frames", type=int, default=frames, help=f"{frames_help} (default {frames})")
    parser.add_argument("--output", type=Path, help="NAME: writes NAME.json and NAME.md")
    return parser


def start(
    checkout: Path, cache: Path, camera: str, name: str = "restore_node"
) -> tuple[subprocess.Popen, float, float]:
    """A node of this name that is active, and how long that took on the wall and on the CPU, in seconds."""
    parameters = {
        "cameras": f"[{camera}]", "preset": "always", "runtime": "openvino", "device": "cpu", "autostart": "true",
        "deadline_ms": "9000.0", "warm_up_sizes": f"[{HEIGHT}x{WIDTH}]",
    }  # fmt: skip
    given = [part for key, value in parameters.items() for part in ("-p", f"{key}:={value}")]
    started_s = time.monotonic()
    environment = environment_for(checkout) | {"XDG_CACHE_HOME": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    # As its launch file gives it: the shared memory that the profile asks for is a part of what is resident.
    environment |= dict.fromkeys(VARIABLES, str(checkout / "config" / "fastdds_large_images.xml"))
    process = subprocess.Popen(
        [sys.executable, "-m", "restoregan_ros.restore_node", "--ros-args", "-r", f"__node:={name}", *given],
        cwd=checkout,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if ": active: " in line:
            busy = psutil.Process(process.pid).cpu_times()
            return process, time.monotonic() - started_s, busy.user + busy.system
    raise RuntimeError(f"the node of {checkout} did not become active")


def publish(given: argparse.Namespace, title: str, what: str, table: Sequence[str], figures: Any) -> None:
    """Print the page, and write it and its figures to ``--output``.

    Args:
        what: the sentence before the table; the machine is named behind it.
        table: lines of Markdown, with what stands below it.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    limited = "    export ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI PYTHONPATH=benchmarks/without_amx"
    lines = [
        f"# {title}, now and at {given.commit}",
        "",
        *([limited] if limit else []),
        f"    {command}",
        "",
        what,
        f"On {processor_name()}, {os.cpu_count()} cores{f', {limit}' if limit else ''}.",
        "",
        *table,
    ]
    text = "\n".join(lines) + "\n"
    Console().print(text, markup=False)
    if given.output:
        given.output.with_suffix(".md").write_text(text)
        given.output.with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n")
