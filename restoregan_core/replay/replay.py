# SPDX-License-Identifier: Apache-2.0
"""A bag through the node's own pipeline: restored bag, one row a frame, resumable.

Reading, decoding, the pipeline's three steps (judging, the network, blending), measuring with encoding, and writing run
at the same time, in threads (OpenCV, OpenVINO, ONNX Runtime and torch release the GIL): the network need not wait for
anything else. Frames keep their order, and at most a few dozen are in memory. It has neither deadlines nor a circuit
breaker: bag, network and settings alone decide what comes out.
"""

import contextlib
import errno
import itertools
import logging
import math
import os
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from restoregan_core.bags.cameras import find_cameras
from restoregan_core.bags.frame_finder import STAMP_TOLERANCE_NS, FrameFinder
from restoregan_core.bags.frames import FrameReader, SourceFrame
from restoregan_core.bags.messages import MessageTypes
from restoregan_core.bags.reader import Bag, open_bag
from restoregan_core.bags.writer import BagParts, OutputMessage
from restoregan_core.concurrency import InOrder, mapped, prefetched
from restoregan_core.data.known_degradation import KnownDegradation
from restoregan_core.detection.detector import Detector
from restoregan_core.images.encodings import MalformedImageError, UnsupportedEncodingError
from restoregan_core.pipeline import FrameUnderWay, RestorationPipeline
from restoregan_core.replay.live_run import Recorded
from restoregan_core.replay.measures import (
    ProcessedFrame,
    detection_columns,
    object_columns,
    row_of,
    truth_columns,
)
from restoregan_core.replay.messages import FrameOutput, OutputFormat
from restoregan_core.replay.state import PipelineArrays, ReplayFolder, ReplayState
from restoregan_core.replay.table import Row, join_parts, write_rows
from restoregan_core.result import Reason

logger = logging.getLogger(__name__)

RESERVE_BYTES = 4 * 2**20
_AHEAD = 4


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What to replay, and what to measure.

    Raises:
        ValueError: a value out of its range.
    """

    cameras: tuple[str, ...] = ()
    """Topics or names; empty: all."""
    start_s: float = 0.0
    end_s: float | None = None
    form: OutputFormat = field(default_factory=OutputFormat)
    ground_truth_topic: str | None = None
    degradation: KnownDegradation | None = None
    only_stamps_ns: dict[str, frozenset[int]] | None = None
    """Per camera (name, as in ``Camera.name``): process these frames alone."""
    detections: Recorded | None = None
    """Recorded detections of the user's own detector, instead of running one."""
    checkpoint_frames: int = 100
    """Frames in a part of the restored bag; a kill costs at most so many."""
    warm_up_s: float = 0.0
    """Seconds before ``start_s`` that only fill the pipeline's memory: for segments of a bag."""

    def __post_init__(self) -> None:
        if self.start_s < 0:
            raise ValueError(f"start is {self.start_s}; it must not be negative")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end is {self.end_s}; it must be after the start, {self.start_s}")
        if self.checkpoint_frames < 1:
            raise ValueError(f"checkpoint_frames is {self.checkpoint_frames}; it must be at least 1")
        if self.ground_truth_topic and self.degradation:
            raise ValueError(
                "--truth and --degrade exclude each other: a degraded bag is its own ground truth"
            )


@dataclass(frozen=True)
class _Decoded:
    frame: SourceFrame
    source: np.ndarray | None
    truth: np.ndarray | None
    reason: Reason
    detail: str
    decode_ms: float


@dataclass(frozen=True)
class _UnderWay:
    decoded: _Decoded
    frame: FrameUnderWay | None
    """None for one that does not decode."""
    memory: PipelineArrays | None
    """What the pipeline remembered when the frame was begun, where a part of the bag ends."""


@dataclass(frozen=True)
class _Finished:
    messages: list[OutputMessage]
    row: Row
    memory: PipelineArrays | None
    """The pipeline's state after this frame, where a part of the bag ends."""


def replay(
    bag_path: Path,
    folder: ReplayFolder,
    pipeline: RestorationPipeline,
    options: ReplayOptions,
    detector: Detector | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ReplayState:
    """Replay a bag into a folder, or what is left of it after an earlier run.

    Args:
        bag_path: folder or file.
        folder: for ``bag/``, ``frames.parquet`` and the work in progress.
        pipeline: without a circuit breaker; what it remembers is replaced.
        on_progress: frames done and expected.

    Returns:
        How far it came; ``stopped`` says why where it did not come to the bag's end.

    Raises:
        ValueError: the bag is not readable (BagError), a camera is not in it, or the folder holds another replay.
    """
    if pipeline.circuit is not None:
        raise ValueError(
            "a replay cannot use a circuit breaker, which follows the clock: load_pipeline(..., circuit_breaker=False)"
        )
    started_s = time.monotonic()
    if options.ground_truth_topic and not options.cameras:
        options = replace(options, cameras=_all_but(options.ground_truth_topic, bag_path))
    settings = {
        "bag": str(bag_path.absolute()), "model": pipeline.model, "assessor": pipeline.assessor.name,
        "runtime": pipeline.restorer.describe(), "thresholds": vars(pipeline.settings.thresholds),
        "limits": vars(pipeline.settings.output),
        "detector": detector.name if detector else None,
        "cameras": list(options.cameras), "start_s": options.start_s, "end_s": options.end_s,
        "warm_up_s": options.warm_up_s, "form": vars(options.form), "ground_truth_topic": options.ground_truth_topic,
        "degradation": vars(options.degradation) if options.degradation else None,
        "checkpoint_frames": options.checkpoint_frames, "chosen_frames": _digest(options.only_stamps_ns),
        "recorded_detections": options.detections is not None,
    }  # fmt: skip
    with open_bag(bag_path) as bag:
        reader = FrameReader(bag, options.cameras)
        for line in bag.notes:
            logger.info("%s", line)
        state = folder.open(settings, overwrite)
        if state.is_complete:
            return state
        state.stopped = ""
        run = _Run(bag, reader, folder, pipeline, options, detector, state, on_progress)
        try:
            run.go()
            run.sum_up()  # before it counts as complete: a kill in between loses nothing
            state.is_complete, state.memory = True, ""
            run.join_parts()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            state.stopped = f"no space left on the disk of {folder.path}"
            logger.error("%s: stopping after %d frames", state.stopped, state.frames_done)
        finally:
            folder.reserve.unlink(missing_ok=True)
            run.bag_out.abandon_part()
            state.wall_s += time.monotonic() - started_s
        if not state.is_complete:
            run.sum_up()
        folder.save(state)
    return state


def _all_but(ground_truth_topic: str, bag_path: Path) -> tuple[str, ...]:
    """All cameras of the bag, but the one that says what they should have seen."""
    with open_bag(bag_path) as bag:
        cameras, _ = find_cameras(bag, MessageTypes(bag))
        others = tuple(camera.topic for camera in cameras if camera.topic != ground_truth_topic)
    if not others:
        raise ValueError(f"{bag_path} does not hold a camera beside the ground truth, {ground_truth_topic}")
    return others


def _digest(stamps_ns: dict[str, frozenset[int]] | None) -> str | None:
    import hashlib

    if stamps_ns is None:
        return None
    text = repr(sorted((camera, sorted(stamps)) for camera, stamps in stamps_ns.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class _Run:
    """One run over the frames that are left."""

    def __init__(
        self, bag: Bag, reader: FrameReader, folder: ReplayFolder, pipeline: RestorationPipeline,
        options: ReplayOptions, detector: Detector | None, state: ReplayState,
        on_progress: Callable[[int, int], None],
    ) -> None:  # fmt: skip
        self._bag, self._reader, self._folder = bag, reader, folder
        self._pipeline, self._options, self._detector = pipeline, options, detector
        self._state = state
        self._on_progress = on_progress
        self._rows: list[Row] = []
        self._output = FrameOutput(options.form, reader.types, pipeline.model, bag.is_ros1)
        self._total = self._expected_frames()
        folder.rows.mkdir(parents=True, exist_ok=True)
        self.bag_out = BagParts(folder.bag, folder.scratch, list(state.parts))

    def go(self) -> None:
        """Process everything that is left."""
        _reserve_space(self._folder.reserve)
        self._folder.give_memory(self._state, self._pipeline)
        if self._state.frames_done == 0:
            self._fill_memory()
        workers = max(2, min(8, os.cpu_count() or 2))
        with contextlib.ExitStack() as stack:
            decoders = stack.enter_context(ThreadPoolExecutor(workers, "decode"))
            finishers = stack.enter_context(ThreadPoolExecutor(workers, "finish"))
            frames = prefetched(self._frames_with_truth(), 2 * _AHEAD)
            stack.callback(frames.close)
            decoded = enumerate(mapped(decoders, self._decode, frames, _AHEAD), self._state.frames_done + 1)
            begun = prefetched(itertools.starmap(self._begin, decoded), 1)
            stack.callback(begun.close)
            restored = prefetched(map(self._restore, begun), 1)
            stack.callback(restored.close)
            writing = InOrder(self._write, 2 * _AHEAD)
            try:
                for step in restored:
                    processed, memory = self._end(step)
                    writing.put(finishers.submit(self._finish, processed, memory))
            finally:
                writing.close()
        self._finish_part(self._pipeline.state())

    def _frames_with_truth(self) -> Generator[tuple[SourceFrame, SourceFrame | None], None, None]:
        """(frame, its truth's frame or None), in order."""
        options = self._options
        with contextlib.ExitStack() as stack:
            truth = None
            if options.ground_truth_topic:
                clean_bag = stack.enter_context(open_bag(self._bag.path))
                truth = FrameFinder(clean_bag, [options.ground_truth_topic], tolerance_ns=STAMP_TOLERANCE_NS)
            chosen = options.only_stamps_ns
            taken = 0
            for frame in self._reader.frames(options.start_s, options.end_s):
                if chosen is not None and frame.stamp_ns not in chosen.get(frame.camera.name, ()):
                    continue
                taken += 1
                if taken > self._state.frames_done:
                    yield frame, truth.find(frame.stamp_ns) if truth else None

    def _decode(self, pair: tuple[SourceFrame, SourceFrame | None]) -> _Decoded:
        frame, truth_frame = pair
        started_s = time.perf_counter()
        source_HWC, reason, detail = None, Reason.NONE, ""
        try:
            source_HWC = frame.decode()
        except UnsupportedEncodingError as error:
            reason, detail = Reason.UNSUPPORTED_ENCODING, str(error)
        except MalformedImageError as error:
            reason, detail = Reason.MALFORMED, str(error)
        decode_ms = (time.perf_counter() - started_s) * 1e3
        truth_HWC = None
        if self._options.degradation and source_HWC is not None:
            truth_HWC, source_HWC = source_HWC, self._options.degradation(source_HWC, frame.index)
        elif truth_frame is not None:
            with contextlib.suppress(UnsupportedEncodingError, MalformedImageError):
                truth_HWC = truth_frame.decode()
        return _Decoded(frame, source_HWC, truth_HWC, reason, detail, decode_ms)

    def _begin(self, number: int, decoded: _Decoded) -> _UnderWay:
        frame, begun = decoded.frame, None
        if decoded.source is not None:
            begun = self._pipeline.begin(
                decoded.source, camera=frame.camera.name, stamp_s=frame.stamp_ns / 1e9
            )
        ends_part = number % self._options.checkpoint_frames == 0
        return _UnderWay(decoded, begun, self._pipeline.state("begin") if ends_part else None)

    def _restore(self, step: _UnderWay) -> _UnderWay:
        if step.frame is not None:
            self._pipeline.run_network(step.frame)
        if step.memory is None:
            return step
        return replace(step, memory={**step.memory, **self._pipeline.state("network")})

    def _end(self, step: _UnderWay) -> tuple[ProcessedFrame, PipelineArrays | None]:
        """The frame, and the pipeline's state after it where a part of the bag ends."""
        decoded, frame = step.decoded, step.frame
        result, reason, detail, residual_ms = None, decoded.reason, decoded.detail, math.nan
        if frame is not None:
            result = self._pipeline.finish(frame)
            reason, detail, residual_ms = result.reason, result.detail, frame.residual_ms
        processed = ProcessedFrame(
            decoded.frame, decoded.source, decoded.truth, result, reason, detail, decoded.decode_ms, residual_ms
        )  # fmt: skip
        return processed, step.memory

    def _finish(self, processed: ProcessedFrame, memory: PipelineArrays | None) -> _Finished:
        row = row_of(processed)
        if self._options.detections is not None:
            found = self._options.detections.get(processed.frame.stamp_ns)
            row |= object_columns(*found) if found else {}
        elif self._detector is not None:
            row |= detection_columns(processed, self._detector)
        row |= truth_columns(processed)
        started_s = time.perf_counter()
        degraded = processed.source if self._options.degradation else None
        messages = self._output.messages(
            processed.frame, degraded, processed.result, processed.action, processed.reason
        )
        row["encode_ms"] = (time.perf_counter() - started_s) * 1e3
        return _Finished(messages, row, memory)

    def _write(self, finished: _Finished) -> None:
        for message in finished.messages:
            self.bag_out.write(message)
        self._rows.append(finished.row)
        if finished.memory is not None:
            self._finish_part(finished.memory)
        self._on_progress(self._state.frames_done + len(self._rows), self._total)

    def _finish_part(self, memory: PipelineArrays) -> None:
        """Rows, memory, bag file, checkpoint: in this order.

        The checkpoint promises only what is there. The bag is what a user looks at: where the disk has no room for a
        part's rows or memory, the bag does not get the part either.
        """
        if not self._rows:
            return
        name = f"rows_{len(self._state.row_parts)}.parquet"
        write_rows(self._rows, self._folder.rows / name)
        state = self._state
        memory_name = self._folder.save_memory(memory, state.frames_done + len(self._rows))
        self.bag_out.finish_part()
        state.parts = self.bag_out.parts.copy()
        state.row_parts.append(name)
        state.frames_done += len(self._rows)
        state.memory = memory_name
        self._rows = []
        self._folder.save(state)

    def sum_up(self) -> None:
        """What the bag said, and one table of the parts' rows."""
        state = self._state
        state.damage = list(dict.fromkeys([*state.damage, *self._bag.damage]))
        state.notes = list(self._bag.notes)
        if state.row_parts:
            join_parts([self._folder.rows / name for name in state.row_parts], self._folder.frames)

    def join_parts(self) -> None:
        """One file of the restored bag's parts, if the disk has room for both for a moment."""
        try:
            self.bag_out.join()
        except OSError as error:
            logger.warning("%s stays in parts: %s", self._folder.bag, error)
            return
        self._state.parts = self.bag_out.parts.copy()
        self._folder.save(self._state)  # before the parts go: a kill in between loses nothing
        self.bag_out.tidy()

    def _fill_memory(self) -> None:
        options = self._options
        if not options.warm_up_s or not options.start_s:
            return
        begin_s = max(0.0, options.start_s - options.warm_up_s)
        for frame in self._reader.frames(begin_s, options.start_s):
            with contextlib.suppress(UnsupportedEncodingError, MalformedImageError):
                self._pipeline.process(frame.decode(), camera=frame.camera.name, stamp_s=frame.stamp_ns / 1e9)

    def _expected_frames(self) -> int:
        count = sum(camera.count for camera in self._reader.cameras)
        if self._options.only_stamps_ns is not None:
            return sum(map(len, self._options.only_stamps_ns.values()))
        length_s = max((self._bag.end_ns - self._bag.start_ns) / 1e9, 1e-9)
        end_s = min(length_s, self._options.end_s or length_s)
        return max(1, round(count * max(0.0, end_s - self._options.start_s) / length_s))


def _reserve_space(file: Path) -> None:
    with file.open("wb") as stream:
        stream.write(bytes(RESERVE_BYTES))
