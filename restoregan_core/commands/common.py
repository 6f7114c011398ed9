# SPDX-License-Identifier: Apache-2.0
"""What the verbs share: parsers that look alike, sizes, the error for an unmet requirement."""

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from restoregan_core.commands.completion import CompletingParser
from restoregan_core.runtimes.protocol import PRECISIONS, RUNTIMES

if TYPE_CHECKING:
    from rich.progress import Progress


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


def add_model_option(parser: argparse._ActionsContainer) -> None:
    """``--model``, as ``load_generator`` takes it."""
    parser.add_argument(
        "--model",
        default="lite",
        metavar="NAME|FILE",
        help="a network of the zoo or a .safetensors file (default: lite)",
    )


def add_runtime_options(
    parser: argparse._ActionsContainer, default: str = "as many as there are cores"
) -> None:
    """What ``load_restorer`` takes: ``--runtime``, ``--device``, ``--precision`` and ``--threads``, whose default is
    ``default``."""
    parser.add_argument(
        "--runtime",
        default="auto",
        choices=("auto", *RUNTIMES),
        help="what runs the network (default: auto, the first of these that this machine has)",
    )
    add_device_option(parser)
    parser.add_argument(
        "--precision",
        default="auto",
        choices=PRECISIONS,
        help="what the network computes in (default: auto, the fastest that keeps the image)",
    )
    add_threads_option(parser, default)


def add_threads_option(
    parser: argparse._ActionsContainer, default: str = "as many as there are cores"
) -> None:
    """``--threads``, as ``load_restorer`` takes it; ``default`` says what 0 means."""
    parser.add_argument(
        "--threads",
        type=int,
        default=0,
        metavar="N",
        help=f"most that the networks and OpenCV compute on, on the CPU (default: 0, {default})",
    )


def add_device_option(parser: argparse._ActionsContainer) -> None:
    """``--device``, as ``load_restorer`` takes it."""
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")


def add_preset_option(
    parser: argparse._ActionsContainer, name: str = "--preset", *, is_gated: bool = True
) -> None:
    """A preset of the gate under the option ``name``; without it the default one, or everything is restored."""
    from restoregan_core.restoration.gate import DEFAULT_PRESET, PRESETS

    default = DEFAULT_PRESET if is_gated else None
    parser.add_argument(
        name,
        default=default,
        choices=tuple(PRESETS),
        metavar="PRESET",
        help=f"restore only what needs it, as on a vehicle: {', '.join(PRESETS)} (default: {default or 'everything'})",
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


def input_path(text: str) -> Path:
    """The path of what a verb reads.

    Raises:
        argparse.ArgumentTypeError: a URL, of which a path would be made that does not exist.
    """
    if re.match(r"\w+://", text):
        raise argparse.ArgumentTypeError(f"{text} is a URL: store what it leads to as a file, and name that")
    return Path(text)


def output_file(text: str) -> Path:
    """The path of a file that is written when all work is done.

    Raises:
        argparse.ArgumentTypeError: its folder does not exist, or it is a folder itself.
    """
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder: name a file in it")
    return path


def output_folder(text: str) -> Path:
    """The path of a folder to write into, which need not exist.

    Raises:
        argparse.ArgumentTypeError: it, or what should hold it, is a file.
    """
    path = Path(text)
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise argparse.ArgumentTypeError(f"{part} is a file: name a folder")
    return path


def progress_bars(transient: bool = True) -> "Progress":
    """Bars with the time left on stderr, to be used in a ``with`` block; ``transient`` ones go when they are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=transient)


@contextmanager
def progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left on stderr: ``with progress(name) as on_progress: on_progress(done, total)``.

    It comes with the first call: an error before that stands alone.
    """
    bars = progress_bars(transient=False)

    def on_progress(done: int, total: int) -> None:
        if not bars.tasks:
            bars.add_task(name)
            bars.start()
        bars.update(bars.tasks[0].id, completed=done, total=max(done, total))

    try:
        yield on_progress
    finally:
        if bars.tasks:
            bars.stop()
