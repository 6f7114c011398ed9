# SPDX-License-Identifier: Apache-2.0
"""File systems that are small or read-only, which only the command that asked for one sees."""

import shutil
import subprocess
from pathlib import Path

import pytest


def mounting(folder: Path, options: str) -> list[str]:
    """A command that runs another one with a file system in memory mounted at ``folder``; empty where none can be.

    Args:
        options: of mount, as ``size=2m`` or ``ro``.
    """
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mkdir -p '{folder}' && mount -t tmpfs -o {options} tmpfs '{folder}' && "
    if not shutil.which("unshare"):
        return []
    if subprocess.run([*command, mount + "true"], check=False, capture_output=True).returncode:
        return []
    return [*command, mount + 'exec "$@"', "sh"]


def must_mount(folder: Path, options: str) -> list[str]:
    """The same for tests, which are skipped where no file system can be mounted."""
    command = mounting(folder, options)
    if not command:
        pytest.skip("this machine lets no user mount a small file system")
    return command


def keeping(copied: Path, to: Path) -> list[str]:
    """A command that runs another one and then copies what it left, which goes with the file system."""
    return ["sh", "-c", f"\"$@\"; code=$?; cp -r '{copied}' '{to}'; exit $code", "sh"]
