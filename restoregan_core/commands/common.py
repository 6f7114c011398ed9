# SPDX-License-Identifier: Apache-2.0
"""What the verbs share: parsers that look alike, sizes, the error for an unmet requirement."""

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from restoregan_core.commands.completion import CompletingParser


class RequirementNotMetError(Exception):
    """A condition that the user set does not hold: exit code 3."""


def make_parser(verb: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser for one verb, whose help ends with an example that can be pasted."""
    return CompletingParser(
        prog=f"restoregan {verb}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_assessor_option(parser: argparse._ActionsContainer) -> None:
    """``--assessor``, as ``load_assessor`` takes it."""
    parser.add_argument(
        "--assessor",
        default="learned",
        metavar="NAME|FILE",
        help="judge of blur and rain: learned (default), classical, or a .safetensors file",
    )


def parse_size(text: str) -> tuple[int, int]:
    """``720x1280`` -> (720, 1280): height first, as everywhere on the command line.

    Raises:
        argparse.ArgumentTypeError: not HxW, or a side of zero.
    """
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or int(match[1]) == 0 or int(match[2]) == 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a valid size; write HEIGHTxWIDTH, for example 720x1280"
        )
    return int(match[1]), int(match[2])


@contextmanager
def progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left on stderr: ``with progress(name) as on_progress: on_progress(done, total)``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:  # fmt: skip
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(done, total))
