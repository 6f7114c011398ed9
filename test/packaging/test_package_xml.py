# SPDX-License-Identifier: Apache-2.0
"""package.xml is what ROS's tools accept, and agrees with pyproject.toml."""

from pathlib import Path

import pytest

import restoregan_core

tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")
packages = pytest.importorskip("catkin_pkg.package", reason="comes with ROS and its wheels")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_it_parses_without_an_error_or_a_warning() -> None:
    warnings: list[str] = []
    package = packages.parse_package(str(ROOT / "package.xml"), warnings=warnings)
    package.validate(warnings)
    assert warnings == []


def test_version_and_licence_are_the_same_everywhere() -> None:
    package = packages.parse_package(str(ROOT / "package.xml"))
    assert package.version == PROJECT["version"] == restoregan_core.__version__
    assert [str(licence) for licence in package.licenses] == [PROJECT["license"]]
    assert (ROOT / package.licenses[0].file).is_file()


def test_too_old_a_torch_is_asked_of_no_distribution() -> None:
    package = packages.parse_package(str(ROOT / "package.xml"))
    for distribution in ("humble", "jazzy", "kilted", "rolling"):
        package.evaluate_conditions({"ROS_DISTRO": distribution})
        needed = {d.name for d in package.exec_depends if d.evaluated_condition}
        assert ("python3-torch" in needed) == (distribution == "rolling")
        assert "python3-rosbags-pip" in needed
