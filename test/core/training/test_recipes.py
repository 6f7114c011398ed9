# SPDX-License-Identifier: Apache-2.0
"""Recipes are found by name wherever the package lies, and files as they are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from restoregan_core.commands.train import parse
from restoregan_core.training.recipes import find_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_comes_with_the_package_is_valid(name: str) -> None:
    needed = {
        "lite_detector": ["--detector.weights", "yolox.onnx"],
        "derain": ["--transfer.start_from", "lite"],
    }
    assert parse(["--config", name, *needed.get(name, [])]).model in (
        "assessor", "lite", "paper", "vehicle",
    )  # fmt: skip


def test_both_spellings_of_the_option_take_a_name() -> None:
    assert parse(["--config=lite", "--seed", "3"]) == parse(["--config", "lite", "--seed", "3"])


def test_a_file_of_ones_own_goes_before_a_recipe_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe("lite").name == "lite.yaml"
    Path("lite").write_text("name: mine\n")
    assert find_recipe("lite") == Path("lite")


@pytest.mark.parametrize("name", ["no_such", "../train/lite", "nowhere/lite.yaml", ""])
def test_what_is_neither_names_the_recipes_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"nor one of the recipes: assessor, .*lite.*vehicle"):
        find_recipe(name)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("lite", {"optimiser": {"learning_rate": None}}),
        ("lite", {"optimiser": 5}),
        ("lite", {"schedule": {"stages": [{"epochs": float("inf")}]}}),
        ("lite", {"loss": {"pixel_weight": 10**400}}),
        ("lite", {"generator": {"width_multipliers": [None]}}),
        ("assessor", {"network": {"widths": ["x", 1, 1, 1]}}),
        ("assessor", {"held_out": None}),
    ],
)
def test_a_value_of_another_type_is_one_line(tmp_path: Path, name: str, changes: dict[str, Any]) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(find_recipe(name).read_text()) | changes))
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse(["--config", str(file)])


def test_a_recipe_nested_beyond_any_stack_is_named(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("[" * 3000)
    with pytest.raises(ValueError, match=r"recipe\.yaml is not valid YAML"):
        parse(["--config", str(file)])
