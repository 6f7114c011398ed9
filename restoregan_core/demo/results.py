# SPDX-License-Identifier: Apache-2.0
"""From the demo's two bags, what was played and what was recorded, to rows and images."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.bags.frames import FrameReader
from restoregan_core.bags.reader import open_bag
from restoregan_core.bags.writer import output_typestore
from restoregan_core.images.rgb import RgbImage
from restoregan_core.metrics.psnr_ssim import psnr_rgb, ssim_2d
from restoregan_core.report.page import encode_jpeg
from restoregan_core.report.report import FrameRow, ImagePair
from restoregan_core.result import Action, Reason

MAX_IMAGES = 60
MAX_SSIM_FRAMES = 120


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Where the two bags are and which topics of them belong together."""

    source: Path
    image_topic: str
    ground_truth_topic: str | None
    recorded: Path
    restored_topic: str = "/camera/restored/image_raw"
    report_topic: str = "/camera/restored/report"
    conditions: Mapping[int, str] = field(default_factory=dict)
    """What was done to the frame of each stamp (ns), where that is known."""


@dataclass
class Results:
    """What was found; stamps in ns."""

    rows: list[FrameRow]
    images: list[ImagePair]
    frames_sent: int
    frames_superseded: int
    images_missing: int
    """Reports whose image was not recorded."""
    model: str
    size: tuple[int, int]


def collect(recording: Recording, on_frame: Callable[[], object] = lambda: None) -> Results:
    """Match source, ground truth, published images and reports by their stamps, and measure.

    Raises:
        ValueError: the recording does not hold a report, or a bag cannot be read.
    """
    reports = _read_reports(recording)
    if not reports:
        raise ValueError(f"{recording.recorded} does not hold a report: the node published nothing")
    chosen = _spread(len(reports), MAX_IMAGES)
    measured = _spread(len(reports), MAX_SSIM_FRAMES)
    rows: list[FrameRow] = []
    images: list[ImagePair] = []
    sent = missing = 0
    start_ns: int | None = None
    size = (0, 0)
    with open_bag(recording.source) as source_bag, open_bag(recording.recorded) as recorded_bag:
        sources = FrameReader(source_bag, [recording.image_topic]).frames()
        published = _Images(recorded_bag, recording.restored_topic)
        truths = _Images(source_bag, recording.ground_truth_topic) if recording.ground_truth_topic else None
        for frame in sources:
            sent += 1
            on_frame()
            start_ns = frame.stamp_ns if start_ns is None else start_ns
            report = reports.get(frame.stamp_ns)
            if report is None:
                continue
            index = len(rows)
            condition = recording.conditions.get(frame.stamp_ns, "")
            row = row_of(report, (frame.stamp_ns - start_ns) / 1e9, condition)
            after = published.at(frame.stamp_ns)
            missing += after is None
            if after is not None and (truths is not None or index in chosen):
                before = frame.decode()
                size = before.shape[:2]
                truth = truths.at(frame.stamp_ns) if truths is not None else None
                if truth is not None and truth.shape == after.shape == before.shape:
                    row = _scored(row, before, after, truth, with_ssim=index in measured)
                if index in chosen:
                    truth_jpeg = None if truth is None else encode_jpeg(truth)
                    images.append(ImagePair(index, encode_jpeg(before), encode_jpeg(after), truth_jpeg))
            rows.append(row)
    last = max(reports.values(), key=lambda report: _stamp_ns(report))
    return Results(rows, images, sent, last.frames_superseded, missing, last.model, size)


class _Images:
    """Images of one topic by stamp, asked for in the order of the bag."""

    def __init__(self, bag: Any, topic: str) -> None:
        self._frames = iter(())  # type: Any
        if topic in bag.topics:
            self._frames = FrameReader(bag, [topic]).frames()
        self._next = next(self._frames, None)

    def at(self, stamp_ns: int) -> RgbImage | None:
        while self._next is not None and self._next.stamp_ns < stamp_ns:
            self._next = next(self._frames, None)
        if self._next is None or self._next.stamp_ns != stamp_ns:
            return None
        return self._next.decode()


def _read_reports(recording: Recording) -> dict[int, Any]:
    store = output_typestore()
    with open_bag(recording.recorded) as bag:
        messages = bag.messages([recording.report_topic]) if recording.report_topic in bag.topics else ()
        reports = [store.deserialize_cdr(message.data, message.msgtype) for message in messages]
    return {_stamp_ns(report): report for report in reports}


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def row_of(report: Any, time_s: float, condition: str) -> FrameRow:
    """A RestorationReport as a row."""
    return FrameRow(
        time_s=time_s,
        condition=condition,
        blur=report.blur_probability,
        rain=report.rain_probability,
        residual_blur=report.residual_blur_probability,
        residual_rain=report.residual_rain_probability,
        action=Action(report.action).name.lower().replace("_", " "),
        reason=Reason(report.reason).name.lower().replace("_", " "),
        latency_ms=report.latency_ms,
        assessment_ms=report.assessment_ms,
        restoration_ms=report.restoration_ms,
    )


def _scored(
    row: FrameRow,
    before_HWC: RgbImage,
    after_HWC: RgbImage,
    truth_HWC: RgbImage,
    with_ssim: bool,
) -> FrameRow:
    is_same = np.array_equal(before_HWC, after_HWC)
    psnr_before = psnr_rgb(before_HWC, truth_HWC)
    psnr_after = psnr_before if is_same else psnr_rgb(after_HWC, truth_HWC)
    ssim_before = ssim_after = math.nan
    if with_ssim and min(truth_HWC.shape[:2]) >= 11:
        ssim_before = ssim_2d(before_HWC, truth_HWC)
        ssim_after = ssim_before if is_same else ssim_2d(after_HWC, truth_HWC)
    return replace(
        row, psnr_before=psnr_before, psnr_after=psnr_after, ssim_before=ssim_before, ssim_after=ssim_after
    )


def _spread(count: int, at_most: int) -> set[int]:
    """Up to ``at_most`` indices, evenly over ``count``."""
    return set(np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(int)).tolist())
