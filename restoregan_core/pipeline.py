# SPDX-License-Identifier: Apache-2.0
"""READ FIRST. One frame's way through the core: remember -> assess -> gate -> restore -> guard -> steady -> blend.

Everything else in ``restoregan_core`` is either one of these steps, or trains or measures them:

    restoration/history.py    what did this camera's last frames show, seen from here?
    assessment/assessor.py    how blurred and how rainy is this frame, tile by tile?
    restoration/gate.py       which tiles are worth restoring? (thresholds with hysteresis per camera)
    restoration/restorer.py   the network on a frame of any size, by one of runtimes/
    restoration/guard.py      is the result finite, bounded, true in colour? does the network keep failing?
    restoration/steadier.py   where nothing moves, the mean with the frame before: noise must not flicker
    restoration/blending.py   the selected tiles of the result go into the source

Pictures are uint8 arrays of shape (height, width, 3) in RGB throughout. A frame that need not change comes
out as the very array that came in.
"""

import logging
import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment, Assessor
from restoregan_core.restoration.blending import blend_tiles, changed_share
from restoregan_core.restoration.gate import Gate
from restoregan_core.restoration.guard import BrightnessShiftError, Guard, GuardError
from restoregan_core.restoration.history import FrameHistory
from restoregan_core.restoration.restorer import NonFiniteOutputError, Restorer
from restoregan_core.restoration.steadier import Steadier
from restoregan_core.result import Action, Reason, RestorationResult

logger = logging.getLogger(__name__)


class RestorationPipeline:
    """History, assessor, gate, restorer, guard and steadier of one network, shared by any number of cameras.

    History, gate and steadier keep their state per camera; the guard counts the network's faults, whichever camera
    they hit. ``process`` is to be called from one thread at a time.
    ``gate.thresholds``, ``guard.limits`` and ``steadier.share`` may be replaced between frames.
    """

    def __init__(self, assessor: Assessor, restorer: Restorer, gate: Gate, guard: Guard) -> None:
        self.assessor = assessor
        self.restorer = restorer
        self.gate = gate
        self.guard = guard
        self.steadier = Steadier()
        self.history = FrameHistory(restorer.history)

    @property
    def model(self) -> str:
        """Name and first 12 hex digits of the weights' SHA-256."""
        return self.restorer.name

    def process(
        self,
        rgb_HWC: npt.NDArray[np.uint8],
        camera: str = "camera",
        restore: bool = True,
        stamp_s: float | None = None,
    ) -> RestorationResult:
        """Judge one frame and restore what needs it. Never raises for what assessor or network do.

        Args:
            rgb_HWC: uint8 RGB of shape (height, width, 3), at least 1x1. Not written to.
            camera: whose hysteresis and whose history to use.
            restore: False assesses only (monitor mode, or nobody looks at the image).
            stamp_s: when the frame was taken, in seconds on any clock: a jump back or a gap starts the history
                anew. None, or a stamp that does not move, says nothing; frames count as consecutive then.

        Raises:
            ValueError: not such an array.
        """
        if rgb_HWC.dtype != np.uint8 or rgb_HWC.ndim != 3 or rgb_HWC.shape[2] != 3 or rgb_HWC.size == 0:
            raise ValueError(
                f"expected uint8 RGB of shape (height, width, 3), got {rgb_HWC.dtype} {rgb_HWC.shape}"
            )
        self.history.take(camera, rgb_HWC, stamp_s)
        return self._process(rgb_HWC, camera, restore)

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's frames, or all: the next frame has nothing to do with the one before."""
        self.gate.reset(camera)
        self.steadier.reset(camera)
        self.history.reset(camera)

    def _process(self, rgb_HWC: npt.NDArray[np.uint8], camera: str, restore: bool) -> RestorationResult:
        started = time.perf_counter()
        try:
            assessment = self.assessor.assess(rgb_HWC)
        except Exception as error:
            logger.exception("assessment failed")
            return RestorationResult(
                image=rgb_HWC,
                assessment=Assessment.not_assessed(),
                action=Action.FAILED_OPEN,
                reason=Reason.RUNTIME_FAULT,
                detail=f"assessor: {error}",
            )
        assessment_ms = (time.perf_counter() - started) * 1e3

        tiles = self.gate.select(camera, assessment)
        unchanged = RestorationResult(
            image=rgb_HWC,
            assessment=assessment,
            restored_grid=np.zeros(assessment.blur_grid.shape, np.float32),
            residual=assessment,
            is_wanted=bool(tiles.any()),
            assessment_ms=assessment_ms,
        )
        if not restore:
            return replace(unchanged, reason=Reason.MONITOR)
        if self.gate.is_off:
            return replace(unchanged, reason=Reason.DISABLED)
        if not tiles.any():
            return unchanged
        if not self.guard.may_restore():
            return replace(
                unchanged, action=Action.FAILED_OPEN, reason=Reason.CIRCUIT_OPEN, detail=self.guard.describe()
            )

        started = time.perf_counter()
        try:
            restored_HWC = self.restorer.restore_aligned(rgb_HWC, self.history.aligned(camera))
            checked_HWC = self.guard.check(rgb_HWC, restored_HWC)
        except NonFiniteOutputError as error:
            self.guard.count_fault()
            return replace(unchanged, action=Action.FAILED_OPEN, reason=Reason.NON_FINITE, detail=str(error))
        except GuardError as error:
            self.guard.count_fault()
            is_brightness = isinstance(error, BrightnessShiftError)
            reason = Reason.BRIGHTNESS_SHIFT if is_brightness else Reason.COLOUR_SHIFT
            return replace(unchanged, action=Action.FAILED_OPEN, reason=reason, detail=str(error))
        except Exception as error:
            logger.exception("restoration failed")
            self.guard.count_fault()
            return replace(
                unchanged, action=Action.FAILED_OPEN, reason=Reason.RUNTIME_FAULT, detail=f"restorer: {error}"
            )
        self.guard.count_success()
        restored_HWC = self.steadier.steady(camera, rgb_HWC, checked_HWC)
        if restored_HWC is not checked_HWC:
            restored_HWC = self.guard.clamp(rgb_HWC, restored_HWC)
        image_HWC, changed_HW = blend_tiles(rgb_HWC, restored_HWC, tiles, assessment.tile_size_px)
        restoration_ms = (time.perf_counter() - started) * 1e3

        return RestorationResult(
            image=image_HWC,
            assessment=assessment,
            action=Action.RESTORED,
            changed=changed_HW,
            is_wanted=True,
            restored_grid=changed_share(changed_HW, assessment.tile_size_px),
            residual=self._assess_published(image_HWC),
            assessment_ms=assessment_ms,
            restoration_ms=restoration_ms,
        )

    def _assess_published(self, image_HWC: npt.NDArray[np.uint8]) -> Assessment:
        try:
            return self.assessor.assess(image_HWC)
        except Exception:  # the picture is good; only its residual probabilities are unknown
            logger.exception("assessment of the restored frame failed")
            return Assessment.not_assessed()
