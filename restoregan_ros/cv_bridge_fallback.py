# SPDX-License-Identifier: Apache-2.0
"""Pixels of encodings that our codec does not know, by cv_bridge where the ROS distribution has it."""

import subprocess
import sys
from array import array
from functools import cache
from importlib.util import find_spec

import numpy as np
from sensor_msgs.msg import Image

from restoregan_core.images.decoding import MalformedImageError, check_pixels
from restoregan_core.images.encodings import SUPPORTED_ENCODINGS, UnsupportedEncodingError
from restoregan_core.images.rgb import RgbImage
from restoregan_ros.image_cdr import ImageFields

_TRIAL = """
from cv_bridge import CvBridge
from sensor_msgs.msg import Image

image = Image(height=1, width=1, encoding="bgr8", step=3, data=[1, 2, 3])
assert CvBridge().imgmsg_to_cv2(image, "rgb8").tolist() == [[[3, 2, 1]]]
"""
_TRIAL_S = 60.0


@cache
def cv_bridge_problem() -> str:
    """Why cv_bridge cannot be used here; empty where it can.

    One built for NumPy 1 imports under NumPy 2 and ends the process at its first conversion: it is tried in a process
    of its own, once, which takes about a second.
    """
    if find_spec("cv_bridge") is None:
        return "is not installed"
    try:
        trial = subprocess.run(
            [sys.executable, "-c", _TRIAL], check=False, capture_output=True, timeout=_TRIAL_S
        )
    except subprocess.TimeoutExpired:
        return f"did not convert one pixel in {_TRIAL_S:g} s"
    if trial.returncode == 0:
        return ""
    said = trial.stderr.decode(errors="replace").strip().splitlines()
    how = f"a signal ({-trial.returncode})" if trial.returncode < 0 else said[-1] if said else "an error"
    return f"ends with {how} here; if it was built for NumPy 1: pip install 'numpy<2'"


def decode_by_cv_bridge(image: ImageFields, max_pixels: int) -> RgbImage:
    """Pixels as uint8 RGB (height, width, 3).

    cv_bridge gets them without row padding and in this machine's byte order: it reads rows at a whole number of
    pixels, whatever ``step`` says, and fails on big-endian data under NumPy 2.

    Raises:
        UnsupportedEncodingError: cv_bridge does not know it as colour either, or cannot be used.
        MalformedImageError: of more than ``max_pixels``, or its numbers contradict each other.
    """
    if problem := cv_bridge_problem():
        raise UnsupportedEncodingError(
            f"encoding {image.encoding!r} is not supported, and cv_bridge, which may know it, {problem};"
            f" supported: {', '.join(SUPPORTED_ENCODINGS)}"
        )
    from cv_bridge import CvBridge

    check_pixels(image.height, image.width, max_pixels)
    bridge = CvBridge()
    try:
        dtype, channels = bridge.encoding_to_dtype_with_channels(image.encoding)
        rows = _plain_rows(image, np.dtype(dtype), channels)
        message = Image(
            height=image.height, width=image.width, encoding=image.encoding, step=rows.shape[1],
            is_bigendian=int(sys.byteorder == "big"), data=array("B", rows.tobytes()),
        )  # fmt: skip
        return np.ascontiguousarray(bridge.imgmsg_to_cv2(message, "rgb8"), np.uint8)
    except MalformedImageError:
        raise
    except Exception as error:  # its own errors, OpenCV's, KeyError, TypeError
        raise UnsupportedEncodingError(
            f"encoding {image.encoding!r} is not supported, by cv_bridge neither: {error}"
        ) from error


def _plain_rows(image: ImageFields, dtype: np.dtype, channels: int) -> np.ndarray:
    """The rows' bytes (height, bytes of a row): no padding, this machine's byte order."""
    row_bytes = image.width * channels * dtype.itemsize
    step = image.step or row_bytes
    if not image.height or not image.width or step < row_bytes or image.height * step > len(image.data):
        raise MalformedImageError(
            f"{image.encoding} image of {image.height}x{image.width} (height x width): {len(image.data)} bytes in rows"
            f" of {step}, but {image.height} rows of {row_bytes} are needed"
        )
    rows = np.frombuffer(image.data, np.uint8)[: image.height * step].reshape(image.height, step)
    values = np.ascontiguousarray(rows[:, :row_bytes]).view(dtype)
    is_foreign = image.is_bigendian != (sys.byteorder == "big")
    return (values.byteswap() if is_foreign else values).view(np.uint8)
