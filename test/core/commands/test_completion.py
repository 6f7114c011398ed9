# SPDX-License-Identifier: Apache-2.0
"""The shell completes verbs and their options, as it asks through argcomplete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("argcomplete")


def completions(line: str, tmp_path: Path) -> set[str]:
    """What the shell is told when TAB is pressed at the end of ``line``."""
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "answer"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    command = [sys.executable, "-m", "restoregan_core"]
    done = subprocess.run(command, env={**os.environ, **asked}, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set((tmp_path / "answer").read_text().split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("restoregan rep", {"replay", "replay-many"}),
        ("restoregan restore --mod", {"--model"}),
        ("restoregan bench --runtime op", {"openvino"}),
        ("restoregan train --optimiser.learn", {"--optimiser.learning_rate"}),
    ],
)
def test_what_has_been_begun_is_completed(line: str, offered: set[str], tmp_path: Path) -> None:
    assert completions(line, tmp_path) == offered
