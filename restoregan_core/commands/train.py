# SPDX-License-Identifier: Apache-2.0
"""``restoregan train``: train a network from a YAML recipe."""

import math
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restoregan_core.documents import parse_yaml
from restoregan_core.training.recipes import find_recipe, recipe_names

if TYPE_CHECKING:
    from restoregan_core.training.assessor.config import AssessorTrainConfig
    from restoregan_core.training.assessor.trainer import AssessorTrainer
    from restoregan_core.training.config import TrainConfig
    from restoregan_core.training.trainer import Trainer

_DESCRIPTION = f"""Train a network from a YAML recipe. Every setting can be changed on the command line.
Recipes that come with the package, by name: {", ".join(recipe_names())}.
A run folder (runs/NAME, or --output) that holds a checkpoint is resumed.
SIGTERM and Ctrl-C save, then exit.
Several processes: torchrun --nproc_per_node=N -m restoregan_core train --config ...

example:
  restoregan train --config paper --data.pairs '[{{path: DIR, layout: gopro}}]' --schedule.epoch_scale 0.001"""


def main(argv: list[str]) -> int:
    """Train; 0 at the end of the plan, 128 + the signal's number where one stopped the run."""
    config = parse(argv)
    # After parsing: --help and a wrong key need no torch.
    from restoregan_core.training.data_folders import require_folders
    from restoregan_core.training.learner import TrainingFailedError

    require_folders(config)
    try:
        signal_number = _trainer(config).run()
    except TrainingFailedError as error:
        print(f"restoregan train: {error}", file=sys.stderr)
        return 1
    return 128 + signal_number if signal_number else 0


def _trainer(config: "TrainConfig | AssessorTrainConfig") -> "Trainer | AssessorTrainer":
    from restoregan_core.training.assessor.config import AssessorTrainConfig

    if isinstance(config, AssessorTrainConfig):
        from restoregan_core.training.assessor.trainer import AssessorTrainer

        return AssessorTrainer(config)
    from restoregan_core.data.sources import TrainingSource
    from restoregan_core.training.trainer import Trainer

    return Trainer(config, TrainingSource(config.data, config.seed))


def parse(argv: list[str]) -> "TrainConfig | AssessorTrainConfig":
    """The typed recipe of a command line; its ``model`` says which kind it is.

    Raises:
        ValueError: no such recipe, an unknown key, a value of the wrong type or out of range; one line.
    """
    from argparse import RawDescriptionHelpFormatter

    from jsonargparse import ArgumentError, ArgumentParser, DefaultHelpFormatter, set_parsing_settings

    from restoregan_core.training.assessor.config import AssessorTrainConfig
    from restoregan_core.training.config import TrainConfig

    if argv and not argv[0].startswith("-"):
        raise ValueError(f"a recipe is named by an option: restoregan train --config {argv[0]}")
    argv = _with_recipe_files(argv)
    # --help shows what stands below each field.
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    recipe = AssessorTrainConfig if _model_of(argv) == "assessor" else TrainConfig

    class Formatter(DefaultHelpFormatter, RawDescriptionHelpFormatter):
        """Leaves the example as it is written."""

    parser = ArgumentParser(
        prog="restoregan train",
        description=_DESCRIPTION,
        exit_on_error=False,
        allow_abbrev=False,
        formatter_class=Formatter,
    )
    parser.add_argument(
        "--config",
        action="config",
        help="a YAML recipe: the name of one that comes with the package, or a file",
    )
    parser.add_class_arguments(recipe)
    try:
        values = parser.instantiate(parser.parse_args(argv))
        del values["config"]
        made = recipe(**values)
    except (ArgumentError, ValueError) as error:
        raise ValueError(_plainly(" ".join(str(error).split()))) from error
    except Exception as error:
        # jsonargparse calls our checks with values of types that it has not refused yet.
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"a setting of the recipe has a value of the wrong type: {reason}") from error
    _require_finite(asdict(made))
    return made


def _plainly(reason: str) -> str:
    """The reason without jsonargparse's guess that a word in place of a mapping names a class."""
    return re.sub(
        r"Expected a dot import path string: (.+)",
        r"\1 is not a mapping; in a list of folders write '[{path: \1}]'",
        reason,
    )


def _require_finite(value: Any, where: str = "") -> None:
    """Refuse infinity and NaN, which pass any check for a lower bound or for none."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}={value} must be a finite number")
    entries = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    for key, entry in entries:
        _require_finite(entry, f"{where}.{key}" if where else str(key))


def _with_recipe_files(argv: list[str]) -> list[str]:
    """Files in place of the recipes' names: ``--config lite`` as ``--config .../lite.yaml``."""
    resolved = []
    for before, argument in zip(["", *argv], argv, strict=False):
        if before == "--config":
            argument = str(find_recipe(argument))
        elif argument.startswith("--config="):
            argument = f"--config={find_recipe(argument.removeprefix('--config='))}"
        resolved.append(argument)
    return resolved


def _model_of(argv: list[str]) -> str:
    """What the recipe trains, as far as it can be read: what is wrong with it is the parser's to say."""
    import argparse

    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    peek.add_argument("--config")
    peek.add_argument("--model")
    given, _ = peek.parse_known_args(argv)
    if given.model or not given.config:
        return str(given.model)
    try:
        text = Path(given.config).read_bytes()
    except OSError:
        return ""
    recipe = parse_yaml(text, given.config)
    return str(recipe.get("model", "")) if isinstance(recipe, dict) else ""
