# SPDX-License-Identifier: Apache-2.0
"""The messages that are published beside a frame's own image: overlay, report, intrinsics."""

from copy import copy

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from restoregan_core.images import encodings
from restoregan_core.images.tile_grid import TILE_SIZE_PX
from restoregan_ros.image_cdr import ImageFields, write_image
from restoregan_ros.msg import RestorationReport
from restoregan_ros.outcome import Outcome


def overlay_image(header: Header, rgb_HWC: npt.NDArray[np.uint8]) -> bytes:
    """A debug picture as a serialised rgb8 Image."""
    data, step = encodings.encode(rgb_HWC, "rgb8")
    height, width = rgb_HWC.shape[:2]
    stamp = header.stamp
    return write_image(
        ImageFields(stamp.sec, stamp.nanosec, header.frame_id, "rgb8", data.data, height, width, step=step)
    )


def report_message(
    header: Header, outcome: Outcome, *, latency_ms: float, frames_superseded: int, model: str
) -> RestorationReport:
    """The report of one frame; NaN and empty grids where the pipeline did not get it."""
    nan = float("nan")
    report = RestorationReport(
        header=header, action=int(outcome.action), reason=int(outcome.reason), latency_ms=latency_ms,
        frames_superseded=frames_superseded & 0xFFFFFFFF, model=model, tile_size_px=TILE_SIZE_PX,
        blur_probability=nan, rain_probability=nan, lens_drop_probability=nan,
        residual_blur_probability=nan, residual_rain_probability=nan, assessment_ms=nan, restoration_ms=nan,
    )  # fmt: skip
    result = outcome.result
    if result is None:
        return report
    assessment, residual = result.assessment, result.residual
    report.blur_probability = float(assessment.blur_probability)
    report.rain_probability = float(assessment.rain_probability)
    report.lens_drop_probability = float(assessment.lens_drop_probability)
    report.residual_blur_probability = float(residual.blur_probability)
    report.residual_rain_probability = float(residual.rain_probability)
    report.tile_size_px = assessment.tile_size_px
    report.grid_rows, report.grid_columns = assessment.blur_grid.shape
    report.blur_grid = assessment.blur_grid.ravel().tolist()
    report.rain_grid = assessment.rain_grid.ravel().tolist()
    report.restored_grid = result.restored_grid.ravel().tolist()
    report.assessment_ms = float(result.assessment_ms)
    report.restoration_ms = float(result.restoration_ms)
    return report


def restamped(info: CameraInfo, header: Header) -> CameraInfo:
    """A copy of the intrinsics under another header; its arrays are those of ``info``."""
    copied = copy(info)
    copied.header = header
    return copied
