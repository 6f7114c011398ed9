# SPDX-License-Identifier: Apache-2.0
"""The three ways to install the package give the message, the modules, their data and the executables."""

import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2")

ROOT = Path(__file__).resolve().parents[2]
EXECUTABLES = {"restore_node", "bag_player", "bag_recorder", "restoregan"}


def data_files(source: Path) -> set[str]:
    """What the packages need besides modules, relative to the source tree."""
    files = (file for file in (source / "restoregan_core").rglob("*") if file.is_file())
    return {str(file.relative_to(source)) for file in files if file.suffix not in (".py", ".pyc")}


def shared_files(source: Path) -> set[str]:
    """What belongs in share/restoregan_ros."""
    files = (file for folder in ("launch", "config") for file in (source / folder).rglob("*"))
    return {str(file.relative_to(source)) for file in files if file.is_file()}


def recipes(source: Path) -> set[str]:
    """Where an installed package keeps the training recipes, in the folder of its modules."""
    return {f"restoregan_core/recipes/{file.name}" for file in (source / "config" / "train").glob("*.yaml")}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files alone, as a stranger's clone has them."""
    clone = tmp_path_factory.mktemp("workspace") / "src" / "restoregan"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", clone], check=True)
    return clone


def import_message(site_packages: Path, tmp_path: Path) -> str:
    """Where the message's module lies when ``site_packages`` is the first place to look."""
    program = "import restoregan_core, restoregan_ros.msg as m; m.RestorationReport(); print(m.__file__)"
    env = {**os.environ, "PYTHONPATH": str(site_packages)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def environment() -> dict[str, str]:
    """This interpreter's environment and its ROS, as sourced; the faster of the generators that are there."""
    prefixes = os.environ.get("AMENT_PREFIX_PATH", sys.prefix)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ninja = {"CMAKE_GENERATOR": "Ninja"} if shutil.which("ninja", path=path) else {}
    return {**os.environ, **ninja, "AMENT_PREFIX_PATH": prefixes, "PATH": path, "CMAKE_PREFIX_PATH": prefixes}


def colcon(verb: str, source: Path, workspace: Path, *options: str) -> None:
    """Run a verb of colcon on ``source`` in a workspace of its own."""
    pytest.importorskip("colcon_core", reason="needs colcon-common-extensions")
    command = ["colcon", "--log-base", str(workspace / "log"), verb, "--base-paths", str(source)]
    command += [
        "--build-base",
        str(workspace / "build"),
        "--install-base",
        str(workspace / "install"),
        *options,
    ]
    done = subprocess.run(command, env=environment(), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def workspace(source: Path) -> Path:
    """Where colcon has built the package."""
    colcon("build", source, source.parent.parent)
    return source.parent.parent


@pytest.fixture(params=["plain", "symlink"])
def prefix(request: pytest.FixtureRequest, source: Path, tmp_path: Path) -> Path:
    """Where colcon has installed the package."""
    if request.param == "plain":
        return request.getfixturevalue("workspace") / "install" / "restoregan_ros"
    colcon("build", source, tmp_path, "--symlink-install")
    return tmp_path / "install" / "restoregan_ros"


@pytest.mark.slow
def test_colcon_build_gives_message_modules_and_executables(
    source: Path, prefix: Path, tmp_path: Path
) -> None:
    site_packages = next(prefix.glob("lib/python*/*-packages"))
    assert import_message(site_packages, tmp_path).startswith(str(site_packages))
    assert {file.name for file in (prefix / "lib/restoregan_ros").iterdir()} == EXECUTABLES
    assert all(os.access(file, os.X_OK) for file in (prefix / "lib/restoregan_ros").iterdir())
    assert {file for file in data_files(source) if not (site_packages / file).is_file()} == set()
    assert {
        file for file in shared_files(source) if not (prefix / "share/restoregan_ros" / file).is_file()
    } == set()
    assert recipes(source)
    assert {file for file in recipes(source) if not (site_packages / file).is_file()} == set()


@pytest.mark.slow
def test_colcon_test_runs_every_suite_and_writes_junit(source: Path, workspace: Path) -> None:
    listed = subprocess.run(
        ["ctest", "-N"],
        cwd=workspace / "build/restoregan_ros",
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    suites = {folder.name for folder in (source / "test").iterdir() if any(folder.rglob("test_*.py"))}
    assert {line.split()[-1] for line in listed.stdout.splitlines() if "Test #" in line} >= suites - {"gpu"}
    colcon("test", source, workspace, "--ctest-args", "-R", "packaging", "--return-code-on-test-failure")
    (results,) = (workspace / "build/restoregan_ros/test_results/restoregan_ros").glob("packaging*.xml")
    (suite,) = ElementTree.parse(results).getroot()
    assert int(suite.attrib["tests"]) > 5
    assert (suite.attrib["errors"], suite.attrib["failures"]) == ("0", "0")


def test_each_environment_of_a_checkout_builds_the_message_in_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["setup.py", "--quiet", "--name"])
    build_folder = runpy.run_path(str(ROOT / "setup.py"))["build_folder"]
    jazzy, kilted = (build_folder(ROOT / name) for name in (".venv", ".venv-kilted"))
    assert jazzy != kilted
    assert jazzy.parent == kilted.parent == ROOT / "build"


@pytest.mark.slow
def test_wheel_holds_message_modules_data_and_launch_files(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(source)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
        names = set(wheel.namelist())
    assert import_message(tmp_path / "site", tmp_path).startswith(str(tmp_path / "site"))
    assert data_files(source) | recipes(source) <= names
    assert {
        name
        for name in shared_files(source)
        if not any(n.endswith(f"share/restoregan_ros/{name}") for n in names)
    } == set()
    entry_points = next(tmp_path.glob("site/*.dist-info/entry_points.txt")).read_text()
    assert {line.split(" =")[0] for line in entry_points.splitlines() if "=" in line} == EXECUTABLES
