# SPDX-License-Identifier: Apache-2.0
"""Build of the Python package, and of the ROS message where a ROS 2 is within reach.

``pip install .``              builds message and modules into one wheel (without ROS: the modules alone).
``python setup.py build_msgs`` builds the whole ROS package into the active venv, sources linked to the
                               checkout: what ``make`` uses. Run it after ``pip install -e .``, which
                               removes the message again.
A colcon workspace ignores this file: CMakeLists.txt installs everything there.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import ClassVar

from setuptools import Command, Distribution, setup
from setuptools.command.build_py import build_py as setuptools_build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = "restoregan_ros"


def ament_prefixes() -> list[str]:
    """Prefixes in which ROS packages may lie: a sourced ROS first, then this interpreter's own."""
    sourced = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    return [*sourced, sys.prefix]


def ros_is_within_reach() -> bool:
    if os.environ.get("RESTOREGAN_WITHOUT_MESSAGE"):
        return False
    generators = "share/rosidl_default_generators/cmake"
    return any((Path(prefix) / generators).is_dir() for prefix in ament_prefixes())


def mend_wheel_exports() -> None:
    """Point the ROS wheels' CMake exports at this machine.

    The wheels name the include folders of the machine that built them. These files belong to the wheels, not to us:
    what is changed is said. A ROS from Debian packages has no such files under ``sys.prefix`` and is left alone.
    """
    import numpy

    python_include = sysconfig.get_paths()["include"]
    for export in Path(sys.prefix, "share").glob("*/cmake/*rosidl_generator_pyExport.cmake"):
        before = export.read_text()
        after = re.sub(r'/opt/python/[^;"]*/numpy/_?core/include', numpy.get_include(), before)
        after = re.sub(r'/opt/python/[^;"]*/include/python3\.\d+', python_include, after)
        if after != before:
            export.write_text(after)
            print(f"corrected the include folders in {export}")


def cmake_install(prefix: Path, build: Path, *options: str) -> None:
    """Configure, build and install the ament package at ROOT into ``prefix``."""
    env = dict(os.environ)
    # pip's isolated build hides site-packages, where the wheels' ROS generators live, behind PYTHONPATH.
    env["PYTHONPATH"] = os.pathsep.join(
        p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p and "pip-build-env" not in p
    )
    env["AMENT_PREFIX_PATH"] = os.pathsep.join(ament_prefixes())
    env["CMAKE_PREFIX_PATH"] = os.pathsep.join([*ament_prefixes(), env.get("CMAKE_PREFIX_PATH", "")])
    env["PATH"] = os.path.dirname(sys.executable) + os.pathsep + env["PATH"]
    mend_wheel_exports()
    generator = ["-GNinja"] if shutil.which("ninja", path=env["PATH"]) else []
    site_packages = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    configure = [
        "cmake", "-S", str(ROOT), "-B", str(build), *generator,
        f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DBUILD_TESTING=OFF",
        f"-DPython3_EXECUTABLE={sys.executable}",
        # Found without LD_LIBRARY_PATH: beside the module, and in the venv's lib.
        "-DCMAKE_INSTALL_RPATH=$ORIGIN;$ORIGIN/../../..",
        f"-DPYTHON_INSTALL_DIR={site_packages}", *options,
    ]  # fmt: skip
    subprocess.run(configure, check=True, env=env)
    subprocess.run(["cmake", "--build", str(build), "--target", "install"], check=True, env=env)


def build_folder(prefix: Path) -> Path:
    """One for each environment: what is installed links into it, and CMake remembers where it found each package."""
    return ROOT / "build" / f"{prefix.name.lstrip('.')}-{sys.implementation.cache_tag}"


class build_msgs(Command):  # noqa: N801 - setuptools' naming
    """Install the ROS package into the active venv, Python sources linked to the checkout."""

    user_options: ClassVar[list[tuple[str, str | None, str]]] = []

    def initialize_options(self) -> None: ...

    def finalize_options(self) -> None: ...

    def run(self) -> None:
        build = build_folder(Path(sys.prefix))
        cmake_install(Path(sys.prefix), build, "-DAMENT_CMAKE_SYMLINK_INSTALL=1", "-DINSTALL_MODULES=OFF")
        # The modules are found in the checkout, new ones too.
        site = Path(sysconfig.get_paths()["purelib"])
        (site / "restoregan_checkout.pth").write_text(f"{ROOT}\n")


class build_py(setuptools_build_py):  # noqa: N801 - setuptools' naming
    """Adds the training recipes, the generated message and the ament resources to the wheel."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        self._take_recipes()
        if not ros_is_within_reach():
            self.warn("no ROS 2 within reach: building without restoregan_ros.msg")
            return
        stage = Path(self.build_lib).resolve().parent / "ros_stage"
        shutil.rmtree(stage, ignore_errors=True)
        cmake_install(stage, stage.parent / "ros_cmake")
        self._take_generated_modules(next(stage.glob("lib/python*/*-packages")))
        self._take_ament_resources(stage)

    def _take_recipes(self) -> None:
        """Where ``restoregan train --config NAME`` looks; in a checkout it looks in config/train."""
        recipes = Path(self.build_lib) / "restoregan_core" / "recipes"
        recipes.mkdir(parents=True, exist_ok=True)
        for recipe in (ROOT / "config" / "train").glob("*.yaml"):
            shutil.copy2(recipe, recipes)

    def _take_generated_modules(self, site: Path) -> None:
        for source in (site / PACKAGE).rglob("*"):
            relative = source.relative_to(site)
            if source.is_file() and source.suffix in (".py", ".so") and not (ROOT / relative).exists():
                target = Path(self.build_lib) / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def _take_ament_resources(self, stage: Path) -> None:
        folders: dict[str, list[str]] = {}
        for top in ("share", "include", "lib"):
            for file in (stage / top).rglob("*"):
                if file.is_file() and "site-packages" not in file.parts and "dist-packages" not in file.parts:
                    folders.setdefault(str(file.parent.relative_to(stage)), []).append(os.path.relpath(file))
        self.distribution.data_files = sorted(folders.items())


class BinaryDistribution(Distribution):
    def has_ext_modules(self) -> bool:
        return ros_is_within_reach()


setup(cmdclass={"build_py": build_py, "build_msgs": build_msgs}, distclass=BinaryDistribution)
