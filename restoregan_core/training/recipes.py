# SPDX-License-Identifier: Apache-2.0
"""The training recipes that come with the package, by name."""

from pathlib import Path

from restoregan_core.wording import did_you_mean

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "recipes", _PACKAGE.parent / "config" / "train")
"""Where they lie once installed, and in a checkout."""


def recipe_names() -> list[str]:
    """Names that ``find_recipe`` knows, sorted."""
    return sorted({file.stem for folder in _FOLDERS for file in folder.glob("*.yaml")})


def find_recipe(name: str) -> Path:
    """The file of a recipe.

    Args:
        name: path of a YAML file, or the name of a recipe that comes with the package, such as ``lite``.

    Raises:
        ValueError: neither a file nor a known name.
    """
    if Path(name).is_file():
        return Path(name)
    for folder in _FOLDERS:
        if (file := folder / f"{name}.yaml").is_file() and name in recipe_names():
            return file
    names = recipe_names()
    raise ValueError(
        f"{name} is not a file, nor one of the recipes{did_you_mean(name, names)}: {', '.join(names)}"
    )
