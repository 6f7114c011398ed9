"""``restoregan assess``: how blurred and how rainy each frame is, one JSON object a frame."""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessor import Assessment
from restoregan_core.commands.common import add_assessor_option, make_parser
from restoregan_core.data.pictures import find_pictures
from restoregan_core.loading import load_assessor
from restoregan_core.overlay import draw_overlay
from restoregan_core.picture_files import read_picture_file
from restoregan_core.video_files import count_frames, is_video

_DECIMALS = 3


@dataclass(frozen=True)
class _Frame:
    file: Path
    number: int | None
    """From 0, in a video; None for a picture."""
    rgb: npt.NDArray[np.uint8]


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    files = _files(arguments.input)
    assessor = load_assessor(arguments.assessor)
    for frame in _with_progress(files):
        assessment = assessor.assess(frame.rgb)
        if arguments.json:
            print(json.dumps(_record(frame, assessment)), flush=True)
        else:
            print(_line(frame, assessment), flush=True)
        if arguments.overlay is not None:
            _write_overlay(_overlay_path(arguments, frame), frame, assessment)
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = make_parser(
        "assess",
        "Say how blurred and how rainy frames are, as probabilities from 0 to 1.\n"
        "Objects of --json hold: file, frame (of a video), blur, rain, drops (null: not assessed),\n"
        "tile_size_px, blur_grid and rain_grid (rows of tiles from the top left corner).",
        "restoregan assess drive.mp4 --json > drive.jsonl",
    )
    parser.add_argument(
        "input", type=Path, metavar="INPUT", help="a picture, a folder of pictures or a video"
    )
    add_assessor_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the grids")
    parser.add_argument(
        "--overlay",
        type=Path,
        metavar="DIR",
        help="write each frame with tiles and probabilities drawn there",
    )
    return parser.parse_args(argv)


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise ValueError(f"{source} does not exist")
    return find_pictures(source) if source.is_dir() else [source]


def _with_progress(files: list[Path]) -> Iterator[_Frame]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    total = sum(count_frames(file) if is_video(file) else 1 for file in files)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("assessing", total=total or None)
        for file in files:
            for frame in _video_frames(file) if is_video(file) else [_picture(file)]:
                yield frame
                progress.advance(task)


def _picture(file: Path) -> _Frame:
    return _Frame(file, None, read_picture_file(file).rgb)


def _video_frames(file: Path) -> Iterator[_Frame]:
    capture = cv2.VideoCapture(str(file))
    index = 0
    try:
        while True:
            is_frame, bgr_HWC = capture.read()
            if not is_frame:
                break
            yield _Frame(file, index, np.asarray(cv2.cvtColor(bgr_HWC, cv2.COLOR_BGR2RGB), np.uint8))
            index += 1
    finally:
        capture.release()
    if index == 0:
        raise ValueError(f"{file} holds no frame that can be decoded")


def _record(frame: _Frame, assessment: Assessment) -> dict[str, Any]:
    return {
        "file": str(frame.file),
        **({} if frame.number is None else {"frame": frame.number}),
        "blur": _rounded(assessment.blur_probability),
        "rain": _rounded(assessment.rain_probability),
        "drops": _rounded(assessment.lens_drop_probability),
        "tile_size_px": assessment.tile_size_px,
        "blur_grid": [[_rounded(value) for value in row] for row in assessment.blur_grid],
        "rain_grid": [[_rounded(value) for value in row] for row in assessment.rain_grid],
    }


def _rounded(probability: float) -> float | None:
    # JSON has no NaN.
    return None if math.isnan(probability) else round(float(probability), _DECIMALS)


def _line(frame: _Frame, assessment: Assessment) -> str:
    where = str(frame.file) if frame.number is None else f"{frame.file} frame {frame.number}"
    return f"{where}: blur {assessment.blur_probability:.2f}, rain {assessment.rain_probability:.2f}"


def _overlay_path(arguments: argparse.Namespace, frame: _Frame) -> Path:
    inside = frame.file.relative_to(arguments.input) if arguments.input.is_dir() else Path(frame.file.name)
    suffix = "" if frame.number is None else f"_{frame.number:06d}"
    return Path(arguments.overlay) / inside.with_name(f"{inside.stem}{suffix}.png")


def _write_overlay(path: Path, frame: _Frame, assessment: Assessment) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists; nothing is overwritten: name an empty folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr_HWC = cv2.cvtColor(draw_overlay(frame.rgb, assessment), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(path), bgr_HWC):
        raise OSError(f"{path} could not be written")
