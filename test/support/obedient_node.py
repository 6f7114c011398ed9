# SPDX-License-Identifier: Apache-2.0
"""restore_node with a network that does as the image says: the node's own class and main, real faults.

Run as ``python -m obedient_node --ros-args ...`` with test/support on PYTHONPATH. The first pixel of a frame
commands. Its red value is what the network does (see ``Command``), its green value above 127 means that the
assessor finds the frame clean; else it finds it blurred all over.
"""

import hashlib
import os
import sys
import threading
import time
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.restoration.circuit_breaker import CircuitBreaker
from restoregan_core.restoration.settings import PipelineSettings
from restoregan_ros import restore_node
from restoregan_ros.parameters import NodeSettings

if TYPE_CHECKING:
    from restoregan_core.pipeline import RestorationPipeline

BRIGHTER_BY = 5


class Command(IntEnum):
    RESTORE = 0
    RAISE = 1
    NON_FINITE = 2
    SLOW = 3
    HANG = 4
    SHIFT_COLOUR = 5
    EXCEED = 6
    HANG_WITH_LOCK = 7
    NEAR_DEADLINE = 8
    OUT_OF_MEMORY = 9
    COMPUTE = 10
    JUDGE_SLOWLY = 11


def compute_behind_all_others() -> None:
    """For a second or so of the first CPU, in a thread that needs the interpreter's lock at its end alone."""
    pool = threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"", b"", 2_000_000))
    pool.start()
    time.sleep(0.1)
    assert pool.native_id is not None
    os.sched_setaffinity(pool.native_id, {min(os.sched_getaffinity(0))})
    os.setpriority(os.PRIO_PROCESS, pool.native_id, 19)
    pool.join()


class ObedientRestorer:
    name = "obedient-0123456789ab"

    history = 0
    path = recurrent = False

    def windows(self, *_: Any) -> list[Any]:
        return []

    def restore_aligned(
        self, rgb_HWC: np.ndarray, aligned: list[np.ndarray], windows: list[Any]
    ) -> np.ndarray:
        command = rgb_HWC[0, 0, 0]
        if command == Command.RAISE:
            raise RuntimeError("the engine has lost its device")
        if command == Command.OUT_OF_MEMORY:
            np.empty(1 << 55, np.uint8)
        if command == Command.NON_FINITE:
            from restoregan_core.restoration.restorer import NonFiniteOutputError

            raise NonFiniteOutputError("the network gave NaN")
        if command == Command.SLOW:
            time.sleep(0.5)
        if command == Command.NEAR_DEADLINE:
            time.sleep(np.random.default_rng().uniform(0.08, 0.12))
        if command == Command.COMPUTE:
            compute_behind_all_others()
        if command == Command.HANG:
            time.sleep(3600)
        if command == Command.HANG_WITH_LOCK:
            import ctypes

            ctypes.PyDLL(None).sleep(3600)  # PyDLL keeps the interpreter's lock
        if command == Command.SHIFT_COLOUR:
            return np.full_like(rgb_HWC, (255, 0, 0))
        if command == Command.EXCEED:  # by far, but the mean stays
            return np.where(rgb_HWC < 128, 255, 0).astype(np.uint8)
        return (rgb_HWC.astype(np.int16) + BRIGHTER_BY).clip(0, 255).astype(np.uint8)

    def warm_up(self, height: int, width: int) -> None: ...

    def describe(self) -> str:
        return "obedience"

    def close(self) -> None: ...


class ObedientAssessor:
    name = "obedient"

    def assess(self, rgb_HWC: np.ndarray) -> Assessment:
        if rgb_HWC[0, 0, 0] == Command.JUDGE_SLOWLY + BRIGHTER_BY:  # what was made of such a frame
            time.sleep(0.5)
        blur = 0.0 if rgb_HWC[0, 0, 1] > 127 else 0.95
        grid = np.full((-(-rgb_HWC.shape[0] // 64), -(-rgb_HWC.shape[1] // 64)), blur, np.float32)
        return Assessment(blur, 0.25, 0.125, grid, np.full_like(grid, 0.25))


def open_pipeline(settings: NodeSettings) -> "RestorationPipeline":
    from restoregan_core.pipeline import RestorationPipeline

    if settings.model == "missing":
        raise ValueError("no model named 'missing'")
    running = PipelineSettings(dwell_frames=1)
    return RestorationPipeline(ObedientAssessor(), ObedientRestorer(), running, CircuitBreaker())  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(restore_node.main(open_pipeline=open_pipeline))
