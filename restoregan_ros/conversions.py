# SPDX-License-Identifier: Apache-2.0
"""The messages that are published beside a frame's own image: overlay, report, intrinsics."""

from array import array
from copy import copy
from functools import cache

import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from restoregan_core.images import encodings
from restoregan_core.images.decoding import MalformedImageError, check_pixels
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


@cache
def cv_bridge_is_here() -> bool:
    """Whether cv_bridge can be imported: ROS distributions have it, PyPI has none that is usable."""
    try:
        import cv_bridge  # noqa: F401
    except Exception:  # built for another NumPy, it fails with anything
        return False
    return True


def decode_by_cv_bridge(image: ImageFields, max_pixels: int) -> RgbImage:
    """Pixels of an encoding that ``encodings`` does not know, as uint8 RGB (height, width, 3).

    Raises:
        UnsupportedEncodingError: cv_bridge does not know it either, or is not installed.
        MalformedImageError: of more than ``max_pixels``, or its numbers contradict each other.
    """
    if not cv_bridge_is_here():
        raise encodings.UnsupportedEncodingError(
            f"encoding {image.encoding!r} is not supported, and cv_bridge, which may know it, is not installed;"
            f" supported: {', '.join(encodings.SUPPORTED_ENCODINGS)}"
        )
    from cv_bridge import CvBridge, CvBridgeError

    check_pixels(image.height, image.width, max_pixels)
    if image.height * image.step > len(image.data):
        raise MalformedImageError(
            f"{image.encoding} image of {image.height}x{image.width} (height x width): {len(image.data)} bytes, but"
            f" {image.height} rows of {image.step} need {image.height * image.step}"
        )
    message = Image(
        height=image.height, width=image.width, encoding=image.encoding, step=image.step,
        is_bigendian=int(image.is_bigendian), data=array("B", bytes(image.data)),
    )  # fmt: skip
    try:
        return np.ascontiguousarray(CvBridge().imgmsg_to_cv2(message, "rgb8"), np.uint8)
    except (CvBridgeError, KeyError, TypeError, ValueError) as error:
        raise encodings.UnsupportedEncodingError(
            f"encoding {image.encoding!r} is not supported, by cv_bridge neither: {error}"
        ) from error


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
