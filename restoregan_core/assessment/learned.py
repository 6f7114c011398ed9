# SPDX-License-Identifier: Apache-2.0
"""The assessor's network on whole frames: by torch on a GPU, by OpenVINO on a CPU, else by torch there, too."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.assessment.frames_before import FramesBefore
from restoregan_core.assessment.temporal import TemporalJudge
from restoregan_core.environment import has_gpu
from restoregan_core.images.rgb import RgbImage
from restoregan_core.images.tile_grid import TILE_SIZE_PX
from restoregan_core.models.lazy_network import weights_digest
from restoregan_core.runtimes.openvino_graph import CpuGraph
from restoregan_core.runtimes.openvino_runtime import has_int8
from restoregan_core.runtimes.protocol import RuntimeUnavailableError
from restoregan_core.zoo import LoadedAssessor

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)

DEFAULT_MAX_PIXELS = 9_000_000
"""A 4K frame is judged whole, in 250 MB by OpenVINO and 700 MB by torch."""

PRECISIONS = "auto", "float", "int8"

Run = Callable[[npt.NDArray[np.uint8]], list[npt.NDArray[np.float32]]]
"""A frame of any size, (1, H, W, 3) -> what ``AssessorFrameNetwork`` gives."""


class LearnedAssessor:
    """A trained network's judgement of frames of any size.

    Events are labelled as ``data/assessment.py`` says. A frame whose sides are not multiples of 64 is judged with
    its mirror image beyond the border. Drops on the lens are not assessed: the network's output for them was learnt
    from drawn drops, and tells real ones no better than chance.

    Frames of more than ``max_pixels`` are judged band by band, each as a frame of its own: the frame's probabilities
    are then the highest of its bands.

    Args:
        loaded: network, calibration and name.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        engine_dir: where compiled networks lie; ``engine_cache.engine_directory()`` if None.
        max_pixels: bounds the memory of one call.
        threads: see ``CpuGraph``; of torch, which runs the network where OpenVINO cannot, the whole process's.
        precision: of OpenVINO: ``int8``, ``float`` (bf16 where the CPU has it, else fp32), or ``auto``: int8 where the
            CPU has the instructions.

    Raises:
        ValueError: no such precision.
        RuntimeUnavailableError: a CUDA device was asked for that is not there.
    """

    def __init__(
        self,
        loaded: LoadedAssessor,
        device: str = "auto",
        engine_dir: Path | None = None,
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        threads: int = 0,
        precision: str = "auto",
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"no precision {precision!r}; there are: {', '.join(PRECISIONS)}")
        self.name = loaded.name
        self.max_pixels = max_pixels
        self._in_bands: set[tuple[int, int]] = set()
        """Sizes that the log has told to be judged in bands."""
        self._over_time: TemporalJudge | None = None
        if loaded.temporal is not None:
            self._over_time = TemporalJudge(loaded.temporal, loaded.temperatures)
        self._run: Run
        if device.startswith("cuda") or (device == "auto" and has_gpu()):
            self._run = _in_torch(loaded, device, threads)
            return
        try:
            is_int8 = precision == "int8" or (precision == "auto" and has_int8())
            self._run = _in_openvino(loaded, engine_dir, threads, is_int8)
            loaded.lazy.let_go()  # what is compiled has copies of its own
        except RuntimeUnavailableError as error:
            logger.info("the assessor runs in torch: %s", error)
            self._run = _in_torch(loaded, "cpu", threads)

    def assess(self, rgb_HWC: RgbImage) -> Assessment:
        """See ``Assessor.assess``."""
        return self._assess(rgb_HWC, None)

    def assess_video(self, rgb_HWC: RgbImage, before: FramesBefore) -> Assessment:
        """See ``VideoAssessor.assess_video``; weights that were made without it judge the frame alone."""
        return self._assess(rgb_HWC, before)

    def log_odds(self, rgb_HWC: RgbImage) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What the network of single images says before calibration, of tiles (3, rows, columns) and the frame (3,)."""
        *_, tiles, frame = self._run(rgb_HWC[None])
        return tiles.copy(), frame.copy()

    def _assess(self, rgb_HWC: RgbImage, before: FramesBefore | None) -> Assessment:
        height, width = rgb_HWC.shape[:2]
        if height * width <= self.max_pixels:
            tiles, frame, tile_log_odds, frame_log_odds = self._run(rgb_HWC[None])
        else:
            tiles, frame, tile_log_odds, frame_log_odds = self._judge_in_bands(rgb_HWC)
        if not np.isfinite(frame).all():
            raise FloatingPointError("the assessor's network did not give a number for this frame")
        if before is not None and self._over_time is not None:
            tiles, frame = self._over_time.judge(before, (tiles, frame), (tile_log_odds, frame_log_odds))
        return Assessment(
            blur_probability=float(frame[0]),
            rain_probability=float(frame[1]),
            blur_grid=np.array(tiles[0], np.float32),
            rain_grid=np.array(tiles[1], np.float32),
        )

    def _judge_in_bands(self, rgb_HWC: RgbImage) -> list[npt.NDArray[np.float32]]:
        height, width = rgb_HWC.shape[:2]
        rows = max(1, self.max_pixels // width // TILE_SIZE_PX) * TILE_SIZE_PX
        if (height, width) not in self._in_bands:
            self._in_bands.add((height, width))
            logger.info(
                "%dx%d frames are judged in bands of %d rows: whole, they would take too much memory",
                height, width, rows,
            )  # fmt: skip
        bands = (rgb_HWC[None, top : top + rows] for top in range(0, height, rows))
        # Copies: the runtime's buffers are overwritten by the next band.
        judged = [[output.copy() for output in self._run(band_BHWC)] for band_BHWC in bands]
        tiles, frames, tile_log_odds, frame_log_odds = zip(*judged, strict=True)
        return [
            np.concatenate(tiles, axis=1), np.max(frames, axis=0),
            np.concatenate(tile_log_odds, axis=1), np.max(frame_log_odds, axis=0),
        ]  # fmt: skip


def _in_openvino(loaded: LoadedAssessor, engine_dir: Path | None, threads: int, is_int8: bool) -> Run:
    side = 2 * TILE_SIZE_PX
    # Beside the network's own: the calibration is part of the graph.
    weights = {
        **loaded.lazy.weights,
        "tile_calibration": np.array(loaded.tile_calibration),
        "frame_calibration": np.array(loaded.frame_calibration),
    }
    graph = CpuGraph(
        functools.partial(_frame_network, loaded, is_int8),
        weights_digest(weights, loaded.lazy.config.to_dict()),
        (1, side, side, 3),
        (0, 1, 2),
        # To be raised whenever the network computes something else.
        "assessor int8 1" if is_int8 else "assessor 4",
        {},
        engine_dir,
        threads,
    )
    return lambda rgb_BHWC: graph.run(_mirrored(rgb_BHWC))


def _frame_network(loaded: LoadedAssessor, is_int8: bool) -> "nn.Module":
    from restoregan_core.assessment.frame_network import AssessorFrameNetwork

    return AssessorFrameNetwork(loaded, is_int8).eval().requires_grad_(False)


def _in_torch(loaded: LoadedAssessor, device: str, threads: int) -> Run:
    from restoregan_core.assessment.frame_network import AssessorFrameNetwork, in_torch

    run = in_torch(AssessorFrameNetwork(loaded), device, threads)
    return lambda rgb_BHWC: run(_mirrored(rgb_BHWC))


def _mirrored(rgb_BHWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """With the mirror image beyond the border, up to whole tiles."""
    bottom, right = (-side % TILE_SIZE_PX for side in rgb_BHWC.shape[1:3])
    if not bottom and not right:
        return rgb_BHWC
    whole_HWC = cv2.copyMakeBorder(rgb_BHWC[0], 0, bottom, 0, right, cv2.BORDER_REFLECT)
    return np.asarray(whole_HWC, np.uint8)[None]
