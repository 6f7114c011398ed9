# SPDX-License-Identifier: Apache-2.0
"""Every module and name that an import statement asks for exists, in the statements within functions, too.

Those run late or never in a test, and mypy takes a module that it cannot find for one without types.
"""

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("restoregan_core", "restoregan_ros", "launch", "benchmarks", "tools", "test")
OURS = {"restoregan_core", "restoregan_ros"}
BUILT = "restoregan_ros.msg"
"""What cmake makes of our message, where there is ROS."""
Asked = tuple[str, str]
"""A module, and a name of it; "" where the module alone is asked for."""


def asked_for(source: str) -> Iterator[Asked]:
    """What the import statements of a file ask for, wherever they stand."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def is_installed(library: str) -> bool:
    """Whether there is such a library; a folder without ``__init__.py``, like our ``launch``, is none."""
    spec = importlib.util.find_spec(library)
    return spec is not None and spec.origin is not None


def fault_of(module: str, name: str) -> str:
    """What is wrong with an import; "" if nothing is, or if the library is not installed here."""
    top = module.partition(".")[0]
    if not (is_installed(BUILT) if module.startswith(BUILT) else top in OURS or is_installed(top)):
        return ""
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        is_its_own = error.name is not None and (module + ".").startswith(error.name + ".")
        return f"there is no module {module}" if is_its_own and error.name != top else ""
    except (ImportError, OSError):  # it is there, and what it was built for is not
        return ""
    if not name or hasattr(found, name):
        return ""
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:  # of itself, or of what it imports and is not installed here
        return f"{module} has no {name}" if error.name == f"{module}.{name}" else ""
    return ""


@pytest.mark.timeout(1200)  # it imports every library there is, which a busy machine takes minutes for
def test_everything_that_is_imported_exists() -> None:
    wanted: dict[Asked, str] = {}
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            wanted |= dict.fromkeys(asked_for(file.read_text()), str(file.relative_to(ROOT)))
    assert len(wanted) > 1000
    faults = [f"{file}: {fault}" for asked, file in wanted.items() if (fault := fault_of(*asked))]
    assert faults == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("import json.decode", "there is no module json.decode"),
        ("from restoregan_core.images import rbg", "restoregan_core.images has no rbg"),
        ("def f():\n    from restoregan_core.colours import x", "there is no module restoregan_core.colours"),
        ("from restoregan_core.images.rgb import RgbImage, require_rgb", ""),
        ("import a_library_of_nobody.parts", ""),
    ],
)
def test_what_does_not_exist_is_found(statement: str, fault: str) -> None:
    assert [fault_of(*asked) for asked in asked_for(statement) if fault_of(*asked)] == (
        [fault] if fault else []
    )
