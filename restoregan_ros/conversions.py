# SPDX-License-Identifier: Apache-2.0
"""The messages that are published beside a frame's own image: overlay, report, intrinsics."""

from copy import copy

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from restoregan_core.images import encodings
from restoregan_core.images.rgb import RgbImage
from restoregan_core.result import report_fields
from restoregan_ros.image_cdr import ImageFields, write_image
from restoregan_ros.msg import RestorationReport
from restoregan_ros.outcome import Outcome


def overlay_image(header: Header, rgb_HWC: RgbImage) -> bytes:
    """A debug image as a serialised rgb8 Image."""
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
    fields = report_fields(
        outcome.result,
        action=outcome.action,
        reason=outcome.reason,
        model=model,
        latency_ms=latency_ms,
        superseded=frames_superseded,
    )
    # The message takes lists alone.
    plain = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()
    }
    return RestorationReport(header=header, **plain)


def restamped(info: CameraInfo, header: Header) -> CameraInfo:
    """A copy of the intrinsics under another header; its arrays are those of ``info``."""
    copied = copy(info)
    copied.header = header
    return copied
