# SPDX-License-Identifier: Apache-2.0
"""The site of docs/ is built without a warning: every page is in its contents, every name of the API is found."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="needs the extra docs")
pytest.importorskip("mkdocstrings", reason="needs the extra docs")

ROOT = Path(__file__).resolve().parents[2]


def test_site_builds_and_shows_the_public_functions(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "api" / "index.html").read_text()
    assert all(f"restoregan_core.loading.{name}" in api for name in ("load_pipeline", "load_restorer"))
