# SPDX-License-Identifier: Apache-2.0
"""The demo's processes find what they need wherever the package was installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from restoregan_ros.demo_processes import ros_environment

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
        " env = d.ros_environment(Path()).__enter__();"
        " print(d.__file__, env['FASTDDS_DEFAULT_PROFILES_FILE'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    module, profile = done.stdout.split()
    assert module.startswith(str(prefix)), "the installed modules run, not the checkout's"
    assert "segment_size" in Path(profile).read_text()


def test_the_demos_nodes_have_the_large_segment_and_no_small_one_beside_it(tmp_path: Path):
    pytest.importorskip("rclpy")
    program = (
        "import rclpy; rclpy.init(); node = rclpy.create_node('segments');"
        " import os; mapped = {line.split()[-1] for line in open('/proc/self/maps') if '/dev/shm/fast' in line};"
        " print(*(os.stat(name).st_size for name in mapped if 'port' not in name and not name.endswith('_el')))"
    )
    with ros_environment(tmp_path) as env:
        done = subprocess.run(
            [sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True
        )
    sizes = done.stdout.splitlines()[-1].split()
    assert sizes
    assert all(int(size) > 2**26 for size in sizes)
