"""``restoregan train``: train a network from a YAML recipe."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restoregan_core.training.config import TrainConfig

_DESCRIPTION = """Train a network from a YAML recipe. Every setting can be changed on the command line.
A run folder (runs/NAME, or --output) that holds a checkpoint is resumed.
SIGTERM and Ctrl-C save, then exit.
Several processes: torchrun --nproc_per_node=N -m restoregan_core train --config ...

example:
  restoregan train --config config/train/paper.yaml --schedule.epoch_scale 0.001 --device cpu"""


def main(argv: list[str]) -> int:
    """Train; 0 at the end of the plan, 128 + the signal's number where one stopped the run."""
    config = parse(argv)
    # After parsing: --help and a wrong key need no torch.
    from restoregan_core.data.sources import TrainingSource
    from restoregan_core.training.learner import TrainingFailedError
    from restoregan_core.training.trainer import Trainer

    trainer = Trainer(config, TrainingSource(config.data, config.seed))
    try:
        signal_number = trainer.run()
    except TrainingFailedError as error:
        print(f"restoregan train: {error}", file=sys.stderr)
        return 1
    return 128 + signal_number if signal_number else 0


def parse(argv: list[str]) -> "TrainConfig":
    """The typed recipe of a command line.

    Raises:
        ValueError: no such recipe, an unknown key, a value of the wrong type or out of range; one line.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    from restoregan_core.training.config import TrainConfig

    parser = ArgumentParser(
        prog="restoregan train", description=_DESCRIPTION, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("--config", action="config", help="a YAML recipe, such as config/train/paper.yaml")
    parser.add_class_arguments(TrainConfig)
    try:
        values = parser.instantiate(parser.parse_args(argv))
    except ArgumentError as error:
        raise ValueError(" ".join(str(error).split())) from error
    del values["config"]
    return TrainConfig(**values)
