# SPDX-License-Identifier: Apache-2.0
"""The bare network on a video, frame after frame: no gate, no bounds."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from restoregan_core.images.rgb import RgbImage, require_rgb
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.restoration.own_answers import OwnAnswers

_CAMERA = "video"


@runtime_checkable
class RestoresWithHistory(Protocol):
    """What looks at frames before: ``Restorer``, ``TemporalMedian``. Other restorers see each frame alone."""

    @property
    def history(self) -> int: ...

    @property
    def path(self) -> bool: ...

    @property
    def recurrent(self) -> bool: ...

    def __call__(self, rgb_HWC: RgbImage) -> RgbImage: ...

    def restore_aligned(self, rgb_HWC: RgbImage, aligned: Sequence[RgbImage]) -> RgbImage: ...


class VideoRestorer:
    """Call it with one frame after the other, uint8 RGB (H, W, 3): it gives each one restored, with those before it.

    History starts over as ``FrameHistory`` says.
    """

    def __init__(self, restorer: RestoresWithHistory) -> None:
        self._restorer = restorer
        self._history = FrameHistory(restorer.history, restorer.path, restorer.recurrent)
        self._answers = OwnAnswers(restorer.recurrent)
        self.beside: list[RgbImage] = []
        """What the network was shown beside the last frame."""

    def __call__(self, rgb_HWC: RgbImage, time_s: float | None = None) -> RgbImage:
        """The next frame, restored, a new array; raises what ``Restorer`` does.

        Args:
            time_s: when it was taken, where that is known.
        """
        require_rgb(rgb_HWC)
        self._history.take(_CAMERA, rgb_HWC, time_s)
        self.beside = self._answers.beside(_CAMERA, self._history.look_back(_CAMERA))
        self._answers.keep(_CAMERA, None)  # if the network fails, the frame stands for its own answer
        restored_HWC = self._restorer.restore_aligned(rgb_HWC, self.beside)
        self._answers.keep(_CAMERA, restored_HWC.copy())  # the caller may draw into what it gets
        return restored_HWC

    def skip(self, rgb_HWC: RgbImage, restored_HWC: RgbImage | None = None) -> None:
        """A frame that was restored before, and what became of it, if that is known: the next one looks at both."""
        require_rgb(rgb_HWC)
        self._history.take(_CAMERA, rgb_HWC)
        if restored_HWC is not None and restored_HWC.shape == rgb_HWC.shape:
            self._answers.keep(_CAMERA, restored_HWC.copy())
        else:
            self._answers.keep(_CAMERA, None)

    def reset(self) -> None:
        """The next frame has nothing to do with the one before."""
        self._history.reset(_CAMERA)
        self._answers.reset(_CAMERA)
