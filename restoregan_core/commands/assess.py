# SPDX-License-Identifier: Apache-2.0
"""``restoregan assess``: how blurred and how rainy each frame is, one JSON object a frame."""

import argparse
import json
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from restoregan_core.assessment.assessor import Assessment, Assessor
from restoregan_core.assessment.overlay import draw_overlay
from restoregan_core.bags.reader import is_bag
from restoregan_core.commands.common import (
    add_assessor_option,
    add_threads_option,
    input_path,
    make_parser,
    output_folder,
    progress_bars,
)
from restoregan_core.files import atomic_write, check_is_free, refuse_links
from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.images.folders import find_images
from restoregan_core.images.image_files import read_image_file
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.video_files import VideoReader, is_video
from restoregan_core.loading import load_assessor
from restoregan_core.restoration.camera_judge import FRAMES_BEFORE, CameraJudge
from restoregan_core.restoration.history import FrameHistory

logger = logging.getLogger(__name__)

_DECIMALS = 3


@dataclass(frozen=True)
class _Frame:
    file: Path
    number: int | None
    """From 0, in a video or bag; None for an image."""
    rgb: RgbImage
    source: dict[str, Any] = field(default_factory=dict)
    """``camera`` and ``stamp_ns`` of a bag's frame; otherwise empty."""


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    has_bag = is_bag(arguments.input)
    files = [arguments.input] if has_bag else _files(arguments.input)
    if arguments.video and not arguments.input.is_dir():
        raise ValueError(f"--video is for a folder of frames; {arguments.input} is a file: leave it out")
    judge = _Judge(load_assessor(arguments.assessor, threads=arguments.threads), arguments.video)
    for frame in _with_progress(files, _bag_frames if has_bag else _file_frames):
        assessment = judge(frame)
        if arguments.json:
            print(json.dumps(_record(frame, assessment)), flush=True)
        else:
            print(_line(frame, assessment), flush=True)
        if arguments.overlay is not None:
            _write_overlay(_overlay_path(arguments, frame), arguments.overlay, frame, assessment)
    return 0


class _Judge:
    """The pipeline's judge for videos and bags, each frame with those before it; single images are judged alone."""

    def __init__(self, assessor: Assessor, is_video: bool) -> None:
        self._assessor = assessor
        self._is_video = is_video
        self._history = FrameHistory(FRAMES_BEFORE)
        self._judge = CameraJudge(assessor, self._history)

    def __call__(self, frame: _Frame) -> Assessment:
        if frame.number is None and not self._is_video:
            return self._assessor.assess(frame.rgb)
        camera = frame.source.get("camera", "folder" if frame.number is None else str(frame.file))
        stamp_ns = frame.source.get("stamp_ns")
        self._history.take(camera, frame.rgb, None if stamp_ns is None else stamp_ns / 1e9)
        return self._judge.judge(camera, frame.rgb)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = make_parser(
        "assess",
        "Say how blurred and how rainy frames are, as probabilities from 0 to 1.\n"
        "Objects of --json hold: file, frame (of a video or bag), camera and stamp_ns (of a bag), blur,\n"
        "rain, drops (null: not assessed),\n"
        "tile_size_px, blur_grid and rain_grid (rows of tiles from the top left corner).",
        "restoregan assess drive.mp4 --json > drive.jsonl",
    )
    parser.add_argument(
        "input", type=input_path, metavar="INPUT", help="an image, a folder of images, a video or a bag"
    )
    add_assessor_option(parser)
    add_threads_option(parser)
    parser.add_argument(
        "--video",
        action="store_true",
        help="INPUT is a folder of consecutive frames in the order of their names: judge each with the frames before",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the grids")
    parser.add_argument(
        "--overlay",
        type=output_folder,
        metavar="DIR",
        help="write each frame with tiles and probabilities drawn there",
    )
    return parser.parse_args(argv)


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise ValueError(f"{source} does not exist")
    return find_images(source) if source.is_dir() else [source]


def _with_progress(
    files: list[Path], frames_of: Callable[[Path], Iterator[tuple[_Frame, int]]]
) -> Iterator[_Frame]:
    with progress_bars() as progress:
        task = progress.add_task("assessing", total=len(files))
        expected = dict.fromkeys(files, 1)
        for file in files:
            for frame, count in frames_of(file):
                if count != expected[file]:  # of a video or bag, known once it is open
                    expected[file] = count
                    progress.update(task, total=sum(expected.values()))
                yield frame
                progress.advance(task)


def _file_frames(file: Path) -> Iterator[tuple[_Frame, int]]:
    """Frames of an image or video, and how many there will be."""
    if is_video(file):
        with VideoReader(file) as video:
            for number, frame in enumerate(video):
                yield _Frame(file, number, frame.rgb_HWC), video.count
    else:
        yield _image(file), 1


def _bag_frames(bag_path: Path) -> Iterator[tuple[_Frame, int]]:
    """Frames of all cameras of a bag; what does not decode is named and left out."""
    from restoregan_core.bags.frames import FrameReader
    from restoregan_core.bags.reader import open_bag

    with open_bag(bag_path) as bag:
        reader = FrameReader(bag)
        for line in bag.notes:
            logger.info("%s: %s", bag_path, line)
        count = sum(camera.count for camera in reader.cameras)
        for frame in reader.frames():
            try:
                rgb_HWC = frame.decode()
            except (UnsupportedEncodingError, MalformedImageError) as error:
                logger.warning("%s, frame %d of %s: %s", bag_path, frame.index, frame.camera.name, error)
                continue
            source = {"camera": frame.camera.name, "stamp_ns": frame.stamp_ns}
            yield _Frame(bag_path, frame.index, rgb_HWC, source), count


def _image(file: Path) -> _Frame:
    return _Frame(file, None, read_image_file(file).rgb)


def _record(frame: _Frame, assessment: Assessment) -> dict[str, Any]:
    return {
        "file": str(frame.file),
        **({} if frame.number is None else {"frame": frame.number}),
        **frame.source,
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
    is_folder = arguments.input.is_dir() and frame.file != arguments.input
    inside = frame.file.relative_to(arguments.input) if is_folder else Path(frame.file.name)
    suffix = "" if frame.number is None else f"_{frame.number:06d}"
    return Path(arguments.overlay) / inside.with_name(f"{inside.stem}{suffix}.png")


def _write_overlay(path: Path, folder: Path, frame: _Frame, assessment: Assessment) -> None:
    refuse_links(path, below=folder)
    check_is_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr_HWC = cv2.cvtColor(draw_overlay(frame.rgb, assessment), cv2.COLOR_RGB2BGR)
    with atomic_write(path, keep_suffix=True) as temporary:
        if not cv2.imwrite(str(temporary), bgr_HWC):
            raise OSError(f"{path} could not be written")
