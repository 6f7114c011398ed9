# SPDX-License-Identifier: Apache-2.0
"""Recipes are found by name wherever the package lies, and files as they are."""

from pathlib import Path

import pytest

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
