# SPDX-License-Identifier: Apache-2.0
"""What the code imports is declared, once for each kind of user, and a vehicle needs no more than its list."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from xml.etree import ElementTree

import pytest

tomllib = pytest.importorskip("tomllib", reason="comes with Python 3.11")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CODE = [
    *ROOT.glob("restoregan_core/**/*.py"),
    *ROOT.glob("restoregan_ros/**/*.py"),
    *ROOT.glob("launch/*.py"),
]
OURS = {"restoregan_core", "restoregan_ros"}
UNDECLARED = {
    "lpips": "a measure on request: its package brings torchvision",
    "tensorrt": "torch-tensorrt brings it",
}
"""What is imported where it is installed, and asked for nowhere."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    return canonical(re.match(r"[\w.-]+", requirement)[0])  # type: ignore[index]


def vehicle_requirements() -> list[str]:
    lines = (ROOT / "requirements-vehicle.txt").read_text().splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]


def imported(files: list[Path]) -> set[str]:
    """Top-level names of all that these files import, wherever in them; the standard library's and ours left out."""
    names = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - OURS


def ros_dependencies() -> set[str]:
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    return {element.text or "" for element in root.iter() if element.tag.endswith("depend")}


def test_every_library_that_the_code_imports_is_declared() -> None:
    extras = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
    declared = {name_of(requirement) for requirement in [*PROJECT["dependencies"], *extras]}
    distributions = packages_distributions()
    missing = {
        name
        for name in imported(CODE) - ros_dependencies() - set(UNDECLARED)
        if not {canonical(found) for found in distributions.get(name, [name])} & declared
        and not (name == "markupsafe" and "jinja2" in declared)
    }
    assert missing == set()


def test_package_xml_names_every_ros_package_that_the_code_imports() -> None:
    ros = {"launch", "launch_ros", "rclpy", "ament_index_python", "cv_bridge", "diagnostic_updater"}
    used = {name for name in imported(CODE) if name in ros or name.endswith(("_msgs", "_interfaces"))}
    assert {"rclpy", "sensor_msgs", "launch_ros"} <= used
    assert used - ros_dependencies() == set()


def test_the_vehicles_list_has_the_ranges_of_pyproject() -> None:
    ranges = {
        name_of(r): r for r in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["openvino"]]
    }
    for requirement in vehicle_requirements():
        found, _, marker = requirement.partition("; ")
        expected = ranges[name_of(requirement)]
        # ROS's compiled modules narrow this one, where there are wheels of numpy 1 at all.
        assert found == (expected.replace("<3", "<2") if marker == 'python_version < "3.13"' else expected)


@pytest.mark.parametrize(("python", "newest"), [("3.10", 1), ("3.12", 1), ("3.14", 2)])
def test_the_vehicles_list_asks_for_a_numpy_that_ros_and_the_python_have(python: str, newest: int) -> None:
    from packaging.requirements import Requirement

    numpy = [Requirement(line) for line in vehicle_requirements() if name_of(line) == "numpy"]
    (asked,) = (r for r in numpy if r.marker is None or r.marker.evaluate({"python_version": python}))
    assert asked.specifier.contains("1.26.4")
    assert asked.specifier.contains("2.3.5") == (newest == 2)


@pytest.mark.parametrize("file", ["README.md", "docker/Dockerfile"])
def test_readme_and_image_install_the_vehicles_list_and_nothing_by_name(file: str) -> None:
    lines = [line for line in (ROOT / file).read_text().splitlines() if "pip install" in line]
    installs = [line for line in lines if "requirements-vehicle.txt" in line]
    assert installs
    named = {name_of(requirement) for requirement in vehicle_requirements()}
    assert not [
        line for line in installs if named & {canonical(word) for word in re.findall(r"[\w-]+", line)}
    ]


PROGRAM = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

blocked = set(sys.argv[2].split(","))
sys.meta_path.insert(0, Blocked())
failed = []
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, sys.argv[1] + "."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            failed.append(f"{module.name} needs {error.name}")
print("\\n".join(failed))
"""


@pytest.mark.parametrize("package", ["restoregan_core", "restoregan_ros"])
def test_every_module_imports_with_the_vehicles_libraries_alone(package: str, tmp_path: Path) -> None:
    if package == "restoregan_ros":
        pytest.importorskip("rclpy", reason="needs ROS 2")
    allowed = {name_of(requirement) for requirement in vehicle_requirements()} - {"openvino"}
    extras = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
    others = {name_of(r) for r in [*PROJECT["dependencies"], *extras]} - allowed - {"restoregan"}
    blocked = {
        module for module, found in packages_distributions().items() if {canonical(n) for n in found} & others
    }
    command = [sys.executable, "-c", PROGRAM, package, ",".join(sorted(blocked))]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split("\n") == ["", ""], done.stdout
