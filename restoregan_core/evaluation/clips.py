# SPDX-License-Identifier: Apache-2.0
"""Videos to evaluate on: folders of consecutive frames in the order of their numbers, or video files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from restoregan_core.data.video import read_frames
from restoregan_core.datasets.pair_matching import Pair
from restoregan_core.datasets.pairs import find_pairs
from restoregan_core.images.folders import find_frames, frame_order, read_rgb
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.video_files import is_video

FEWEST_FRAMES = 3
"""Of a clip: what consecutive frames show is measured on a frame and both its neighbours."""


@dataclass(frozen=True)
class Frame:
    """One frame of a clip: uint8 RGB (height, width, 3) images of one size."""

    file: str
    """Its name in reports."""
    image: RgbImage
    target: RgbImage | None
    """Its ground truth, if there is one."""


@dataclass(frozen=True)
class Clip:
    """Frames that one camera took one after the other."""

    root: Path
    """The folder that names in reports are relative to."""
    inputs: tuple[Path, ...]
    """Its frames as image files, or one video file."""
    targets: tuple[Path, ...] = ()
    """The ground truth of each input, which may be that input itself; empty if there is none."""

    def frames(self) -> Iterator[Frame]:
        """Read the frames in their order.

        Raises:
            ValueError: a file cannot be read, or a frame is not of the first one's size; the message names it.
        """
        size = None
        for frame in self._video_frames() if is_video(self.inputs[0]) else self._image_frames():
            size = size or frame.image.shape
            for image in (frame.image, frame.image if frame.target is None else frame.target):
                if image.shape != size:
                    raise ValueError(
                        f"{frame.file} is {image.shape[0]}x{image.shape[1]}, but its clip began with"
                        f" {size[0]}x{size[1]}: frames and targets of a clip have one size"
                    )
            yield frame

    def _video_frames(self) -> Iterator[Frame]:
        for number, image in enumerate(read_frames(self.inputs[0])):
            yield Frame(f"{self.inputs[0].name}#{number}", image, image if self.targets else None)

    def _image_frames(self) -> Iterator[Frame]:
        for number, path in enumerate(self.inputs):
            image = read_rgb(path)
            target = None
            if self.targets:
                same = self.targets[number] == path
                target = image if same else read_rgb(self.targets[number])
            yield Frame(path.relative_to(self.root).as_posix(), image, target)


@dataclass(frozen=True)
class VideoSet:
    """Clips under one name, all with ground truth or all without."""

    name: str
    clips: tuple[Clip, ...]

    @property
    def has_truth(self) -> bool:
        return bool(self.clips[0].targets)

    def check(self, on_checked: Callable[[], None] = lambda: None) -> int:
        """Read every frame once, so that a bad file stops the program at its start; returns their number.

        Raises:
            ValueError: a clip has fewer than three frames; or as ``Clip.frames``.
        """
        total = 0
        for clip in self.clips:
            count = 0
            for _ in clip.frames():
                count += 1
                on_checked()
            if count < FEWEST_FRAMES:
                raise ValueError(
                    f"{clip.inputs[0].parent} holds a clip of {count} frames; a video needs at least {FEWEST_FRAMES}"
                )
            total += count
        return total


def find_clips(source: Path, layout: str = "folders", clean: bool = False) -> tuple[Clip, ...]:
    """The clips of a folder: each folder of images in it is one; or of a video file, which is one.

    Args:
        source: holds ``input/`` and ``target/``; or, without ground truth, ``input/`` or the images themselves; or is
            a video file.
        layout: how pairs lie there, see ``datasets/layouts.py``.
        clean: the frames are clean: those of ``target/``, if there is one, are input and ground truth.

    Raises:
        ValueError: no frames there, or targets without inputs.
    """
    if source.is_file():
        if not is_video(source):
            raise ValueError(f"{source} is neither a folder nor a video")
        return (Clip(source.parent, (source,), (source,) if clean else ()),)
    if clean:
        root = source / "target" if (source / "target").is_dir() else source
        return _by_folder(root, [Pair(path, path) for path in find_frames(root)])
    if layout != "folders" or (source / "target").is_dir():
        if layout == "folders" and not (source / "input").is_dir():
            raise ValueError(
                f"{source} holds target/ but no input/: --clean measures what its frames lose when they are restored"
            )
        return _by_folder(source, find_pairs(source, check=False, layout=layout, split="test"))
    root = source / "input" if (source / "input").is_dir() else source
    clips = _by_folder(root, [Pair(path, path) for path in find_frames(root)])
    return tuple(Clip(clip.root, clip.inputs) for clip in clips)


def _by_folder(root: Path, pairs: Sequence[Pair]) -> tuple[Clip, ...]:
    in_order = sorted(pairs, key=lambda pair: frame_order(pair.input_path))
    clips = []
    for _, group in groupby(in_order, key=lambda pair: pair.input_path.parent):
        members = list(group)
        inputs = tuple(pair.input_path for pair in members)
        clips.append(Clip(root, inputs, tuple(pair.target_path for pair in members)))
    return tuple(clips)
