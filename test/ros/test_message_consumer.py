# SPDX-License-Identifier: Apache-2.0
"""A C++ package of another workspace compiles against our message, and reads a report as DDS carries it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")
from rclpy.serialization import serialize_message
from restoregan_ros.msg import RestorationReport

PACKAGE = Path(__file__).parent / "message_consumer"


def run(command: list[str], **options: object) -> bytes:
    prefixes = os.environ.get("AMENT_PREFIX_PATH", sys.prefix)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "AMENT_PREFIX_PATH": prefixes, "CMAKE_PREFIX_PATH": prefixes, "PATH": path}
    done = subprocess.run(command, env=env, check=False, capture_output=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_a_cpp_package_that_depends_on_the_message_alone_reads_a_report(tmp_path: Path) -> None:
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    run(["cmake", "-S", str(PACKAGE), "-B", str(tmp_path), "-DBUILD_TESTING=OFF", python])
    run(["cmake", "--build", str(tmp_path)])
    report = RestorationReport(blur_probability=0.75, blur_grid=[0.25] * 6, model="lite 0123456789ab")
    report.header.frame_id = "front"
    report.action = RestorationReport.ACTION_RESTORED
    said = run([str(tmp_path / "receive_report")], input=serialize_message(report))
    assert said.decode() == "front: blur 0.75, restored by lite 0123456789ab, 6 tiles\n"
