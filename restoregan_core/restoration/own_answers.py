# SPDX-License-Identifier: Apache-2.0
"""What a recurrent network made of each camera's newest frame: it is shown that with the next one."""

from typing import Any

import numpy.typing as npt

from restoregan_core.images.rgb import RgbImage, require_rgb
from restoregan_core.restoration.history import AlignedHistory


class OwnAnswers:
    """The last answer to every camera.

    Args:
        recurrent: whether the network looks at them; if not, none is kept.
    """

    def __init__(self, recurrent: bool) -> None:
        self._recurrent = recurrent
        self._last: dict[str, RgbImage] = {}

    def beside(self, camera: str, history: AlignedHistory | None) -> list[RgbImage]:
        """What ``Restorer.restore_aligned`` takes beside a camera's current frame; nothing without a history."""
        return [] if history is None else history.beside(self._last.get(camera))

    def keep(self, camera: str, restored_HWC: RgbImage | None) -> None:
        """Remember what became of a camera's current frame: uint8 RGB, not copied; None if it was left as it was."""
        if self._recurrent and restored_HWC is not None:
            self._last[camera] = restored_HWC
        else:
            self._last.pop(camera, None)

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's answer, or all."""
        if camera is None:
            self._last.clear()
        else:
            self._last.pop(camera, None)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All answers as arrays by name, for ``load_state``."""
        return dict(self._last)

    def load_state(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Go on where other answers' ``state`` was taken; what was remembered here is forgotten.

        Raises:
            ValueError: not arrays that ``state`` gives.
        """
        for camera, answer_HWC in arrays.items():
            require_rgb(answer_HWC, f"the last answer to {camera!r}")
        self._last = dict(arrays)
