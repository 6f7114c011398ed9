# SPDX-License-Identifier: Apache-2.0
"""READ FIRST. One frame's way through the core: remember, assess, gate, restore, check, clamp, blend.

Everything else in ``restoregan_core`` is either one of these steps, or trains or measures them:

    restoration/history.py          what did this camera's last frames show, seen from here?
    assessment/assessor.py          how blurred and how rainy is this frame, tile by tile?
    restoration/camera_judge.py     and with the frames before, smoothly over time?
    restoration/gate.py             which tiles are worth restoring? (thresholds with hysteresis per camera)
    restoration/circuit_breaker.py  does the network keep failing? then it rests
    restoration/own_answers.py      what did the network make of the frame before? a recurrent one is shown that, too
    restoration/restorer.py         the network on the frame, or on windows around the tiles, by one of runtimes/
    restoration/output_bounds.py    is the result true in colour and brightness? no pixel may leave its bound
    restoration/blending.py         the selected tiles of the result go into the source

Images are uint8 arrays of shape (height, width, 3) in RGB throughout. A frame that need not change comes
out as the very array that came in.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment, Assessor
from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.images.rgb import RgbImage, require_rgb
from restoregan_core.images.tile_grid import pixels_of
from restoregan_core.models.weights_file import LostWeightsError
from restoregan_core.restoration.blending import blend_tiles
from restoregan_core.restoration.camera_judge import FRAMES_BEFORE, CameraJudge
from restoregan_core.restoration.circuit_breaker import CircuitBreaker
from restoregan_core.restoration.gate import Gate
from restoregan_core.restoration.history import AlignedHistory, FrameHistory
from restoregan_core.restoration.output_bounds import BrightnessShiftError, ColourShiftError, OutputBounds
from restoregan_core.restoration.own_answers import OwnAnswers
from restoregan_core.restoration.restorer import NonFiniteOutputError, Restorer
from restoregan_core.restoration.settings import PipelineSettings
from restoregan_core.restoration.windows import Window
from restoregan_core.result import Action, Reason, RestorationResult

logger = logging.getLogger(__name__)

Step = Literal["begin", "network"]
_REMEMBERED_BY: dict[str, Step] = {"answers": "network"}


@dataclass
class FrameUnderWay:
    """A frame between ``begin`` and ``finish``."""

    camera: str
    rgb_HWC: RgbImage  # noqa: N815 - shape suffix
    result: RestorationResult
    """What becomes of it unless the network restores it."""
    tiles: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), bool))
    """(rows, columns), true where the gate selects a tile."""
    selected_HW: npt.NDArray[np.bool_] | None = None  # noqa: N815
    """The same for pixels; None where every tile is selected."""
    windows: list[Window] = field(default_factory=list)
    """What the network is to look at; none is the whole frame."""
    before: FramesBefore | None = None
    """What the frames before show, for the judgement of what is published."""
    is_for_network: bool = False
    history: AlignedHistory | None = None
    """What the network is shown of the frames before; None if there is nothing to look back at."""
    restored_HWC: RgbImage | None = None  # noqa: N815
    """What the network made of it, within the output's bounds."""
    restoration_ms: float = 0.0
    residual_ms: float = math.nan
    """Of the judgement of a restored image; NaN without one."""

    def fail(self, reason: Reason, detail: str) -> None:
        """The source is published, for that reason."""
        self.is_for_network, self.history, self.restored_HWC = False, None, None
        self.result = replace(self.result, action=Action.FAILED_OPEN, reason=reason, detail=detail)


class RestorationPipeline:
    """All steps of one network, shared by any number of cameras. ``process`` is to be called from one thread at a time.

    History, judge, gate and own answers keep their state per camera; the circuit breaker counts the network's faults,
    whichever camera they hit.

    Args:
        assessor, restorer: run on every frame, and where tiles are selected.
        settings: may be replaced between frames by assigning ``pipeline.settings``.
        circuit: None gives every frame to the network however often it failed: what comes out depends on no clock then.
    """

    def __init__(
        self,
        assessor: Assessor,
        restorer: Restorer,
        settings: PipelineSettings | None = None,
        circuit: CircuitBreaker | None = None,
    ) -> None:
        self.restorer = restorer
        self.circuit = circuit
        self._gate = Gate()
        self._history = FrameHistory(max(restorer.history, FRAMES_BEFORE), restorer.path, restorer.recurrent)
        self._answers = OwnAnswers(restorer.recurrent)
        self._judge = CameraJudge(assessor, self._history)
        self._with_memory: dict[str, Gate | FrameHistory | OwnAnswers | CameraJudge] = {
            "gate": self._gate,
            "history": self._history,
            "answers": self._answers,
            "judge": self._judge,
        }
        self.settings = PipelineSettings() if settings is None else settings

    @property
    def settings(self) -> PipelineSettings:
        """In force from the next frame on."""
        return self._settings

    @settings.setter
    def settings(self, settings: PipelineSettings) -> None:
        self._settings = settings
        self._gate.thresholds, self._gate.dwell_frames = settings.thresholds, settings.dwell_frames
        self._bounds = OutputBounds(settings.output)
        if self.circuit is not None:
            self.circuit.limits = settings.circuit

    @property
    def assessor(self) -> Assessor:
        """Judges every frame."""
        return self._judge.assessor

    @property
    def model(self) -> str:
        """Name and first 12 hex digits of the weights' SHA-256."""
        return self.restorer.name

    def process(
        self,
        rgb_HWC: RgbImage,
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
                over. None, or a stamp that does not move, says nothing; frames count as consecutive then.

        Raises:
            ValueError: not such an array.
        """
        return self.finish(self.run_network(self.begin(rgb_HWC, camera, restore, stamp_s)))

    def reset(self, camera: str | None = None) -> None:
        """Forget one camera's frames, or all: the next frame has nothing to do with the one before."""
        for part in self._with_memory.values():
            part.reset(camera)

    def state(self, step: Step | None = None) -> dict[str, npt.NDArray[Any]]:
        """What is remembered of all cameras' frames as arrays by name, for ``load_state`` of a pipeline like this one.

        Later frames do not change them.

        Args:
            step: what is remembered from ``begin`` or from ``run_network`` alone, where these work on different frames.
        """
        return {
            f"{name} {key}": array
            for name, part in self._with_memory.items()
            if step in (None, _REMEMBERED_BY.get(name, "begin"))
            for key, array in part.state().items()
        }

    def load_state(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on where ``state`` was taken; what was remembered here is forgotten. An empty mapping forgets all."""
        states: dict[str, dict[str, npt.NDArray[Any]]] = {name: {} for name in self._with_memory}
        for name_and_key, array in arrays.items():
            name, key = name_and_key.split(" ", 1)
            states[name][key] = array
        for name, part in self._with_memory.items():
            part.load_state(states[name])

    def begin(
        self,
        rgb_HWC: RgbImage,
        camera: str = "camera",
        restore: bool = True,
        stamp_s: float | None = None,
    ) -> FrameUnderWay:
        """``process`` up to the network; takes what that takes.

        Begin, network and finish may work on three frames at a time, each in a thread of its own that takes the frames
        in order: the results are those of ``process``. There must be no circuit breaker then, for what it decides about
        a frame depends on the one before.
        """
        require_rgb(rgb_HWC)
        self._history.take(camera, rgb_HWC, stamp_s)
        started = time.perf_counter()
        try:
            assessment = self._judge.judge(camera, rgb_HWC)
        except Exception as error:
            _log_failure("assessment failed", error)
            failed = RestorationResult(
                image=rgb_HWC,
                assessment=Assessment.not_assessed(),
                action=Action.FAILED_OPEN,
                reason=Reason.RUNTIME_FAULT,
                detail=f"assessor: {error}",
            )
            return FrameUnderWay(camera, rgb_HWC, failed)
        assessment_ms = (time.perf_counter() - started) * 1e3

        tiles = self._gate.select(camera, assessment)
        unchanged = RestorationResult(
            image=rgb_HWC,
            assessment=assessment,
            restored_grid=np.zeros(assessment.blur_grid.shape, np.float32),
            residual=assessment,
            is_wanted=bool(tiles.any()),
            assessment_ms=assessment_ms,
        )
        frame = FrameUnderWay(camera, rgb_HWC, unchanged, tiles)
        if not restore:
            frame.result = replace(unchanged, reason=Reason.MONITOR)
        elif self._gate.is_off:
            frame.result = replace(unchanged, reason=Reason.DISABLED)
        elif tiles.any():
            self._prepare(frame)
        return frame

    def _prepare(self, frame: FrameUnderWay) -> None:
        """Align the history for the network, unless the circuit breaker keeps it from working."""
        if self.circuit is not None and not self.circuit.admits():
            frame.fail(Reason.CIRCUIT_OPEN, self.circuit.describe())
            return
        started = time.perf_counter()
        try:
            frame.before = self._judge.frames_before(frame.camera)
            assessment = frame.result.assessment
            frame.windows = self.restorer.windows(frame.rgb_HWC, frame.tiles, assessment.tile_size_px)
            parts = [window.read for window in frame.windows]
            frame.history = self._history.look_back(frame.camera, self.restorer.history, parts)
            if not frame.tiles.all():
                height, width = frame.rgb_HWC.shape[:2]
                frame.selected_HW = pixels_of(frame.tiles, height, width, assessment.tile_size_px)
            frame.is_for_network = True
        except Exception as error:
            self._refuse(frame, error)
        frame.restoration_ms += (time.perf_counter() - started) * 1e3

    def run_network(self, frame: FrameUnderWay) -> FrameUnderWay:
        """Restore what ``begin`` gave, if it is to be restored. Takes every frame, so that what was not restored is
        known as well."""
        if frame.is_for_network:
            started = time.perf_counter()
            try:
                beside = self._answers.beside(frame.camera, frame.history)
                restored_HWC = self.restorer.restore_aligned(frame.rgb_HWC, beside, frame.windows)
                self._bounds.check(frame.rgb_HWC, restored_HWC, frame.selected_HW)
                # What the network sees again stays within the bound that a published image keeps.
                frame.restored_HWC = self._bounds.clamp(frame.rgb_HWC, restored_HWC)
            except Exception as error:
                self._refuse(frame, error)
            else:
                if self.circuit is not None:
                    self.circuit.count_success()
            frame.restoration_ms += (time.perf_counter() - started) * 1e3
            frame.history = None  # its images and places are large
        self._remember_answer(frame)
        return frame

    def _remember_answer(self, frame: FrameUnderWay) -> None:
        answer_HWC = frame.restored_HWC
        if answer_HWC is not None and self.restorer.recurrent and frame.selected_HW is not None:
            # Tiles that were not asked for pass, as in training, whatever else the network was run on.
            mask_HW = frame.selected_HW.view(np.uint8)
            answer_HWC = np.asarray(cv2.copyTo(answer_HWC, mask_HW, frame.rgb_HWC.copy()), np.uint8)
        self._answers.keep(frame.camera, answer_HWC)

    def finish(self, frame: FrameUnderWay) -> RestorationResult:
        """What becomes of a frame that the network is done with."""
        self.blend(frame)
        return self.judge_result(frame)

    def blend(self, frame: FrameUnderWay) -> RestorationResult:
        """``finish`` but for the judgement of what is published: that of a restored image is not assessed yet."""
        if frame.restored_HWC is None:
            return frame.result
        started = time.perf_counter()
        assessment, tiles = frame.result.assessment, frame.tiles
        image_HWC, changed_HW = blend_tiles(frame.rgb_HWC, frame.restored_HWC, tiles, assessment.tile_size_px)
        frame.restoration_ms += (time.perf_counter() - started) * 1e3
        frame.result = replace(
            frame.result,
            image=image_HWC,
            action=Action.RESTORED,
            changed=changed_HW,
            restored_grid=tiles.astype(np.float32),
            residual=Assessment.not_assessed(),
            restoration_ms=frame.restoration_ms,
        )
        return frame.result

    def judge_result(self, frame: FrameUnderWay) -> RestorationResult:
        """The result of ``blend`` with the judgement of its image. May be left out: nothing is remembered of it."""
        if frame.result.action == Action.RESTORED:
            started = time.perf_counter()
            residual = self._assess_published(frame.before, frame.result.image)
            frame.residual_ms = (time.perf_counter() - started) * 1e3
            frame.result = replace(frame.result, residual=residual)
        return frame.result

    def _refuse(self, frame: FrameUnderWay, error: Exception) -> None:
        if self.circuit is not None:
            self.circuit.count_fault()
        frame.fail(*_why_refused(error))

    def _assess_published(self, before: FramesBefore | None, image_HWC: RgbImage) -> Assessment:
        try:
            return self._judge.judge_published(before, image_HWC)
        except Exception as error:  # the image is good; only its residual probabilities are unknown
            _log_failure("assessment of the restored frame failed", error)
            return Assessment.not_assessed()


def _why_refused(error: Exception) -> tuple[Reason, str]:
    """Reason and detail of a frame whose restoration raised; logs what is not expected of a network."""
    known = {
        NonFiniteOutputError: Reason.NON_FINITE,
        ColourShiftError: Reason.COLOUR_SHIFT,
        BrightnessShiftError: Reason.BRIGHTNESS_SHIFT,
    }
    reason = known.get(type(error))
    if reason is not None:
        return reason, str(error)
    _log_failure("restoration failed", error)
    return Reason.RUNTIME_FAULT, f"restorer: {error}"


def _log_failure(what: str, error: Exception) -> None:
    if isinstance(error, LostWeightsError):  # says it all
        logger.error("%s: %s", what, error)
    else:
        logger.error(what, exc_info=error)
