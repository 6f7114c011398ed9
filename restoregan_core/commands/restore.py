# SPDX-License-Identifier: Apache-2.0
"""``restoregan restore``: an image, a folder of images or a video, into new files."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from restoregan_core.bags.reader import is_bag
from restoregan_core.commands.common import (
    add_assessor_option,
    add_model_option,
    add_preset_option,
    add_runtime_options,
    input_path,
    make_parser,
    progress_bars,
)
from restoregan_core.files import refuse_links
from restoregan_core.images.rgb import RgbImage
from restoregan_core.loading import load_pipeline, load_restorer
from restoregan_core.models.weights_file import LostWeightsError
from restoregan_core.pipeline import RestorationPipeline
from restoregan_core.restoration.video_restorer import VideoRestorer
from restoregan_core.result import Action
from restoregan_core.wording import counted

CAMERA = "restore"
IS_A_BAG = " is a ROS bag: `restoregan replay` restores its cameras"


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    source, output = arguments.input, arguments.output
    if not source.exists():
        raise ValueError(f"{source} does not exist")
    if source.is_dir():
        jobs = _plan_folder(source, output, arguments.skip_existing, arguments.video)
    elif arguments.video:
        raise ValueError(f"--video is for a folder of frames; {source} is a file: leave it out")
    else:
        jobs = _plan_file(source, output, arguments.skip_existing)
    if not jobs:
        _say("nothing to do: every output exists")
        return 0
    restore = _Restore(arguments)
    existing = sum(target.exists() for _, target in jobs)
    failed = _run(jobs, restore)
    restore.report()
    if source.is_dir():
        _say(f"{counted(len(jobs) - existing - failed, 'image')} restored into {output}")
    elif not failed:
        _say(f"wrote {jobs[0][1]}")
    return 2 if failed else 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = make_parser(
        "restore",
        "Restore an image, a folder of images or a video. Nothing is ever overwritten.\n"
        "Metadata, alpha, bit depth and JPEG quality stay as they were; a video loses its sound. Videos: .mp4 and\n"
        ".webm are VP9, which browsers play (an .mp4 without PyAV is MPEG-4), .mkv is lossless.",
        "restoregan restore --model lite rainy.jpg clear.jpg\n"
        "  restoregan restore drive.mp4 restored.mp4 --gate rain\n"
        "  restoregan restore frames/ restored/ --video",
    )
    parser.add_argument(
        "input", type=input_path, metavar="INPUT", help="an image, a video, or a folder of images"
    )
    parser.add_argument(
        "output", type=Path, metavar="OUTPUT", help="of the same kind; its suffix decides the format"
    )
    add_model_option(parser)
    add_preset_option(parser, "--gate", is_gated=False)
    add_assessor_option(parser)
    parser.add_argument(
        "--video",
        action="store_true",
        help="INPUT is a folder of consecutive frames in the order of their names: restore each with the frames before",
    )
    add_runtime_options(parser)
    parser.add_argument("--skip-existing", action="store_true", help="go on where an interrupted run stopped")
    return parser.parse_args(argv)


class _Restore:
    """The bare network, or the pipeline of the node, on one image after the other; counts what was done."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._pipeline: RestorationPipeline | None = None
        self.is_video: bool = arguments.video
        self._failures: Counter[str] = Counter()
        self._actions: Counter[Action] = Counter()
        options: dict[str, Any] = {
            name: getattr(arguments, name) for name in ("runtime", "device", "threads", "precision")
        }
        if arguments.gate is None:
            restorer = load_restorer(arguments.model, **options)
            self._video = VideoRestorer(restorer)
        else:
            self._pipeline = load_pipeline(
                arguments.model, preset=arguments.gate, assessor=arguments.assessor, **options
            )

    def image(self, rgb_HWC: RgbImage) -> RgbImage:
        """One image of a folder: of a video the next frame, else one that has nothing to do with the one before."""
        if self.is_video:
            return self.frame(rgb_HWC)
        if self._pipeline is not None:
            self._pipeline.reset(CAMERA)
        else:
            self._video.reset()
        return self.frame(rgb_HWC)

    def skip(self, rgb_HWC: RgbImage, restored_HWC: RgbImage | None) -> None:
        """A frame of a video that was restored before: those after it look back at it, and at what became of it."""
        if self._pipeline is not None:
            self._pipeline.process(rgb_HWC, camera=CAMERA)
        else:
            self._video.skip(rgb_HWC, restored_HWC)

    def frame(self, rgb_HWC: RgbImage, time_s: float | None = None) -> RgbImage:
        """The next frame of a video; ``time_s``: when it is shown, where that is known."""
        if self._pipeline is None:
            return self._video(rgb_HWC, time_s)
        result = self._pipeline.process(rgb_HWC, camera=CAMERA, stamp_s=time_s)
        self._actions[result.action] += 1
        if result.action == Action.FAILED_OPEN:
            self._failures[f"{result.reason.name.lower()}: {result.detail}"] += 1
        return result.image

    def report(self) -> None:
        """Say what the gate decided, and why anything failed open."""
        if self._pipeline is None:
            return
        counts = (
            f"{count} {action.name.lower().replace('_', ' ')}" for action, count in self._actions.items()
        )
        _say(", ".join(counts))
        for why, count in self._failures.items():
            _say(f"failed open, source kept: {count} times {why}")


def _plan_folder(source: Path, output: Path, skip_existing: bool, is_video: bool) -> list[tuple[Path, Path]]:
    """Images to restore, and where to; those of a video that exist already too, if one is missing."""
    from restoregan_core.images.folders import IMAGE_SUFFIXES, find_frames
    from restoregan_core.images.image_files import check_can_write
    from restoregan_core.images.video_encoding import WRITABLE_SUFFIXES

    if output.is_file():
        raise ValueError(f"{source} is a folder, so OUTPUT must be one too; {output} is a file")
    if output.suffix.lower() in (*WRITABLE_SUFFIXES, *IMAGE_SUFFIXES) and not output.is_dir():
        raise ValueError(f"{source} is a folder, so OUTPUT must be one too; {output} is the name of a file")
    if output.resolve() == source.resolve():
        raise ValueError(f"OUTPUT {output} is the input folder: give another one")
    try:
        found = find_frames(source)
    except ValueError as error:
        raise ValueError(f"{source}{IS_A_BAG}" if is_bag(source) else error) from error
    inside = output.resolve()
    jobs = [
        (path, output / path.relative_to(source))
        for path in found
        if inside not in path.resolve().parents  # a run before this one wrote into a subfolder
    ]
    missing = [(path, target) for path, target in jobs if not (skip_existing and target.exists())]
    for _, target in missing:
        refuse_links(target, below=output)
        check_can_write(target)
    return jobs if is_video and missing else missing


def _plan_file(source: Path, output: Path, skip_existing: bool) -> list[tuple[Path, Path]]:
    from restoregan_core.images.image_files import check_can_write
    from restoregan_core.images.video_encoding import check_can_write_video
    from restoregan_core.images.video_files import is_video

    if is_bag(source):
        raise ValueError(f"{source}{IS_A_BAG}")
    if output.is_dir():
        output = output / source.name
    if skip_existing and output.exists():
        return []
    if not output.suffix:
        raise ValueError(
            f"{output} is not a folder and has no suffix that says what to write: "
            f"name a file, such as {output}{source.suffix}"
        )
    (check_can_write_video if is_video(source) else check_can_write)(output)
    if not output.parent.is_dir():
        raise ValueError(f"{output}: the folder {output.parent} does not exist")
    return [(source, output)]


def _run(jobs: list[tuple[Path, Path]], restore: _Restore) -> int:
    """Restore every file; one that cannot be read is named and left out. Returns how many those are."""
    from restoregan_core.images.video_files import is_video, restore_video

    failed = 0
    with progress_bars() as progress:
        if len(jobs) == 1 and is_video(jobs[0][0]):
            source, output = jobs[0]
            task = progress.add_task(source.name, total=None)
            notes = restore_video(
                source, output,
                lambda frame: restore.frame(frame.rgb_HWC, frame.time_s),
                lambda count: progress.update(task, total=count, advance=1),
            )  # fmt: skip
            for note in notes:
                progress.console.print(f"{source}: {note}", soft_wrap=True, highlight=False)
            return 0
        task = progress.add_task("restoring", total=len(jobs))
        for source, output in jobs:
            try:
                for note in _restore_image(source, output, restore):
                    progress.console.print(f"{source}: {note}", soft_wrap=True, highlight=False)
            except LostWeightsError:  # no other image would fare better
                raise
            except ValueError as error:
                failed += 1
                progress.console.print(f"restoregan restore: {error}", soft_wrap=True, highlight=False)
            progress.advance(task)
    return failed


def _restore_image(source: Path, output: Path, restore: _Restore) -> tuple[str, ...]:
    from restoregan_core.images.image_files import check_can_write, read_image_file, write_image_file

    image = read_image_file(source)
    if restore.is_video and output.exists():
        restore.skip(image.rgb, _answer_in(output))
        return ()
    check_can_write(output, image)
    restored_HWC = restore.image(image.rgb)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_image_file(output, image, restored_HWC)
    return image.notes


def _answer_in(output: Path) -> RgbImage | None:
    """What an earlier run made of a frame; None if it cannot be read."""
    from restoregan_core.images.image_files import read_image_file

    try:
        return read_image_file(output).rgb
    except ValueError:
        return None


def _say(line: str) -> None:
    print(f"restoregan restore: {line}", file=sys.stderr)
