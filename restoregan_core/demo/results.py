# SPDX-License-Identifier: Apache-2.0
"""From the demo's two bags, what was played and what was recorded, to rows and images."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from restoregan_core.bags.frame_finder import FrameFinder
from restoregan_core.bags.frames import FrameReader, SourceFrame
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
        published = FrameFinder(recorded_bag, {recording.restored_topic} & set(recorded_bag.topics))
        truths = FrameFinder(source_bag, {recording.ground_truth_topic or ""} & set(source_bag.topics))
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
            after = _pixels(published.find(frame.stamp_ns))
            missing += after is None
            if after is not None and (recording.ground_truth_topic or index in chosen):
                before = frame.decode()
                height, width = before.shape[:2]
                size = height, width
                truth = _pixels(truths.find(frame.stamp_ns))
                if truth is not None and truth.shape == after.shape == before.shape:
                    row = _scored(row, before, after, truth, with_ssim=index in measured)
                if index in chosen:
                    truth_jpeg = None if truth is None else encode_jpeg(truth)
                    images.append(ImagePair(index, encode_jpeg(before), encode_jpeg(after), truth_jpeg))
            rows.append(row)
    last = max(reports.values(), key=lambda report: _stamp_ns(report))
    return Results(rows, images, sent, last.frames_superseded, missing, last.model, size)


def _pixels(frame: SourceFrame | None) -> RgbImage | None:
    return None if frame is None else frame.decode()


def _read_reports(recording: Recording) -> dict[int, Any]:
    store = output_typestore()
    with open_bag(recording.recorded) as bag:
        messages = bag.messages([recording.report_topic]) if recording.report_topic in bag.topics else ()
        reports = [store.deserialize_cdr(message.data, message.msgtype) for message in messages]
    return {_stamp_ns(report): report for report in reports}


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def row_of(report: Any, time_s: float, condition: str) -> FrameRow:
    """A RestorationReport as a row: every number that both have."""
    declared = {declared.name for declared in fields(FrameRow)} & set(report.__dataclass_fields__)
    numbers = {name: getattr(report, name) for name in declared - {"action", "reason"}}
    return FrameRow(
        time_s=time_s,
        condition=condition,
        action=Action(report.action).name.lower().replace("_", " "),
        reason=Reason(report.reason).name.lower().replace("_", " "),
        **numbers,
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
