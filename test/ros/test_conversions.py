# SPDX-License-Identifier: Apache-2.0
"""The messages beside a frame's own image."""

import math

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from restoregan_core.assessment.assessor import Assessment
from restoregan_core.images.encodings import SUPPORTED_ENCODINGS, UnsupportedEncodingError, decode
from restoregan_core.result import Action, RestorationResult
from restoregan_ros.conversions import (
    cv_bridge_is_here,
    decode_by_cv_bridge,
    report_message,
    restamped,
)
from restoregan_ros.image_cdr import ImageFields
from restoregan_ros.outcome import MISSED, Outcome


def test_intrinsics_are_restamped_in_a_copy():
    info = CameraInfo(height=96, k=[float(n) for n in range(9)])
    info.header.frame_id = "as the driver sent it"
    copied = restamped(info, Header(frame_id="of the image"))
    assert (copied.header.frame_id, copied.height, list(copied.k)) == ("of the image", 96, list(info.k))
    assert info.header.frame_id == "as the driver sent it"


def report_of(outcome):
    return report_message(
        Header(frame_id="front"), outcome, latency_ms=7.0, frames_superseded=3, model="lite"
    )


def test_a_report_says_what_the_result_says():
    grid = np.array([[0.25, 0.5]], np.float32)
    judged = Assessment(0.9, np.float32(0.25), blur_grid=grid, rain_grid=grid)
    result = RestorationResult(np.zeros((64, 128, 3), np.uint8), judged, restored_grid=grid)
    report = report_of(Outcome(Action.RESTORED, result=result))
    assert (report.header.frame_id, report.action, report.model) == ("front", 1, "lite")
    assert (report.rain_probability, list(report.restored_grid)) == (0.25, [0.25, 0.5])
    assert (report.grid_rows, report.grid_columns, report.frames_superseded) == (1, 2, 3)


def test_a_frame_that_the_pipeline_did_not_get_is_reported_as_not_assessed():
    report = report_of(MISSED)
    assert (report.action, report.reason, len(report.blur_grid)) == (2, 3, 0)
    assert math.isnan(report.blur_probability)


@pytest.mark.skipif(cv_bridge_is_here(), reason="this is about its absence")
def test_an_encoding_that_only_cv_bridge_may_know_names_it_as_missing():
    image = ImageFields(0, 0, "camera", "32FC1", memoryview(bytes(64)), 4, 4, step=16)
    with pytest.raises(UnsupportedEncodingError, match="'32FC1' is not supported, and cv_bridge"):
        decode_by_cv_bridge(image, 100)


@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
def test_our_codec_and_cv_bridge_see_the_same_pixels(encoding):
    """Colours within what interpolation of Bayer and rounding of YUV differ by: patterns and orders must agree."""
    if not cv_bridge_is_here():
        pytest.skip("cv_bridge is not installed: a ROS distribution has it")
    rng = np.random.default_rng(1)
    channels = next((n for prefix, n in (("rgba", 4), ("bgra", 4), ("rgb", 3), ("bgr", 3), ("8UC3", 3), ("yuv", 2),
                                         ("uyvy", 2), ("yuyv", 2)) if encoding.startswith(prefix)), 1)  # fmt: skip
    rows = 12 if encoding.startswith("nv") else 8
    data = np.tile(rng.integers(40, 200, (1, 2, channels), np.uint8), (rows, 4, 1))
    if encoding.endswith("16"):
        data = data.astype("<u2") * 257
    step = data[0].nbytes
    fields = ImageFields(0, 0, "camera", encoding, memoryview(data.tobytes()), 8, 8, step=step)
    ours = decode(encoding, data.tobytes(), 8, 8, step)
    try:
        theirs = decode_by_cv_bridge(fields, 100)
    except UnsupportedEncodingError as error:
        pytest.skip(str(error))
    np.testing.assert_allclose(ours[2:-2, 2:-2].astype(int), theirs[2:-2, 2:-2], atol=3)
