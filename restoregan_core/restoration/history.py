# SPDX-License-Identifier: Apache-2.0
"""The frames before: what each camera's last frames show, seen from where the current one was taken.

A frame is remembered when it is accepted, as it came from the camera. What a recurrent network made of the newest one
is shown beside it (``own_answers.py`` remembers that). The same frames give the same history whether they are live or
replayed, resumed or not.

History starts over at another size, when stamps jump back, after a gap, and at a cut to another scene. Until there
are frames enough the oldest one stands for those that are missing; without any, the current frame does, and the
network sees a single image.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.concurrency import both
from restoregan_core.images.alignment import (
    Flow,
    GreyImage,
    Part,
    compose,
    filled_up,
    find_coarse_flow,
    find_flow,
    half_image,
    quarter_image,
    squat_image,
    warp,
)
from restoregan_core.images.blur_path import path_image
from restoregan_core.images.failed_alignment import Alignment, judged
from restoregan_core.images.rgb import RgbImage, require_rgb

LONGEST_GAP_S = 1.0
"""Longest time between two frames that belong together; after a longer one the scene is taken to be another."""

_CUT_CORRELATION = 0.7
"""Correlation of a frame with the aligned one before it, on small grey images, below which the scenes differ."""
_CUT_SIDE_PX = 40
"""Least width of those small images: a cut changes what is large, rain and noise what is small."""
_FLAT_LEVELS = 3.0
"""Standard deviation of a small image, of 255, under which it shows nothing that could be compared."""


@dataclass
class RememberedFrame:
    """One frame of a camera, and the way from it to the frame before."""

    rgb_HWC: RgbImage  # noqa: N815 - shape suffix
    stamp_s: float | None
    half: GreyImage
    squat: GreyImage
    step: Flow | None = field(default=None, repr=False)
    """Flow to the next older frame; found when it is first asked for."""
    is_cut: bool | None = None
    """Whether the next older frame shows another scene."""
    quarter: GreyImage | None = field(default=None, repr=False)
    """Its ``quarter_image``; made when it is first asked for."""
    before: FramesBefore | None = field(default=None, repr=False)
    """What was found of the frames before, unless ``has_before`` is None or False."""
    has_before: bool | None = None


class AlignedHistory:
    """The frames before the current one, as a network is shown them. Its images are not to be written to.

    Args:
        alignment: of the older frames.
        older: these frames, newest first, as the camera gave them.
        count: of images that the network takes; the last one stands for those that are missing.
        path: the current frame's ``images.blur_path`` follows.
        recurrent: the network takes the newest frame, and its own restoration of it.
    """

    def __init__(
        self, alignment: Alignment, older: Sequence[RgbImage], count: int, path: bool, recurrent: bool
    ) -> None:
        self._alignment, self._count, self._recurrent = alignment, count, recurrent
        current_HWC, half = alignment.current
        self._seen, self._path = both(
            lambda: alignment.show(older[:1] if recurrent else older),
            lambda: [path_image(current_HWC, alignment.ways[0], half)] if path else [],
        )

    def beside(self, answer_HWC: RgbImage | None = None) -> list[RgbImage]:
        """What ``Restorer.restore_aligned`` takes beside the current frame.

        Args:
            answer_HWC: what a recurrent network made of the newest frame before, uint8 RGB of its shape; None where
                that frame was left as it was. Other networks do not look at it.
        """
        shown = list(self._seen)
        if self._recurrent and answer_HWC is not None:
            shown += self._alignment.show([answer_HWC])
        return [*filled_up(shown, self._count), *self._path]


class FrameHistory:
    """The last frames of every camera.

    Args:
        length: how many frames before the current one are kept of each camera. The memory is
            ``length + 1`` frames of RGB, each with small grey images and two flows: at most 6.2 bytes a px and frame,
            17 MB a camera at 1280x720 with two frames before.

        path: give the current frame's path beside the frames before it.
        recurrent: of two frames, the older one gives way to what the network made of the newer one.

    Raises:
        ValueError: a negative length.
    """

    def __init__(self, length: int, path: bool = False, recurrent: bool = False) -> None:
        if length < 0:
            raise ValueError(f"length={length} must not be negative")
        self.length, self.path, self.recurrent = length, path, recurrent
        self._cameras: dict[str, deque[RememberedFrame]] = {}

    def take(self, camera: str, rgb_HWC: RgbImage, stamp_s: float | None = None) -> None:
        """Take up a camera's next frame: uint8 RGB (height, width, 3), which is copied.

        Args:
            stamp_s: when it was taken, on any clock, in seconds; None, or equal stamps, say nothing: then frames
                count as consecutive.
        """
        if self.length == 0:
            return
        frames = self._cameras.setdefault(camera, deque(maxlen=self.length + 1))
        if frames and not _belong_together(frames[0], rgb_HWC, stamp_s):
            frames.clear()
        frames.appendleft(_remembered(rgb_HWC.copy(), stamp_s))

    def look_back(
        self, camera: str, count: int | None = None, parts: Sequence[Part] = ()
    ) -> AlignedHistory | None:
        """The frames before the current one.

        Args:
            count: how many, at most and by default ``length``.
            parts: what of the images is needed, rows and columns; nothing else has to be right then.

        Returns:
            None if the camera has only one frame, or none that shows the same scene.
        """
        count = self.length if count is None else count
        frames = list(self._cameras.get(camera, ()))[: count + 1]
        ways: list[Flow] = []
        for newer, older in pairwise(frames):
            step = _step(newer, older)
            if newer.is_cut:
                break
            ways.append(compose(ways[-1], step) if ways else step)
        if not ways:
            return None
        current, *before = [(frame.rgb_HWC, frame.half) for frame in frames[: len(ways) + 1]]
        images = [image for image, _ in before]
        alignment = judged(current, before, ways, parts)
        return AlignedHistory(alignment, images, count, self.path, self.recurrent)

    def before(self, camera: str) -> FramesBefore | None:
        """What an assessor sees of the frames before the current one.

        Found along a coarser flow than ``look_back``'s, at an eighth of the cost: it is asked of every frame.

        Returns:
            None if the camera has only one frame, or none that shows the same scene.
        """
        frames = list(self._cameras.get(camera, ()))
        if not frames:
            return None
        for newer, older in zip(frames[-2::-1], frames[:0:-1], strict=True):
            _find_before(newer, older)
        return frames[0].before

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's frames, or all."""
        if camera is None:
            self._cameras.clear()
        else:
            self._cameras.pop(camera, None)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All frames and stamps as arrays by name, for ``load_state``; later frames do not change them."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for camera, frames in self._cameras.items():
            for number, frame in enumerate(frames):
                arrays[f"frame {number} {camera}"] = frame.rgb_HWC
                stamp = np.nan if frame.stamp_s is None else frame.stamp_s
                arrays[f"stamp {number} {camera}"] = np.array(stamp, np.float64)
        return arrays

    def load_state(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on where another history's ``state`` was taken; what was remembered here is forgotten.

        Raises:
            ValueError: not arrays that ``state`` gives.
        """
        self._cameras.clear()
        numbered = [key.split(" ", 2)[1:] for key in arrays if key.startswith("frame ")]
        for number, camera in sorted(numbered, key=lambda pair: int(pair[0])):
            rgb_HWC, stamp = arrays[f"frame {number} {camera}"], arrays.get(f"stamp {number} {camera}")
            if stamp is None:
                raise ValueError(f"frame {number} of {camera!r} has no stamp")
            require_rgb(rgb_HWC, f"frame {number} of {camera!r}")
            stamp_s = None if np.isnan(stamp) else float(stamp)
            frames = self._cameras.setdefault(camera, deque(maxlen=self.length + 1))
            frames.append(_remembered(rgb_HWC, stamp_s))


def _remembered(rgb_HWC: RgbImage, stamp_s: float | None) -> RememberedFrame:
    half = half_image(rgb_HWC)
    return RememberedFrame(rgb_HWC, stamp_s, half, squat_image(half))


def _belong_together(newest: RememberedFrame, rgb_HWC: RgbImage, stamp_s: float | None) -> bool:
    if newest.rgb_HWC.shape != rgb_HWC.shape:
        return False
    if newest.stamp_s is None or stamp_s is None:
        return True
    return 0 <= stamp_s - newest.stamp_s <= LONGEST_GAP_S


def _step(newer: RememberedFrame, older: RememberedFrame) -> Flow:
    """The flow between two neighbours, found once; also sees whether there is a cut between them."""
    if newer.step is None:
        newer.step = find_flow(newer.half, older.half)
        newer.is_cut = _shows_another_scene(_quarter(newer), _quarter(older), newer.step)
    return newer.step


def _find_before(newer: RememberedFrame, older: RememberedFrame) -> None:
    """Find ``newer.before``, once, from its neighbour and what that one's neighbour looks like from there."""
    if newer.has_before is not None:
        return
    flow = find_coarse_flow(_quarter(newer), _quarter(older))
    images = [older.squat] if older.before is None else [older.squat, older.before.aligned[0]]
    warped = warp(np.asarray(cv2.merge(images), np.uint8), flow)
    aligned = [np.asarray(image, np.uint8) for image in cv2.split(warped)]
    newer.has_before = not _differ(newer.squat, aligned[0])
    if newer.has_before:
        px = np.float32(newer.rgb_HWC.shape[1] / flow.shape[1])
        newer.before = FramesBefore(newer.squat, (aligned[0], aligned[-1]), flow * px)


def _quarter(frame: RememberedFrame) -> GreyImage:
    if frame.quarter is None:
        frame.quarter = quarter_image(frame.half)
    return frame.quarter


def _shows_another_scene(newer: GreyImage, older: GreyImage, step: Flow) -> bool:
    return _differ(newer, np.asarray(warp(older, step), np.uint8))


def _differ(newer: GreyImage, aligned: GreyImage) -> bool:
    """Whether two aligned images show different scenes."""
    shrunk = [_halved_until_small(image).astype(np.float32) for image in (newer, aligned)]
    one, other = (image - image.mean() for image in shrunk)
    deviations = [float(np.sqrt((image * image).mean())) for image in (one, other)]
    if min(deviations) < _FLAT_LEVELS:
        return False
    return float((one * other).mean()) < _CUT_CORRELATION * deviations[0] * deviations[1]


def _halved_until_small(image: GreyImage) -> GreyImage:
    # Step by step: one resize over the whole way takes five times as long.
    while image.shape[1] >= 2 * _CUT_SIDE_PX:
        size = image.shape[1] // 2, max(image.shape[0] // 2, 1)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return image
