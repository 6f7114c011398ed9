# SPDX-License-Identifier: Apache-2.0
"""The demo's processes find what they need wherever the package was installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Modules and share folder as colcon and pip install them: apart from each other, under one prefix."""
    prefix = tmp_path / "install"
    for package in ("restoregan_core", "restoregan_ros"):
        shutil.copytree(ROOT / package, prefix / "site-packages" / package)
    shutil.copytree(ROOT / "config", prefix / "share" / "restoregan_ros" / "config")
    marker = prefix / "share" / "ament_index" / "resource_index" / "packages" / "restoregan_ros"
    marker.parent.mkdir(parents=True)
    marker.touch()
    return prefix


@pytest.mark.parametrize("is_sourced", [True, False])
def test_an_installed_demo_finds_its_transport_profile(prefix: Path, tmp_path: Path, is_sourced: bool):
    env = {**os.environ, "PYTHONPATH": str(prefix / "site-packages")}
    env.pop("AMENT_PREFIX_PATH", None)
    if is_sourced:
        env["AMENT_PREFIX_PATH"] = str(prefix)
    program = (
        "import sys; from pathlib import Path; from restoregan_ros import demo_processes as d;"
        f" sys.prefix = sys.prefix if {is_sourced} else {str(prefix)!r};"
        " print(d.__file__, d.ros_environment(Path())['FASTDDS_DEFAULT_PROFILES_FILE'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    module, profile = done.stdout.split()
    assert module.startswith(str(prefix)), "the installed modules run, not the checkout's"
    assert "segment_size" in Path(profile).read_text()
